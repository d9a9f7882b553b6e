# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``kill -9`` at any moment: all that was confirmed is there."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import random
import signal
import sys
from asyncio.subprocess import PIPE

import pytest

from lsst.ts.scriptqueue.journal import JournalInUseError, Limits, Query, read_history
from lsst.ts.scriptqueue.journal.connecting import connect, with_settings

from .stage import opened, recovered_from

pytestmark = pytest.mark.system

#: Goes on where the journal ends, with entries that tell their number, and snapshots in between;
#: prints each number that is confirmed.
WRITER = """
import asyncio, logging, pathlib, sys
from lsst.ts.scriptqueue.journal import Entry, Happening, Journal, Limits, ScriptRow

async def main(folder):
    limits = Limits(snapshot_entries=40, keep_rows=30)
    journal, recovered = await Journal.open(folder, lambda: 0.0, logging.getLogger(), limits)
    number = int(recovered.snapshot.body) if recovered.snapshot else 0
    number += len(recovered.entries)

    async def write(number):
        script = ScriptRow(
            key=str(number),
            sal_index=number,
            added_tai=float(number),
            changed_tai=0.0,
            is_standard=True,
            path="a.py",
        )
        line = Happening(str(number), 0.0, "added")
        await journal.write([Entry(0.0, "kind", number, "x" * 300)], [script], [line])
        print(number, flush=True)

    print("ready", flush=True)
    while True:
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                number += 1
                group.create_task(write(number))
        if journal.wants_snapshot:
            await journal.write_snapshot(str(number))

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


async def killed_once(folder: pathlib.Path, dice: random.Random) -> int:
    """Run the writer, kill it after some numbers; return the last that was confirmed."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, folder, stdout=PIPE)
    assert process.stdout is not None
    last = 0
    wanted = dice.randrange(200)
    try:
        assert await process.stdout.readline() == b"ready\n"
        for _ in range(wanted):
            last = int(await process.stdout.readline())
        # Not only just after a number has come.
        spin = dice.randrange(20_000)
        while spin:
            spin -= 1
    finally:
        process.kill()
    for line in (await process.stdout.read()).splitlines(keepends=True):
        if line.endswith(b"\n"):
            last = int(line)
    assert await process.wait() == -signal.SIGKILL
    return last


async def check_rounds(folder: pathlib.Path, rounds: int, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(rounds):
        last = await killed_once(folder, dice)
        async with opened(folder, Limits(keep_days=1e6)) as (_, recovered):
            assert recovered.complaints == ()
        first = recovered.snapshot.after if recovered.snapshot else 0
        assert recovered.snapshot is None or recovered.snapshot.body == str(first)
        numbers = [entry.index for entry in recovered.entries]
        assert numbers == list(range(first + 1, first + 1 + len(numbers)))
        assert first + len(numbers) >= last
        told = [each.script.sal_index for each in read_history(folder, Query()).scripts]
        assert told[-1:] == ([first + len(numbers)] if first + len(numbers) else [])


@pytest.mark.parametrize("seed", [pytest.param(random.SystemRandom().randrange(2**31), id="any seed")])
async def test_what_was_confirmed_is_there(tmp_path: pathlib.Path, seed: int) -> None:
    await check_rounds(tmp_path, 4, seed)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [pytest.param(random.SystemRandom().randrange(2**31), id="any seed")])
async def test_what_was_confirmed_is_there_many_times(tmp_path: pathlib.Path, seed: int) -> None:
    await check_rounds(tmp_path, 100, seed)


def test_a_commit_waits_for_the_disk(tmp_path: pathlib.Path) -> None:
    """Only a power cut would show it."""
    with contextlib.closing(with_settings(connect(tmp_path / "file"), 1_000_000)) as connection:
        settings = [
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("synchronous", "journal_mode")
        ]
    assert settings == [(2,), ("wal",)]


async def test_another_process_has_it(tmp_path: pathlib.Path) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, tmp_path, stdout=PIPE)
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        with pytest.raises(
            JournalInUseError, match=f"process {process.pid} writes the journal in {tmp_path}"
        ):
            await recovered_from(tmp_path)
        # Who only asks is not in its way.
        read_history(tmp_path, Query())
    finally:
        process.kill()
        await process.stdout.read()
        await process.wait()
    async with opened(tmp_path, Limits()) as (_, recovered):
        assert not recovered.is_fresh
