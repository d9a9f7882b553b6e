# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A launcher whose scripts exist only on paper, and are played in this process.

With the memory bus and a loop with virtual time, a whole ScriptQueue runs
through a night in seconds::

    launcher = ScriptedLauncher(MemoryBus(broker), {"slew.py": Plan(running=(Wait(30),))}, clock)

All scripts share one link to the bus, so that a script costs little. Their
process ids are beyond those of real processes.
"""

from __future__ import annotations

import asyncio
import collections
import functools
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..bus.contract import Bus, IndexRange, Link, Message, Reading, TopicSpec
from ..launch.contract import (
    Exited,
    Identity,
    Launched,
    Launcher,
    LaunchError,
    LaunchRequest,
    StopPlan,
    Vitals,
)
from ..sal.clock import Clock, Stamper
from ..sal.definitions import component
from ..sal.records import record_class
from ..sal.revision import revision_code
from .scripted import Exit, Plan
from .scripted_player import ScriptPlayer

__all__ = ["FIRST_PID", "Heard", "ScriptedLauncher"]

#: No process of Linux has this id, or a greater one.
FIRST_PID = 2**22 + 1

#: As many commands are kept in `ScriptedLauncher.heard`.
HEARD_KEPT = 10_000

_SIGKILL = 9

_WELL = Vitals(is_stopped=False, memory_bytes=20_000_000, cpu_s=0.5)

_WRITTEN = (
    "ackcmd",
    "logevent_state",
    "logevent_description",
    "logevent_metadata",
    "logevent_checkpoints",
    "logevent_heartbeat",
)


@dataclass(frozen=True, slots=True)
class Heard:
    """A command that a script has heard.

    Attributes
    ----------
    index
        SAL index of the script.
    command
        Name of the command.
    fields
        The whole message.
    """

    index: int
    command: str
    fields: Mapping[str, Any]


class ScriptedLauncher(Launcher):
    """Plays scripts.

    Parameters
    ----------
    bus
        How the scripts speak; closed with the launcher.
    plans
        What each script does: its plan by its path, of which the end must
        match, such as ``slew.py``, or by a function of the request. A path
        that is not named gets the default plan.
    clock
        Where stamps come from.
    stop_plan
        How scripts are ended.

    Attributes
    ----------
    heard
        The latest commands that scripts have heard, in order.
    launches
        How many scripts have been started.
    vitals
        What is seen of the process of each script, by SAL index; of others, that they are well.
    """

    def __init__(
        self,
        bus: Bus,
        plans: Mapping[str, Plan] | Callable[[LaunchRequest], Plan],
        clock: Clock,
        *,
        stop_plan: StopPlan | None = None,
    ) -> None:
        self.heard: collections.deque[Heard] = collections.deque(maxlen=HEARD_KEPT)
        self.launches = 0
        self.vitals: dict[int, Vitals] = {}
        self._bus = bus
        self._plan_of = plans if callable(plans) else functools.partial(_by_path, plans)
        self._clock = clock
        self._stamper = Stamper(clock)
        self._stop_plan = stop_plan or StopPlan()
        self._callbacks: list[Callable[[Exited], None]] = []
        self._pids = itertools.count(FIRST_PID)
        self._opening = asyncio.Lock()
        self._link: Link | None = None
        self._spec = component("Script")
        self._cmdtypes = {name: number for number, name in enumerate(self._spec.topics)}
        self._frames: dict[str, tuple[TopicSpec, Message]] = {}
        self._players: dict[str, ScriptPlayer] = {}
        self._by_index: dict[int, ScriptPlayer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._is_closed = False

    @property
    def running(self) -> list[int]:
        """SAL indices of the scripts whose process runs."""
        return sorted(player.index for player in self._players.values())

    def on_exit(self, callback: Callable[[Exited], None]) -> None:
        self._callbacks.append(callback)

    async def launch(self, request: LaunchRequest) -> Launched:
        await self._open()
        plan = self._plan_of(request)
        if self._is_closed or plan.launch_error:
            raise LaunchError(plan.launch_error or "the launcher is closed: nothing is started any more")
        pid = next(self._pids)
        self.launches += 1
        player = ScriptPlayer(request.sal_index, plan, functools.partial(self._write, pid))
        self._players[request.launch_id] = self._by_index[request.sal_index] = player
        self._tasks[request.launch_id] = asyncio.create_task(
            self._own(request, player), name=f"scripted script {request.launch_id}"
        )
        return Launched(request.launch_id, Identity(pid, 0, "", 0), "")

    def terminate(self, launch_id: str) -> None:
        player = self._players.get(launch_id)
        if player is None:
            return
        loop, kill_s, term_s = asyncio.get_running_loop(), self._stop_plan.kill_after_s, player.plan.term_s
        if term_s is None or term_s > kill_s:
            loop.call_later(kill_s, player.end, Exit(signal=_SIGKILL))
        else:
            loop.call_later(term_s, player.end, Exit(code=1))

    async def look(self) -> Mapping[str, Vitals]:
        return {
            launch_id: self.vitals.get(player.index, _WELL) for launch_id, player in self._players.items()
        }

    async def beat(self, index: int) -> None:
        """Have a script send a heartbeat; by itself none does."""
        player = self._by_index[index]
        await player.write("logevent_heartbeat", {})

    def taken(self, launch_id: str) -> None:
        """Nothing is kept of an exit that has been told."""

    async def aclose(self) -> None:
        self._is_closed = True
        for launch_id in self._players:
            self.terminate(launch_id)
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        await self._bus.aclose()

    async def _open(self) -> None:
        async with self._opening:
            if self._link is None:
                self._link = await self._bus.open(
                    index=0,
                    writes=[self._spec.topics[name] for name in _WRITTEN],
                    reads=[
                        Reading(topic, IndexRange.every(), functools.partial(self._hear, name))
                        for name, topic in self._spec.commands.items()
                    ],
                )
                for name in _WRITTEN:
                    topic = self._spec.topics[name]
                    frame = record_class(topic).default_message() | {"private_revCode": revision_code(topic)}
                    self._frames[name] = (topic, frame)

    async def _own(self, request: LaunchRequest, player: ScriptPlayer) -> None:
        """See a script from its start to its exit."""
        try:
            how = await player.live()
        finally:
            del self._players[request.launch_id]
            del self._tasks[request.launch_id]
            if self._by_index.get(player.index) is player:
                del self._by_index[player.index]
        exited = Exited(
            request.launch_id, request.sal_index, how.code, how.signal, how.output, how.memory_kill
        )
        for callback in self._callbacks:
            callback(exited)

    def _hear(self, command: str, message: Message) -> None:
        player = self._by_index.get(message["salIndex"])
        if player is not None:
            self.heard.append(Heard(player.index, command, message))
            player.hear(command, message)

    async def _write(self, pid: int, index: int, topic_name: str, fields: dict[str, Any]) -> None:
        assert self._link is not None
        topic, frame = self._frames[topic_name]
        stamp = self._stamper.stamp()
        frame["private_seqNum"] += 1
        message = frame | {
            "salIndex": index,
            "private_sndStamp": stamp,
            "private_kafkaStamp": stamp,
            "private_efdStamp": self._clock.utc_from_tai(stamp),
            "private_identity": f"Script:{index}",
            "private_origin": pid,
            **fields,
        }
        if topic_name == "ackcmd":
            message["cmdtype"] = self._cmdtypes[f"command_{fields['cmdtype']}"]
        await self._link.write(topic, message)


def _by_path(plans: Mapping[str, Plan], request: LaunchRequest) -> Plan:
    for path, plan in plans.items():
        if request.executable == path or request.executable.endswith(f"/{path}"):
            return plan
    return Plan()
