# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who kills the queue, its keeper and its scripts, and when."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import random
from dataclasses import dataclass

import psutil
from middleware import Middleware

from .model import Model
from .moments import MOMENTS, Moments
from .service import Service, keeper_of, scripts_of
from .stage import Stage

__all__ = ["Killer", "Plan", "Way"]

#: How long a moment is waited for (seconds).
_MOMENT_LIMIT_S = 5.0

_LIMIT_S = 20.0


class Way(enum.Enum):
    """In which way the queue goes."""

    QUEUE = "queue"
    KEEPER = "keeper"
    BOTH = "queue and keeper"
    KEEPER_FIRST = "keeper, then queue"
    UPGRADE = "stopped for an upgrade"


_WAYS = (Way.QUEUE,) * 10 + (Way.KEEPER,) * 2 + (Way.BOTH,) * 2 + (Way.KEEPER_FIRST,) + (Way.UPGRADE,) * 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done next.

    Attributes
    ----------
    way
        In which way the queue goes.
    moment
        What is waited for first; "" for nothing but the delay.
    is_early
        Is the queue killed while it starts, before it is back at work?
    delay_s
        How long after that (seconds).
    away_s
        How long no queue is there (seconds).
    victims
        How many scripts are killed meanwhile.
    """

    way: Way
    moment: str
    is_early: bool
    delay_s: float
    away_s: float
    victims: int

    @classmethod
    def by(cls, chance: random.Random) -> Plan:
        """Make a plan by chance."""
        way = chance.choice(_WAYS)
        is_early = chance.random() < 0.15
        moment = "" if is_early else chance.choice(("", "", *MOMENTS))
        if is_early:
            delay_s = chance.uniform(0.0, 2.0)
        else:
            delay_s = chance.uniform(0.0, 0.05) if moment else chance.uniform(0.0, 4.0)
        away_s = chance.choice((0.0, 0.0, chance.uniform(0.0, 2.0)))
        return cls(way, moment, is_early, delay_s, away_s, chance.choice((0, 0, 0, 1, 2)))

    def __str__(self) -> str:
        when = "while it starts" if self.is_early else self.moment and f"after {self.moment}"
        victims = f", {self.victims} scripts with it" if self.victims else ""
        after = f"{when or 'at some time'} + {self.delay_s * 1e3:.0f} ms"
        return f"{self.way.value} {after}{victims}, {self.away_s:.1f} s away"


class Killer:
    """Carries plans out.

    Parameters
    ----------
    stage, middleware
        Of the queue.
    model
        Told of the scripts that are killed, and of what goes wrong.
    moments
        What is waited for.
    chance
        Chooses the victims.
    """

    def __init__(
        self, stage: Stage, middleware: Middleware, model: Model, moments: Moments, chance: random.Random
    ) -> None:
        self._stage = stage
        self._middleware = middleware
        self._model = model
        self._moments = moments
        self._chance = chance

    async def strike(self, plan: Plan, service: Service, is_up: asyncio.Event) -> bool:
        """Wait for the moment and do it; return whether the queue has gone."""
        if not plan.is_early:
            await is_up.wait()
        if plan.moment:
            await self._moments.wait_for(plan.moment, _MOMENT_LIMIT_S)
        await asyncio.sleep(plan.delay_s)
        if plan.way is Way.KEEPER:
            self._kill_keeper()
            return False
        is_up.clear()
        if plan.way is Way.UPGRADE and not plan.is_early:
            statuses = await service.stop(self._stage, self._middleware, keeps_scripts=True)
            if statuses != (0, 0):
                self._model.fault(f"--stop --keep-scripts and the queue ended with {statuses}: {service.log}")
        else:
            if plan.way is Way.KEEPER_FIRST:
                self._kill_keeper()
            service.kill()
            if plan.way is Way.BOTH:
                self._kill_keeper()
            await service.ended()
        if plan.victims:
            await self._kill_scripts(plan.victims)
        return True

    def _kill_keeper(self) -> None:
        keeper = keeper_of(self._stage)
        self._model.keeper_is_lost = True
        if keeper is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                keeper.kill()

    async def _kill_scripts(self, count: int) -> None:
        scripts = scripts_of(self._middleware)
        for index, script in self._chance.sample(scripts, min(count, len(scripts))):
            with contextlib.suppress(psutil.NoSuchProcess):
                script.kill()
                await asyncio.to_thread(psutil.wait_procs, [script], _LIMIT_S)
                has_begun = bool(self._stage.deeds(index))
                (self._model.killed if has_begun else self._model.killed_early).add(index)
