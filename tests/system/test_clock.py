# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of the service and its scripts is set back by an hour while no queue is there."""

from __future__ import annotations

import asyncio
import json
import pathlib
import sys
import textwrap
from typing import Any

import pytest

from lsst.ts.scriptqueue.sal import ScriptState

from ..observer import PATIENCE_S
from .interrupted import SCRIPT, a_night, kill
from .night import write_script
from .service import a_service, on_each_bus

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]

#: What a program does first whose clock is wrong.
STEPPED = """
from lsst.ts.scriptqueue.sal import clock

_tai = clock.SystemClock.tai
clock.SystemClock.tai = lambda self: _tai(self) - 3600.0
"""

SERVICE = f"""
import sys
{STEPPED}
from lsst.ts.scriptqueue.cli.run_script_queue import main

sys.exit(main())
"""


@pytest.fixture(autouse=True)
def scripts(apart: None, tmp_path: pathlib.Path) -> None:
    """A script, which has the clock of the machine until it is written anew."""
    write_script(tmp_path / "standard" / "waits.py", SCRIPT)


def set_clock_of_scripts_back(directory: pathlib.Path) -> None:
    """Write it anew; behind a wrapper, so that only the time of what it says tells whose it is."""
    write_script(directory / "_waits.py", STEPPED + textwrap.dedent(SCRIPT))
    write_script(directory / "waits.py", 'trap "" TERM\n"$(dirname "$0")/_waits.py" "$1"\n', "/bin/sh")


async def history(tmp_path: pathlib.Path) -> list[dict[str, Any]]:
    """What the command line tells of the night."""
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lsst.ts.scriptqueue.cli.command_script_queue", "1", "history"),
        *("--json", "--state-dir", str(tmp_path / "state")),
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await asking.communicate()
    return [json.loads(line) for line in answer.decode().splitlines()]


@on_each_bus
async def test_the_night_goes_on_when_the_clock_was_set_back_across_a_restart(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        async with a_service(tmp_path, "--state", "enabled") as first:
            await first.line()
            await night.begin("waiting")
            await night.state("waiting", ScriptState.CONFIGURED)
            last_heard = night.queue.evt_queue.get().private_sndStamp
            await kill(first)
        set_clock_of_scripts_back(tmp_path / "standard")
        async with a_service(tmp_path, command=(sys.executable, "-c", SERVICE)) as second:
            await second.line()
            # Whoever has heard the first service goes on to hear the second.
            await night.shows(False, "running", ["waiting"], ["ended"])
            assert night.queue.evt_queue.get().private_sndStamp > last_heard
            night.queue.evt_heartbeat.flush()
            await night.queue.evt_heartbeat.next(flush=True, timeout=PATIENCE_S)
            await night.go_on()
            await night.add("new")
            for name in ("running", "waiting", "new"):
                await night.run_to_the_end(name)
            await night.shows(True, "", [], ["new", "waiting", "running", "ended"])
            second.process.terminate()
            await second.end()
    assert [night.ran(name) for name in night.indices] == [1, 1, 1, 1]
    told = await history(tmp_path)
    assert sorted(script["salIndex"] for script in told) == sorted(night.indices.values())
    by_age = sorted(told, key=lambda script: str(script["added"]))
    assert [script["salIndex"] for script in by_age] == list(night.indices.values())
    for script in told:
        times = [script[name] for name in ("added", "processStart", "runStart", "processEnd")]
        assert times == sorted(times), script
