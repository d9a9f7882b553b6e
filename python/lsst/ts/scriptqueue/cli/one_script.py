# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leading one script through its life, by its commands and events alone.

What it says is printed as it comes, a line each. What comes before the process
id is known is held back, and what other processes said under the same index is
not listened to.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..sal.enums import ScriptState
from ..sal.errors import AckError
from ..sal.remote import Remote

__all__ = ["OneScript", "ScriptWishes"]

#: How long it may take to load, and to answer (seconds), as for a queue.
LOAD_LIMIT_S = 300.0
CONFIGURE_LIMIT_S = 60.0
ANSWER_LIMIT_S = 10.0

#: No script runs for longer (seconds).
RUN_LIMIT_S = 30 * 86_400.0

#: States after which there are no more.
_FINAL = frozenset({ScriptState.DONE, ScriptState.STOPPED, ScriptState.FAILED, ScriptState.CONFIGURE_FAILED})


@dataclass(frozen=True, slots=True)
class ScriptWishes:
    """How a script is to run.

    Attributes
    ----------
    config
        Its configuration, as YAML.
    log_level
        Lowest level that is logged, as in Python; 0 leaves it to the script.
    pause_checkpoint, stop_checkpoint
        Regular expressions of checkpoints to pause and to stop at.
    group_id
        Its group id; "" for one made of the time.
    """

    config: str = ""
    log_level: int = 0
    pause_checkpoint: str = ""
    stop_checkpoint: str = ""
    group_id: str = ""


class OneScript:
    """A script that runs in a process of its own.

    Parameters
    ----------
    remote
        The remote of the script.
    say
        Prints a line.

    Attributes
    ----------
    state
        The state it reported last.
    reason
        The reason it gave.
    """

    def __init__(self, remote: Remote, say: Callable[[str], None]) -> None:
        self._remote = remote
        self._say = say
        self._origin: int | None = None
        self._held: list[tuple[Callable[[Any], None], Any]] = []
        self._news = asyncio.Event()
        self._checkpoints = self._total_checkpoints = 0
        self.state = ScriptState.UNKNOWN
        self.reason = ""
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for event, hear in (
            (remote.evt_state, self._state_reported),
            (remote.evt_metadata, self._metadata_reported),
            (remote.evt_logMessage, self._logged),
        ):
            event.callback = self._listening(hear)

    def started(self, pid: int) -> None:
        """Take note of the process id."""
        self._origin = pid
        for hear, data in self._held:
            if data.private_origin == pid:
                hear(data)
        self._held.clear()

    def gone(self) -> None:
        """Take note of the end of the process."""
        self._gone.set_result(None)

    async def lead(self, wishes: ScriptWishes) -> None:
        """Configure it and let it run, until it has ended.

        Raises
        ------
        TimeoutError
            If it does not load in time.
        AckError
            If it refuses a command, or does not answer in time.
        """
        leading = asyncio.create_task(self._lead(wishes))
        try:
            await asyncio.wait({leading, self._gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leading.cancel()
            await asyncio.wait({leading})
        if not leading.cancelled():
            leading.result()

    async def _lead(self, wishes: ScriptWishes) -> None:
        await self._until(lambda: self.state is not ScriptState.UNKNOWN, LOAD_LIMIT_S)
        try:
            await self._remote.cmd_configure.set_start(
                config=wishes.config,
                logLevel=wishes.log_level,
                pauseCheckpoint=wishes.pause_checkpoint,
                stopCheckpoint=wishes.stop_checkpoint,
                timeout=CONFIGURE_LIMIT_S,
            )
        except AckError:
            if self.state is ScriptState.CONFIGURE_FAILED:
                return
            raise
        group_id = wishes.group_id or self._time_as_group_id()
        await self._remote.cmd_setGroupId.set_start(groupId=group_id, timeout=ANSWER_LIMIT_S)
        self._say(f"group id {group_id}")
        await self._remote.cmd_run.set_start(timeout=RUN_LIMIT_S)
        await self._until(lambda: self.state in _FINAL, ANSWER_LIMIT_S)

    async def stop(self) -> None:
        """Stop it gently.

        Raises
        ------
        AckError
            If it does not obey.
        """
        await self._remote.cmd_stop.set_start(timeout=ANSWER_LIMIT_S)

    async def resume(self) -> None:
        """Let it go on, if it is paused.

        Raises
        ------
        AckError
            If it does not obey.
        """
        if self.state is ScriptState.PAUSED:
            await self._remote.cmd_resume.set_start(timeout=ANSWER_LIMIT_S)

    async def wait_gone(self, limit_s: float | None = None) -> None:
        """Wait until its process has gone.

        Raises
        ------
        TimeoutError
            If it does not go in time.
        """
        async with asyncio.timeout(limit_s):
            await asyncio.wait({self._gone})

    async def _until(self, is_so: Callable[[], bool], limit_s: float) -> None:
        async with asyncio.timeout(limit_s):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    def _listening(self, hear: Callable[[Any], None]) -> Callable[[Any], None]:
        def listen(data: Any) -> None:
            if self._origin is None:
                self._held.append((hear, data))
            elif data.private_origin == self._origin:
                hear(data)

        return listen

    def _state_reported(self, data: Any) -> None:
        state = ScriptState(data.state) if data.state in set(ScriptState) else ScriptState.UNKNOWN
        if data.numCheckpoints > self._checkpoints:
            self._checkpoints = data.numCheckpoints
            total = f" of {self._total_checkpoints}" if self._total_checkpoints else ""
            self._tell(data, f"checkpoint {self._checkpoints}{total}: {data.lastCheckpoint}")
        if state is not self.state:
            self.state, self.reason = state, data.reason
            self._tell(data, f"{state.name}: {data.reason}" if data.reason else state.name)
            if state is ScriptState.PAUSED:
                self._say("             press Enter to resume, Ctrl-C to stop")
        self._news.set()

    def _metadata_reported(self, data: Any) -> None:
        self._total_checkpoints = data.totalCheckpoints
        if data.duration:
            self._tell(data, f"takes about {data.duration:g} s")

    def _logged(self, data: Any) -> None:
        self._tell(data, f"{logging.getLevelName(data.level)}: {data.message}")
        if data.traceback:
            self._say(data.traceback.rstrip())

    def _tell(self, data: Any, text: str) -> None:
        at = time.localtime(data.private_efdStamp)
        milliseconds = int(data.private_efdStamp % 1 * 1000)
        self._say(f"{time.strftime('%H:%M:%S', at)}.{milliseconds:03} {text}")

    def _time_as_group_id(self) -> str:
        tai = datetime.datetime.fromtimestamp(self._remote.domain.clock.tai(), datetime.UTC)
        return tai.replace(tzinfo=None).isoformat(timespec="milliseconds")
