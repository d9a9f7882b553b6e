# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real scripts that are stopped, fall silent, or are ended by the kernel: what people see of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from lsst.ts.scriptqueue.sal import Domain, Location, Remote, ScriptState

from ..narrow_group import narrow
from ..observer import PATIENCE_S
from .night import write_script
from .service import a_service, on_each_bus, scripts_in

__all__ = ["narrow"]

pytestmark = [pytest.mark.system, pytest.mark.timeout(150), pytest.mark.usefixtures("apart")]

SETTINGS = "supervision: {silence_s: 3}\n"

#: It enters a control group, if it is given one, and stops there; then it obeys what is written into a file.
SCRIPT = """
    import asyncio
    import os
    import pathlib
    import signal
    import time
    from lsst.ts.scriptqueue.sal import BaseScript

    class Script(BaseScript):
        heartbeat_interval = 0.2

        def __init__(self, index):
            super().__init__(index=index, descr="obeys a file")

        @classmethod
        def get_schema(cls):
            return {'type': 'object', 'properties': {'file': {'type': 'string'}, 'group': {'type': 'string'}}}

        async def configure(self, config):
            self.config = config

        def set_metadata(self, metadata):
            metadata.duration = 0.1

        async def run(self):
            file = pathlib.Path(self.config.file)
            if hasattr(self.config, "group"):
                pathlib.Path(self.config.group, "cgroup.procs").write_text(str(os.getpid()))
                os.kill(os.getpid(), signal.SIGSTOP)
            while not file.exists():
                await asyncio.sleep(0.02)
            if file.read_text() == "eat":
                b"x" * 300_000_000
            # It hears nothing, and lets nothing be heard.
            while file.read_text() == "hang":
                time.sleep(0.02)

    asyncio.run(Script.amain())
"""


class Watch:
    """A client that sees one script."""

    def __init__(self, folder: pathlib.Path, queue: Remote) -> None:
        self.queue = queue
        self.file = folder / "order"
        self.index = 0
        self.script: Any = None
        self._news = asyncio.Event()
        queue.evt_script.callback = self._hear

    async def add(self, **config: str) -> None:
        ack = await self.queue.cmd_add.set_start(
            timeout=PATIENCE_S,
            isStandard=True,
            path="obeys.py",
            config=json.dumps({"file": str(self.file), **config}),
            location=Location.LAST,
        )
        self.index = int(ack.result)

    def order(self, what: str) -> None:
        beside = self.file.with_suffix(".new")
        beside.write_text(what)
        beside.rename(self.file)

    async def until(self, is_so: Callable[[Any], bool]) -> Any:
        """Wait until the script is told to be so; return the event."""
        async with asyncio.timeout(PATIENCE_S):
            while self.script is None or self.script.scriptSalIndex != self.index or not is_so(self.script):
                self._news.clear()
                await self._news.wait()
        return self.script

    async def runs(self) -> None:
        await self.until(lambda script: script.scriptState == ScriptState.RUNNING)

    async def concern(self, words: str) -> str:
        """Wait until it is told with a concern that begins so; "" for none."""
        told = await self.until(
            lambda script: script.concern.startswith(words) and bool(words or not script.concern)
        )
        return str(told.concern)

    def _hear(self, data: Any) -> None:
        self.script = data
        self._news.set()


@contextlib.asynccontextmanager
async def a_watch(tmp_path: pathlib.Path) -> AsyncIterator[Watch]:
    write_script(tmp_path / "standard" / "obeys.py", SCRIPT)
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    async with Domain.connect() as domain, Remote(domain, "ScriptQueue", 1) as queue:
        yield Watch(tmp_path, queue)


def arguments(tmp_path: pathlib.Path) -> tuple[str, ...]:
    return ("--config", str(tmp_path / "settings.yaml"))


async def asked(*words: str) -> str:
    """What command_script_queue prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lsst.ts.scriptqueue.cli.command_script_queue", "1", *words),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


@on_each_bus
async def test_a_script_that_is_stopped_is_shown_until_it_goes_on_also_by_the_next_service(
    tmp_path: pathlib.Path,
) -> None:
    async with a_watch(tmp_path) as watch:
        async with a_service(tmp_path, "--state", "enabled", *arguments(tmp_path)) as first:
            await first.line()
            await watch.add()
            await watch.runs()
            (process,) = scripts_in(tmp_path / "state")
            process.suspend()
            shown = await watch.concern("its process is stopped since ")
            assert shown.endswith(f"kill -CONT {process.pid}")
            assert f"BEWARE: {shown}" in await asked("show", "queue")
            told = json.loads(await asked("--json", "show", "script", str(watch.index)))
            assert told["event"]["data"]["concern"] == shown
            assert told["use"]["memory"] > 5_000_000
            assert told["use"]["cpuTime"] > 0
            assert told["use"]["age"] > 0
            first.process.kill()
            await first.end()
        process.resume()
        async with a_service(tmp_path, *arguments(tmp_path)) as second:
            await second.line()
            await watch.concern("")
            process.suspend()
            await watch.concern("its process is stopped since ")
            process.resume()
            await watch.concern("")
            assert process.is_running()
            watch.order("end")
            await watch.until(lambda script: script.scriptState == ScriptState.DONE)
            second.process.terminate()
            _, errors = await second.end()
        assert errors.count("its process is stopped since ") == 1, errors


async def test_a_script_that_hangs_is_shown_until_it_is_heard_again(tmp_path: pathlib.Path) -> None:
    async with (
        a_watch(tmp_path) as watch,
        a_service(tmp_path, "--state", "enabled", *arguments(tmp_path)) as service,
    ):
        await service.line()
        await watch.add()
        await watch.runs()
        watch.order("hang")
        await watch.concern("silent since ")
        watch.order("end")
        await watch.until(lambda script: script.scriptState == ScriptState.DONE)
        assert watch.script.concern == ""


async def test_a_script_that_memory_ran_out_for_says_so(tmp_path: pathlib.Path, narrow: pathlib.Path) -> None:
    async with (
        a_watch(tmp_path) as watch,
        a_service(tmp_path, "--state", "enabled", *arguments(tmp_path)) as service,
    ):
        await service.line()
        await watch.add(group=str(narrow))
        await watch.runs()
        # The queue has looked by then, and knows the group.
        await watch.concern("its process is stopped since ")
        (process,) = scripts_in(tmp_path / "state")
        process.resume()
        await watch.concern("")
        watch.order("eat")
        ended = await watch.until(lambda script: bool(script.exitReason))
        assert ended.scriptState == ScriptState.FAILED
        assert ended.exitReason.startswith(
            "its process ended by itself with signal SIGKILL: the kernel ended it because memory ran out"
        )
