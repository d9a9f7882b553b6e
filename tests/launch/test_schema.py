# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking scripts for their schema."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.launch import schema
from lsst.ts.scriptqueue.launch.schema import SchemaError, script_schema

from .fifo import Fifo
from .stage import is_alive, write_script

pytestmark = pytest.mark.system


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        pytest.param(
            "printf 'type: object\nunits: \u00b0\n'", "type: object\nunits: \u00b0\n", id="a schema"
        ),
        pytest.param("exit 0", "", id="no configuration"),
        pytest.param("echo; echo chatter >&2", "", id="white space"),
        pytest.param(
            'echo "$@ $(readlink /proc/self/fd/0)"', "0 --schema /dev/null\n", id="how it is called"
        ),
        pytest.param(
            'cd / && command -v beside >/dev/null && echo "${LSST_TS_SCRIPTQUEUE_LAUNCH_ID%%-*}"',
            "schema\n",
            id="its environment",
        ),
    ],
)
async def test_what_is_printed(tmp_path: Path, text: str, printed: str) -> None:
    write_script(tmp_path / "beside", "exit 0")
    assert await script_schema(str(write_script(tmp_path / "script", text))) == printed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "echo one >&2; echo 'ImportError: no moon' >&2; exit 3",
            "script 0 --schema ended with exit code 3: one\nImportError: no moon",
            id="it fails",
        ),
        pytest.param("exit 1", "ended with exit code 1: it said nothing on stderr", id="it fails silently"),
        pytest.param("kill -SEGV $$", "was ended by signal 11", id="it crashes"),
        pytest.param("printf '\\377'", "not UTF-8", id="it prints bytes"),
        pytest.param("yes", "printed more than 1000000 bytes and was killed", id="it never stops printing"),
        pytest.param("yes >&2 & yes x", "printed more than 1000000 bytes", id="on both"),
    ],
)
async def test_what_goes_wrong(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(SchemaError, match=reason):
        await script_schema(str(write_script(tmp_path / "script", text)))


async def test_a_megabyte_is_not_too_much(tmp_path: Path) -> None:
    script = write_script(
        tmp_path / "script", "head -c 1000000 /dev/zero | tr '\\0' x; yes | head -c 100000 >&2"
    )
    assert await script_schema(str(script)) == "x" * 1_000_000


async def test_what_cannot_be_started(tmp_path: Path) -> None:
    script = write_script(tmp_path / "script", "exit 0", first_line="#!/no/such/python")
    with pytest.raises(SchemaError, match="'#!/no/such/python', does not exist"):
        await script_schema(str(script))


async def test_it_takes_too_long(tmp_path: Path, news: Fifo) -> None:
    script = write_script(
        tmp_path / "script",
        f"trap '' TERM; setsid sleep 1000 & echo $! > {news.path}; echo loading >&2; sleep 1000",
    )
    asking = asyncio.create_task(script_schema(str(script), timeout_s=0.3))
    child = await news.pid()
    with pytest.raises(SchemaError, match=r"took longer than 0\.3 s and was killed: loading"):
        await asking
    assert not is_alive(child)


async def test_a_child_that_keeps_the_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    script = write_script(tmp_path / "script", "setsid sleep 1000 & echo 'type: object'")
    assert await script_schema(str(script), timeout_s=10.0) == "type: object\n"


async def test_asking_is_cancelled(tmp_path: Path, news: Fifo) -> None:
    script = write_script(tmp_path / "script", f"echo $$ > {news.path}; sleep 1000")
    asking = asyncio.create_task(script_schema(str(script)))
    child = await news.pid()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not is_alive(child)


@pytest.mark.parametrize("turns", range(4))
async def test_asking_is_cancelled_while_it_starts(tmp_path: Path, turns: int) -> None:
    script = write_script(tmp_path / "script", "sleep 1000")
    asking = asyncio.create_task(script_schema(str(script)))
    for _ in range(turns):
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_as_many_at_a_time_as_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answer = asyncio.Event()

    async def ask(executable: str, timeout_s: float) -> str:
        asked.append(executable)
        await answer.wait()
        return ""

    monkeypatch.setattr(schema, "_ask", ask)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    asking = [asyncio.create_task(script_schema(f"/script_{number}")) for number in range(10)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(asked) == 3
    answer.set()
    assert await asyncio.gather(*asking) == [""] * 10
    assert len(asked) == 10
