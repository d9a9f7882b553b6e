# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service is killed in the moment in which it answers: the next one answers, once."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import signal
import sys
from typing import Any

import pytest

from lsst.ts.scriptqueue.bus import Message
from lsst.ts.scriptqueue.sal import AckError, ScriptState
from lsst.ts.scriptqueue.sal.acks import Acknowledgements

from ..observer import PATIENCE_S
from .interrupted import SCRIPT, a_night, kill
from .night import write_script
from .service import Service, a_service, on_each_bus

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]

#: run_script_queue, which is killed as it sends the answer to a command; the first argument says which.
KILLED = """
import os
import signal
import sys

from lsst.ts.scriptqueue.cli.run_script_queue import main
from lsst.ts.scriptqueue.sal.controller_command import ControllerCommand

name, ack = sys.argv.pop(1), ControllerCommand.ack


async def ack_or_die(self, data, ackcmd):
    if self.name == name:
        os.kill(os.getpid(), signal.SIGKILL)
    await ack(self, data, ackcmd)


ControllerCommand.ack = ack_or_die
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def script(apart: None, tmp_path: pathlib.Path) -> None:
    """The script of these tests."""
    write_script(tmp_path / "standard" / "waits.py", SCRIPT)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """All acknowledgements that reach clients of this process."""
    seen: list[Message] = []
    deliver = Acknowledgements.deliver

    def note(self: Acknowledgements, message: Message) -> None:
        seen.append(dict(message))
        deliver(self, message)

    monkeypatch.setattr(Acknowledgements, "deliver", note)
    return seen


def killed_at(tmp_path: pathlib.Path, name: str) -> contextlib.AbstractAsyncContextManager[Service]:
    return a_service(tmp_path, "--state", "enabled", command=(sys.executable, "-c", KILLED, name))


@on_each_bus
async def test_an_add_is_answered_by_the_next_service_once(
    tmp_path: pathlib.Path, seen: list[Message]
) -> None:
    async with a_night(tmp_path) as night:
        async with killed_at(tmp_path, "add") as first:
            await first.line()
            add = asyncio.create_task(night.add("script"))
            assert (await first.end())[0] == -signal.SIGKILL
        assert not add.done()
        async with a_service(tmp_path) as second:
            await second.line()
            # It comes while the component is still in STANDBY, where nobody can resume the queue.
            async with asyncio.timeout(PATIENCE_S):
                await add
            await night.shows(False, "", ["script"], [])
            await night.go_on()
            await night.state("script", ScriptState.RUNNING)
            await kill(second)
        async with a_service(tmp_path) as third:
            await third.line()
            night.let_go("script")
            await night.ended("script")
            third.process.terminate()
            await third.end()
    assert [ack["result"] for ack in seen].count(str(night.indices["script"])) == 1
    assert night.ran("script") == 1


async def test_a_refusal_and_what_the_service_had_not_finished_are_told(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        commands: tuple[tuple[str, dict[str, Any], str], ...] = (
            ("resume", {"slot": "roof"}, "Failed: there is no slot 'roof'; there are main"),
            ("start", {}, "Failed: the service was torn away in the middle of it"),
            ("disable", {}, "Failed: the service was torn away in the middle of it"),
        )
        for name, fields, told in commands:
            async with killed_at(tmp_path, name) as first:
                await first.line()
                if name == "start":
                    for command in ("disable", "standby"):
                        await night.queue.commands[command].set_start(timeout=PATIENCE_S)
                asked = asyncio.create_task(
                    night.queue.commands[name].set_start(timeout=2 * PATIENCE_S, **fields)
                )
                assert (await first.end())[0] == -signal.SIGKILL
            async with a_service(tmp_path) as second:
                await second.line()
                with pytest.raises(AckError) as refused:
                    await asked
                assert refused.value.ackcmd.result.startswith(told)
                await kill(second)
