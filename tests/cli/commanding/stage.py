# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ScriptQueue made of paper, and what is needed to talk to it in one process."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from lsst.ts.scriptqueue.bus.memory import MemoryBroker, MemoryBus
from lsst.ts.scriptqueue.cli.commanding.arguments import Order, parse_order
from lsst.ts.scriptqueue.cli.commanding.client import Client, Interest, connect
from lsst.ts.scriptqueue.cli.commanding.dispatch import carry_out, interest_of
from lsst.ts.scriptqueue.cli.commanding.feed import Board
from lsst.ts.scriptqueue.cli.commanding.outcomes import Outcome
from lsst.ts.scriptqueue.cli.commanding.slots import Slot
from lsst.ts.scriptqueue.cli.commanding.words import split_line
from lsst.ts.scriptqueue.sal import Controller, Domain, ExpectedError
from lsst.ts.scriptqueue.sal.enums import ScriptProcessState as P
from lsst.ts.scriptqueue.sal.enums import ScriptState as S
from lsst.ts.scriptqueue.sal.enums import State
from lsst.ts.scriptqueue.testing.clock import FakeClock

QUEUE = 1
SCRIPT = 100_001

#: No test waits longer than this for what must come (virtual seconds).
SOON_S = 60.0

#: The life of a script that goes well, as the queue tells it.
GOOD_LIFE = (
    (S.UNKNOWN, P.LOADING),
    (S.UNCONFIGURED, P.LOADING),
    (S.CONFIGURED, P.CONFIGURED),
    (S.RUNNING, P.RUNNING),
    (S.ENDING, P.RUNNING),
    (S.DONE, P.RUNNING),
    (S.DONE, P.DONE),
)


_NO_WORDS = dict.fromkeys(("slot", "resources", "waitingFor", "exitReason", "concern"), "")


class PaperQueue(Controller):
    """Takes all commands, and tells what it is told to tell.

    Attributes
    ----------
    seen
        The commands it was given: name, and the fields that were asked for.
    replies
        What it answers by name of the command; an exception is raised.
    life
        What becomes of each script that is added.
    slots
        What it tells of its slots; an older queue tells nothing.
    words
        What it tells of a script, by its index, that only a queue with slots tells.
    """

    heartbeat_interval = 1.0

    def __init__(self, domain: Domain, index: int = QUEUE) -> None:
        super().__init__(domain, "ScriptQueue", index)
        self.seen: list[tuple[str, Any]] = []
        self.replies: dict[str, str | Exception] = {}
        self.life: Sequence[tuple[S, P]] = GOOD_LIFE
        self.held = asyncio.Event()
        self.held.set()
        self.running = True
        self.foreign_path = ""
        self.waiting: list[int] = []
        self.past: list[int] = []
        self.slots: tuple[Slot, ...] = ()
        self.words: dict[int, dict[str, Any]] = {}
        self._indices = itertools.count(index * 100_000 + 1)
        for name, command in self.commands.items():
            command.callback = functools.partial(self._take, name)

    async def start(self) -> None:
        await super().start()
        await self.events["summaryState"].set_write(summaryState=State.ENABLED)
        await self.events["availableScripts"].set_write(
            standard="slew.py:maintel/track.py", external="my slew.py"
        )
        await self.tell_queue()

    async def _take(self, name: str, data: Any) -> str | None:
        self.seen.append((name, data))
        await self.held.wait()
        reply = self.replies.get(name)
        if isinstance(reply, Exception):
            raise reply
        answer = await self._do(name, data)
        return reply if reply is not None else answer

    async def _do(self, name: str, data: Any) -> str | None:
        match name:
            case "add" | "requeue":
                index = next(self._indices)
                self.waiting.append(index)
                await self.tell_queue()
                self.spawn(self.live(index), f"script {index}")
                return str(index)
            case "showQueue":
                await self.tell_queue()
            case "showScript":
                await self.tell_script(data.scriptSalIndex, S.CONFIGURED, P.CONFIGURED)
            case "showSchema":
                for path in filter(None, (self.foreign_path, data.path)):
                    await self.events["configSchema"].set_write(
                        force_output=True,
                        isStandard=data.isStandard,
                        path=path,
                        configSchema="type: object\n",
                    )
            case "showAvailableScripts":
                await self.events["availableScripts"].set_write(force_output=True)
        return None

    async def live(self, index: int) -> None:
        for script_state, process_state in self.life:
            await self.tell_script(index, script_state, process_state)
            await asyncio.sleep(0)

    async def tell_script(self, index: int, script_state: S, process_state: P) -> None:
        await self.events["script"].set_write(
            force_output=True,
            scriptSalIndex=index,
            isStandard=True,
            path=f"track_{index}.py",
            scriptState=script_state,
            processState=process_state,
            **{**_NO_WORDS, **self.words.get(index, {})},
        )

    async def tell_queue(self) -> None:
        def padded(indices: list[int]) -> list[int]:
            return indices + [0] * (400 - len(indices))

        await self.events["queue"].set_write(
            force_output=True,
            enabled=True,
            running=self.running,
            length=len(self.waiting),
            salIndices=padded(self.waiting),
            pastLength=len(self.past),
            pastSalIndices=padded(self.past),
        )
        if self.slots:
            await self.events["slots"].set_write(force_output=True, **slots_fields(*self.slots))


def slots_fields(*slots: Slot) -> dict[str, Any]:
    """Return the fields of an event ``slots``."""
    placed = [
        (index, number, indices is slot.active)
        for number, slot in enumerate(slots)
        for indices in (slot.active, slot.waiting)
        for index in indices
    ]
    reasons = {slot.name: slot.pause_reason for slot in slots if not slot.is_running}

    def padded(values: Iterable[Any], length: int, zero: Any) -> list[Any]:
        return (list(values) + [zero] * length)[:length]

    return {
        "length": len(slots),
        "names": ":".join(slot.name for slot in slots),
        "capacity": padded((slot.capacity for slot in slots), 50, 0),
        "eager": padded((slot.is_eager for slot in slots), 50, False),
        "running": padded((slot.is_running for slot in slots), 50, False),
        "pauseReasons": json.dumps(reasons) if reasons else "",
        "scripts": len(placed),
        "salIndices": padded((index for index, _, _ in placed), 400, 0),
        "slotIndex": padded((number for _, number, _ in placed), 400, 0),
        "active": padded((is_active for _, _, is_active in placed), 400, False),
    }


class Stage:
    """The network, and the domains of several processes on it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.said: list[str] = []
        self.boards: list[Board] = []
        self._something_said = asyncio.Event()
        self._broker = MemoryBroker()
        self._origins = itertools.count(1001)
        self._domains: list[Domain] = []

    def say(self, line: str) -> None:
        """Keep what a waiting client says."""
        self.said.append(line)
        self._something_said.set()

    async def says(self, line: str) -> None:
        """Wait until a waiting client has said something."""
        async with asyncio.timeout(SOON_S):
            while line not in self.said:
                self._something_said.clear()
                await self._something_said.wait()

    def domain(self) -> Domain:
        domain = Domain(MemoryBus(self._broker), clock=self.clock, origin=next(self._origins))
        self._domains.append(domain)
        return domain

    @contextlib.asynccontextmanager
    async def queue(self) -> AsyncIterator[PaperQueue]:
        """Open a queue."""
        async with PaperQueue(self.domain()) as queue:
            yield queue

    @contextlib.asynccontextmanager
    async def script(self, index: int = SCRIPT) -> AsyncIterator[Controller]:
        """Open something that speaks as a script."""
        async with Controller(self.domain(), "Script", index) as script:
            yield script

    def client(self, interest: Interest | None = None) -> Client:
        return Client(self.domain(), QUEUE, interest or Interest())

    async def do(self, line: str) -> Outcome:
        """Do what the shell's command line does, in one shot."""
        order = an_order(line)
        client = self.client(interest_of(order))
        self.boards.append(client.feed.board)
        async with asyncio.timeout(SOON_S), connect(client):
            return await carry_out(client, order, self.say)

    async def close(self) -> None:
        for domain in self._domains:
            await domain.close()


def an_order(line: str, given: Mapping[str, Any] | None = None) -> Order:
    return parse_order(split_line(line), interactive=False, given=given or {})


def refusal(text: str) -> ExpectedError:
    return ExpectedError(text)
