# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""One scripted script, from the start of its process to its end.

It speaks as a real script does, but writes straight to the bus: two hundred a
second must fit into one process beside the queue they are to test. It has no
heartbeat of its own and no log.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Never

from ..bus.contract import Message
from ..sal.enums import SalRetCode, ScriptState
from ..sal.script_block import block_execution
from ..sal.script_metadata import blank_metadata
from ..sal.script_states import GOOD_ENDS, On, next_state, refusal
from .scripted import Checkpoint, Exit, Fail, Hang, Plan, Report, Step, Wait

__all__ = ["ScriptPlayer", "Write"]

#: Writes a message of a script: its index, the topic's name, and fields.
Write = Callable[[int, str, dict[str, Any]], Awaitable[None]]


class _Failed(Exception):
    """The plan says that the author's code fails here."""


class ScriptPlayer:
    """Plays a plan.

    Parameters
    ----------
    index
        SAL index.
    plan
        What it does.
    write
        How it writes.

    Attributes
    ----------
    index, plan
        As given.
    state
        The event ``state`` as last written.
    """

    def __init__(self, index: int, plan: Plan, write: Write) -> None:
        self.index = index
        self.plan = plan
        self.state: dict[str, Any] = {"state": ScriptState.UNKNOWN, "groupId": "", "numCheckpoints": 0}
        self._write = write
        self._life = ScriptState.UNKNOWN
        self._pause = self._stop = ""
        self._inbox: asyncio.Queue[tuple[str, Message]] = asyncio.Queue()
        self._gone: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._work: asyncio.Task[None] | None = None
        self._resumed: asyncio.Future[None] | None = None
        self._is_stop_asked = False
        self._is_ending = False

    async def live(self) -> Exit:
        """Play the plan; return how the process ended."""
        async with asyncio.TaskGroup() as group:
            main = group.create_task(self._load_and_obey(group))
            try:
                return await self._gone
            finally:
                main.cancel()
                if self._work is not None:
                    self._work.cancel()

    async def write(self, topic: str, fields: dict[str, Any]) -> None:
        """Write anything as this script."""
        await self._write(self.index, topic, fields)

    def hear(self, command: str, message: Message) -> None:
        """Take a command from the bus."""
        self._inbox.put_nowait((command, message))

    def end(self, how: Exit) -> None:
        """Let the process end now, if it has not."""
        if not self._gone.done():
            self._gone.set_result(how)

    async def _load_and_obey(self, group: asyncio.TaskGroup) -> None:
        await self._play(self.plan.loading)
        await self._enter(On.LOADED)
        await self._write(self.index, "logevent_description", {"remotes": self.plan.remotes})
        while True:
            command, message = await self._inbox.get()
            if command in self.plan.unanswered:
                continue
            reason = self.plan.refused.get(command) or refusal(command, self._life)
            if command == "run" and not reason and not self.state["groupId"]:
                reason = "Cannot run: the script has no group id; use setGroupId first"
            if reason:
                await self._answer(message, command, reason)
            elif command in _WORKS:
                if command == "run":
                    self._set(On.RUN)
                self._work = group.create_task(self._carry_out(command, message))
                # What is cancelled before it has begun could not end as stopped.
                await asyncio.sleep(0)
            else:
                await _DEEDS[command](self, message)
                await self._answer(message, command)

    async def _carry_out(self, command: str, message: Message) -> None:
        reason = await _WORKS[command](self, message)
        await self._answer(message, command, reason)
        if self._is_ending:
            await self._leave()

    async def _configure(self, message: Message) -> str:
        happened, reason = await self._attempt(self.plan.configuring)
        if happened is On.STOPPED:
            await self._end_as(happened)
            return "the script was stopped while it was being configured"
        if happened is On.RAISED:
            self._is_ending = True
            await self._enter(On.CONFIGURE_FAILED, reason)
            return reason
        self._pause, self._stop = message["pauseCheckpoint"], message["stopCheckpoint"]
        await self._write_checkpoints()
        await self._write(self.index, "logevent_metadata", vars(blank_metadata()) | dict(self.plan.metadata))
        execution = block_execution(message["blockId"])
        self.state |= {
            "blockId": message["blockId"],
            "executionId": message["executionId"],
            "dayObs": execution.day_obs,
            "blockExecution": execution.number,
        }
        await self._enter(On.CONFIGURED)
        return ""

    async def _run(self, message: Message) -> str:
        await self._report()
        await self._end_as(*await self._attempt(self.plan.running))
        return ""

    async def _attempt(self, steps: tuple[Step, ...]) -> tuple[On, str]:
        """Play steps, and return how they ended and why."""
        try:
            await self._play(steps)
        except _Failed as failure:
            return On.RAISED, str(failure)
        except asyncio.CancelledError:
            if self._gone.done() or not self._is_stop_asked:
                raise
            return On.STOPPED, ""
        return On.RETURNED, ""

    async def _end_as(self, happened: On, reason: str = "") -> None:
        self._is_ending = True
        await self._enter(happened, reason)
        ended = On.CLEANED_UP
        try:
            await self._play(self.plan.cleaning)
        except _Failed as failure:
            ended, reason = On.CLEANUP_FAILED, str(failure)
        await self._enter(ended, reason)

    async def _leave(self) -> None:
        await self._play(self.plan.leaving)
        self.end(Exit(code=0 if self._life in GOOD_ENDS else 1))

    async def _set_group_id(self, message: Message) -> None:
        self.state["groupId"] = message["groupId"]
        await self._report()

    async def _set_checkpoints(self, message: Message) -> None:
        self._pause, self._stop = message["pause"], message["stop"]
        await self._write_checkpoints()

    async def _resume(self, message: Message) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    async def _stop_now(self, message: Message) -> None:
        if self._is_ending or self._is_stop_asked:
            return
        self._is_stop_asked = True
        if self._work is not None and not self._work.done():
            self._work.cancel()
        else:
            await self._end_as(On.STOPPED)
            await self._leave()

    async def _ignore(self, message: Message) -> None:
        pass

    async def _play(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            match step:
                case Wait(duration_s):
                    await asyncio.sleep(duration_s)
                case Checkpoint(name):
                    await self._checkpoint(name)
                case Fail(reason):
                    raise _Failed(reason)
                case Exit():
                    self.end(step)
                    await _forever()
                case Report(state, reason, index):
                    false = self.state | {"state": state, "reason": reason}
                    await self._write(self.index if index is None else index, "logevent_state", false)
                case Hang():
                    await _forever()

    async def _checkpoint(self, name: str) -> None:
        self.state |= {"lastCheckpoint": name, "numCheckpoints": self.state["numCheckpoints"] + 1}
        if self._stop and re.fullmatch(self._stop, name):
            self._is_stop_asked = True
            raise asyncio.CancelledError
        if self._pause and re.fullmatch(self._pause, name):
            self._resumed = asyncio.get_running_loop().create_future()
            await self._enter(On.PAUSED)
            await self._resumed
            await self._enter(On.RESUMED)
        else:
            await self._report()

    async def _enter(self, event: On, reason: str = "") -> None:
        self._set(event, reason)
        await self._report()

    def _set(self, event: On, reason: str = "") -> None:
        self._life = next_state(self._life, event)
        self.state |= {"state": self._life, "reason": reason}

    async def _report(self) -> None:
        await self._write(self.index, "logevent_state", self.state)

    async def _write_checkpoints(self) -> None:
        fields = {"pause": self._pause, "stop": self._stop}
        await self._write(self.index, "logevent_checkpoints", fields)

    async def _answer(self, message: Message, command: str, reason: str = "") -> None:
        await self._write(
            self.index,
            "ackcmd",
            {
                "private_seqNum": message["private_seqNum"],
                "identity": message["private_identity"],
                "origin": message["private_origin"],
                "ack": SalRetCode.CMD_FAILED if reason else SalRetCode.CMD_COMPLETE,
                "error": 1 if reason else 0,
                "result": f"Failed: {reason}" if reason else "Done",
                "cmdtype": command,
            },
        )


async def _forever() -> Never:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a future that nobody knows was done")


#: Commands that take their time, and those that are done at once.
_WORKS: dict[str, Callable[[ScriptPlayer, Message], Coroutine[Any, Any, str]]] = {
    "configure": ScriptPlayer._configure,
    "run": ScriptPlayer._run,
}
_DEEDS: dict[str, Callable[[ScriptPlayer, Message], Coroutine[Any, Any, None]]] = {
    "setGroupId": ScriptPlayer._set_group_id,
    "setCheckpoints": ScriptPlayer._set_checkpoints,
    "setLogLevel": ScriptPlayer._ignore,
    "resume": ScriptPlayer._resume,
    "stop": ScriptPlayer._stop_now,
}
