# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ScriptQueue with real scripts over DDS, and a client of it, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import secrets
import textwrap
from collections.abc import AsyncIterator, Callable
from typing import Any

import psutil

from lsst.ts.scriptqueue.bus import IndexRange
from lsst.ts.scriptqueue.core.limits import Limits
from lsst.ts.scriptqueue.csc.assembly import QueueOptions, script_queue
from lsst.ts.scriptqueue.csc.script_queue import ScriptQueueCsc
from lsst.ts.scriptqueue.csc.settings import Settings
from lsst.ts.scriptqueue.sal import Domain, Location, Remote, ScriptProcessState, State

#: Far longer than anything here takes, and shorter than the limit of a test.
PATIENCE_S = 40.0

_ENDED = frozenset(
    {
        ScriptProcessState.DONE,
        ScriptProcessState.LOADFAILED,
        ScriptProcessState.CONFIGURE_FAILED,
        ScriptProcessState.TERMINATED,
    }
)

#: A script that does what its configuration says, and is otherwise well-behaved.
WELL_BEHAVED = """
    import asyncio
    from lsst.ts.scriptqueue.sal import BaseScript

    class Script(BaseScript):
        def __init__(self, index):
            super().__init__(index=index, descr="well-behaved")

        @classmethod
        def get_schema(cls):
            return {'type': 'object', 'additionalProperties': {'type': 'boolean'}}

        async def configure(self, config):
            self.config = config

        def set_metadata(self, metadata):
            metadata.duration = 0.1

        async def run(self):
            await self.checkpoint("start")
            if getattr(self.config, "wait", False):
                await asyncio.Event().wait()
            if getattr(self.config, "fail", False):
                raise RuntimeError("told to fail")
            await self.checkpoint("end")

    asyncio.run(Script.amain())
"""


def write_script(file: pathlib.Path, text: str, interpreter: str = "/usr/bin/env python3") -> None:
    """Write an executable script."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!{interpreter}\n{textwrap.dedent(text)}")
    file.chmod(0o755)


def is_alive(pid: int) -> bool:
    """Does a process run? A zombie that its new parent has not reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Night:
    """A client of a queue, and what it has seen.

    Attributes
    ----------
    queue, scripts
        Remotes of the queue and of its scripts.
    csc
        The queue itself.
    shown
        The latest ``script`` event of each index.
    history
        Every ``script`` and ``queue`` event, in the order in which they came.
    """

    def __init__(self, csc: ScriptQueueCsc, queue: Remote, scripts: Remote, directory: pathlib.Path) -> None:
        self.csc = csc
        self.queue = queue
        self.scripts = scripts
        self.shown: dict[int, Any] = {}
        self.states: dict[int, list[int]] = {}
        self.history: list[Any] = []
        self._directory = directory
        self._news = asyncio.Event()
        queue.evt_script.callback = self._script
        queue.evt_queue.callback = self._queue
        scripts.evt_state.callback = self._state

    def write(self, path: str, text: str, interpreter: str = "/usr/bin/env python3") -> None:
        """Write a standard script."""
        write_script(self._directory / path, text, interpreter)

    async def add(self, path: str, config: str = "", **fields: Any) -> int:
        """Add a standard script; return its index."""
        fields = {"location": Location.LAST} | fields
        ack = await self.queue.cmd_add.set_start(
            timeout=PATIENCE_S, isStandard=True, path=path, config=config, **fields
        )
        return int(ack.result)

    async def until(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until what was seen fulfils a condition."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not is_so():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            stories = "\n".join(f"{index}:\n{self.csc.model.story(index)}" for index in self.shown)
            raise AssertionError(f"never saw: {what}\n{stories}") from None

    async def gone(self, index: int) -> Any:
        """Wait until the process of a script has gone; return its last event."""
        await self.until(
            f"{index} gone", lambda: index in self.shown and self.shown[index].timestampProcessEnd > 0
        )
        return self.shown[index]

    async def reached(self, index: int, state: int) -> None:
        """Wait until a script has reported a state."""
        await self.until(f"{index} in state {state}", lambda: state in self.states.get(index, []))

    async def ended(self, index: int) -> Any:
        """Wait until a script is in the history; return its last event."""
        await self.until(
            f"{index} in the history",
            lambda: index in self.past and self.shown[index].processState in _ENDED,
        )
        return self.shown[index]

    @property
    def last_queue(self) -> Any:
        """The latest ``queue`` event."""
        return self.queue.evt_queue.get()

    @property
    def past(self) -> list[int]:
        """The history, the latest first."""
        data = self.last_queue
        return list(data.pastSalIndices[: data.pastLength])

    def _script(self, data: Any) -> None:
        self.shown[data.scriptSalIndex] = data
        self.history.append(data)
        self._news.set()

    def _queue(self, data: Any) -> None:
        self.history.append(data)
        self._news.set()

    def _state(self, data: Any) -> None:
        self.states.setdefault(data.salIndex, []).append(data.state)
        self._news.set()


@contextlib.asynccontextmanager
async def a_night(tmp_path: pathlib.Path, kill_after_s: float = 1.0, **limits: float) -> AsyncIterator[Night]:
    """Start a queue that is enabled, and a client of it."""
    standard = tmp_path / "standard"
    external = tmp_path / "external"
    standard.mkdir()
    external.mkdir()
    os.environ["LSST_TOPIC_SUBNAME"] = f"test_{secrets.token_hex(6)}"
    options = QueueOptions(
        index=1,
        state_dir=tmp_path / "state",
        standard=standard,
        external=external,
        bus="dds",
        initial_state=State.ENABLED,
        duplicate_watch_s=0.0,
        settings=Settings(
            limits=Limits(**limits, kill_s=kill_after_s + 1.0),  # type: ignore[arg-type]
            kill_after_s=kill_after_s,
        ),
    )
    async with script_queue(options) as csc, Domain.connect("dds") as domain:
        queue = Remote(domain, "ScriptQueue", 1)
        scripts = Remote(domain, "Script", IndexRange(100000, 199999))
        night = Night(csc, queue, scripts, standard)
        night.write("good.py", WELL_BEHAVED)
        await asyncio.gather(queue.start_task, scripts.start_task)
        yield night
