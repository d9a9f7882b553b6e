# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands the queue and hears what it tells, over the middleware, as any client does."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lsst.ts.scriptqueue.bus import IndexRange
from lsst.ts.scriptqueue.sal import (
    AckError,
    AckTimeoutError,
    Domain,
    Remote,
    SalRetCode,
    ScriptProcessState,
    ScriptState,
)

from .model import Model
from .moments import Moments
from .service import INDEX, Service

__all__ = ["Answer", "Observer", "Outcome"]

#: A queue that lives answers within this (seconds).
ANSWER_LIMIT_S = 60.0

#: How long an answer that was sent before the queue was killed may be on its way (seconds).
_ON_ITS_WAY_S = 0.3

_PER_QUEUE = 100_000

_MOMENT_OF_STATE = {
    ScriptState.UNCONFIGURED: "a script was to be configured",
    ScriptState.CONFIGURED: "a script was configured",
    ScriptState.RUNNING: "a script began to run",
    ScriptState.DONE: "a script has ended",
    ScriptState.FAILED: "a script has ended",
    ScriptState.STOPPED: "a script has ended",
}
_FINAL = frozenset({ScriptState.DONE, ScriptState.STOPPED, ScriptState.FAILED, ScriptState.CONFIGURE_FAILED})
_ENDED = frozenset(
    {
        ScriptProcessState.DONE,
        ScriptProcessState.LOADFAILED,
        ScriptProcessState.CONFIGURE_FAILED,
        ScriptProcessState.TERMINATED,
    }
)


class Outcome(enum.Enum):
    """What a client knows of its command."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a command, and what it says."""

    outcome: Outcome
    text: str = ""

    @property
    def is_done(self) -> bool:
        """Was the command carried out?"""
        return self.outcome is Outcome.DONE


class Observer:
    """A client of the queue.

    Parameters
    ----------
    domain
        Its own.
    model
        Told of what is heard.
    moments
        Told of when.

    Attributes
    ----------
    service
        The queue that is commanded now; it may be dead.
    answers
        How many commands had which outcome.
    """

    def __init__(self, domain: Domain, model: Model, moments: Moments) -> None:
        wanted = ("summaryState", "slots", "script")
        self.queue = Remote(domain, "ScriptQueue", INDEX, include=wanted)
        span = IndexRange(INDEX * _PER_QUEUE, (INDEX + 1) * _PER_QUEUE - 1)
        self.scripts = Remote(domain, "Script", span, include=("state",))
        self.service: Service | None = None
        self.answers = dict.fromkeys(Outcome, 0)
        self._model = model
        self._moments = moments
        self._news = asyncio.Event()
        self.queue.evt_script.callback = self._script
        self.queue.evt_slots.callback = self._other
        self.queue.evt_summaryState.callback = self._other
        self.scripts.evt_state.callback = self._state

    async def command(self, name: str, limit_s: float = ANSWER_LIMIT_S, **fields: Any) -> Answer:
        """Give a command; what is not answered when the queue has gone remains unknown."""
        answer = await self._command(name, limit_s, fields)
        self.answers[answer.outcome] += 1
        return answer

    async def _command(self, name: str, limit_s: float, fields: dict[str, Any]) -> Answer:
        service = self.service
        sending = asyncio.ensure_future(self.queue.commands[name].set_start(timeout=limit_s, **fields))
        gone = asyncio.ensure_future(service.gone.wait() if service else asyncio.sleep(0))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                await asyncio.wait({sending}, timeout=_ON_ITS_WAY_S)
        finally:
            gone.cancel()
            sending.cancel()
            await asyncio.wait({sending, gone})
        if sending.cancelled():
            return Answer(Outcome.UNKNOWN)
        error = sending.exception()
        if error is None:
            return Answer(Outcome.DONE, sending.result().result)
        if isinstance(error, AckTimeoutError):
            if service is not None and not service.gone.is_set() and limit_s == ANSWER_LIMIT_S:
                self._model.fault(
                    f"{name} was not answered within {limit_s:g} s by a queue that lives: {error}"
                )
            return Answer(Outcome.UNKNOWN)
        if isinstance(error, AckError):
            if error.ackcmd.ack == SalRetCode.CMD_ABORTED:
                # The queue ended before it was done; it may go on with it when it is started again.
                return Answer(Outcome.UNKNOWN)
            return Answer(Outcome.REFUSED, error.ackcmd.result)
        raise error

    async def until(self, is_so: Callable[[], Any], limit_s: float) -> Any:
        """Wait until what was heard fulfils a condition; return what it gave.

        Raises
        ------
        TimeoutError
            If it does not within the limit.
        """
        async with asyncio.timeout(limit_s):
            while not (found := is_so()):
                self._news.clear()
                await self._news.wait()
        return found

    def state_of(self, service: Service) -> int:
        """Return the summary state of a service; 0 if it was not heard."""
        data = self.queue.evt_summaryState.get()
        return data.summaryState if data is not None and data.private_origin == service.pid else 0

    def slots_of(self, service: Service) -> Any:
        """Return the latest ``slots`` event of a service; None if there is none."""
        data = self.queue.evt_slots.get()
        return data if data is not None and data.private_origin == service.pid else None

    def _script(self, data: Any) -> None:
        index = data.scriptSalIndex
        if data.processState == ScriptProcessState.RUNNING or data.processState in _ENDED:
            self._model.has_left(index)
        if data.processState in _ENDED and data.timestampProcessEnd > 0 and data.scriptState in _FINAL:
            self._model.ended(index, data.processState, data.scriptState)
        self._news.set()

    def _state(self, data: Any) -> None:
        moment = _MOMENT_OF_STATE.get(data.state)
        if moment is not None:
            self._moments.note(moment)

    def _other(self, data: Any) -> None:
        self._news.set()
