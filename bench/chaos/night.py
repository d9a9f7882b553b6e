# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of events: a queue that is killed again and again while clients command it, and a quiet end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import time
from collections.abc import Coroutine, Iterator
from typing import Any

from leftovers import kill_marked
from middleware import Middleware

from .clients import Client
from .killer import Killer, Plan
from .model import Model
from .moments import Moments
from .observer import Observer
from .operator import Operator
from .service import Service
from .stage import SLOTS, Stage
from .verdict import judge

__all__ = ["Night"]

#: How long the scripts that are left at the end may take, all together (seconds).
_LAST_LIMIT_S = 120.0

_OUTAGE_S = 60.0


class Night:
    """A night.

    Parameters
    ----------
    stage, middleware
        Where.
    chance
        Decides what happens.
    kills, outages
        How often the queue goes, and how often of these for a minute.
    limit_s
        After this nothing is killed any more (seconds).
    """

    def __init__(
        self,
        stage: Stage,
        middleware: Middleware,
        chance: random.Random,
        *,
        kills: int,
        outages: int,
        limit_s: float,
    ) -> None:
        self.model = Model(tuple(SLOTS))
        self._stage = stage
        self._middleware = middleware
        self._chance = chance
        self._kills = kills
        self._done = 0
        self._give_up_at = time.monotonic() + limit_s
        self._outages = set(chance.sample(range(kills), min(outages, kills)))
        self._moments = Moments()
        self._is_up = asyncio.Event()
        self._services = 0

    async def run(self) -> str:
        """Let it happen; return what there is to say of it."""
        began = time.monotonic()
        with kill_marked(self._middleware.subname):
            async with self._middleware.domain() as domain:
                observer = Observer(domain, self.model, self._moments)
                async with observer.queue, observer.scripts:
                    await self._happen(observer)
            scripts = await asyncio.to_thread(judge, self.model, self._stage, self._middleware)
        answers = ", ".join(f"{count} {outcome.value}" for outcome, count in observer.answers.items())
        of_blocks = sum(len(execution.names) for execution in self.model.executions)
        return (
            f"{self._done} kills in {time.monotonic() - began:.0f} s; {scripts} scripts, {of_blocks} of "
            f"{len(self.model.executions)} blocks; {self.model.carried} moves to another slot; "
            f"commands: {answers}"
        )

    async def _happen(self, observer: Observer) -> None:
        operator = Operator(observer, self.model)
        killer = Killer(self._stage, self._middleware, self.model, self._moments, self._chance)
        turns = {slot: asyncio.Lock() for slot in SLOTS}
        clients = [
            Client(
                slot,
                observer,
                self.model,
                self._moments,
                self._stage,
                random.Random(self._chance.random()),
                turns,
            )
            for slot in SLOTS
        ]
        service = await self._start(observer)
        with contextlib.ExitStack() as work:
            at_work = [work.enter_context(_at_work(client.work(self._is_up))) for client in clients]
            operating = work.enter_context(contextlib.ExitStack())
            operating.enter_context(_at_work(operator.work(service, self._is_up)))
            for number in range(self._kills):
                plan = Plan.by(self._chance)
                if number in self._outages:
                    plan = dataclasses.replace(plan, away_s=_OUTAGE_S)
                print(f"chaos: {number + 1}: {plan}", flush=True)
                if await self._struck(killer.strike(plan, service, self._is_up)):
                    operating.close()
                    await asyncio.sleep(plan.away_s)
                    service = await self._start(observer)
                    operating.enter_context(_at_work(operator.work(service, self._is_up)))
                self._done += 1
                if self.model.faults or time.monotonic() > self._give_up_at:
                    break
                for client in at_work:
                    if client.done():
                        client.result()
        with _at_work(operator.work(service, self._is_up)):
            try:
                await observer.until(lambda: operator.is_at_rest(service), _LAST_LIMIT_S)
            except TimeoutError:
                self.model.fault(f"the night does not end: {operator.left(service)} still wait or run")
        statuses = await service.stop(self._stage, self._middleware, keeps_scripts=False)
        if statuses != (0, 0):
            self.model.fault(f"--stop and the queue ended with {statuses}: {service.log}")

    async def _struck(self, strike: Coroutine[Any, Any, bool]) -> bool:
        try:
            async with asyncio.timeout(_LAST_LIMIT_S):
                return await strike
        except TimeoutError:
            self.model.fault(f"the queue was not back at work, or did not go, within {_LAST_LIMIT_S:g} s")
            return False

    async def _start(self, observer: Observer) -> Service:
        self._services += 1
        self._stage.write_settings(self._chance.choice((1, 3, 20, 5000)))
        service = await Service.start(
            self._stage,
            self._middleware,
            self._services,
            is_restarted=bool(self.model.asked),
            resumes=self._services > 1 and self._chance.random() < 0.2,
        )
        observer.service = service
        return service


@contextlib.contextmanager
def _at_work(work: Coroutine[Any, Any, None]) -> Iterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
