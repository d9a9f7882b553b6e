# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of a ScriptQueue that remembers what it has seen, for tests on any bus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from lsst.ts.scriptqueue.bus import IndexRange
from lsst.ts.scriptqueue.sal import Domain, Location, Remote, ScriptProcessState, ScriptState

__all__ = ["PATIENCE_S", "Observer"]

#: Far longer than anything takes, and shorter than the limit of a test.
PATIENCE_S = 40.0

_ENDED = frozenset(
    {
        ScriptProcessState.DONE,
        ScriptProcessState.LOADFAILED,
        ScriptProcessState.CONFIGURE_FAILED,
        ScriptProcessState.TERMINATED,
    }
)


_FINAL = frozenset({ScriptState.DONE, ScriptState.STOPPED, ScriptState.FAILED, ScriptState.CONFIGURE_FAILED})


def _has_ended(data: Any) -> bool:
    """Has a script ended, by its own word or because its process has?"""
    return data.processState in _ENDED or data.scriptState in _FINAL


class Observer:
    """A client of ScriptQueue:1, and what it has seen.

    Parameters
    ----------
    domain
        The client's own.
    story
        Tells what happened to a script, for when a test fails; by default its last event.

    Attributes
    ----------
    queue, scripts
        Remotes of the queue and of its scripts.
    shown
        The latest ``script`` event of each index.
    states
        The states that each script has reported, in order.
    history
        Names and records of all events of the queue, in the order in which they came.
    patience_s
        How long it waits for what must come.
    """

    patience_s = PATIENCE_S

    def __init__(self, domain: Domain, story: Callable[[int], str] | None = None) -> None:
        self.queue = Remote(domain, "ScriptQueue", 1)
        self.scripts = Remote(domain, "Script", IndexRange(100000, 199999), include=("state",))
        self._story = story or (lambda index: str(self.shown[index]))
        self.shown: dict[int, Any] = {}
        self.states: dict[int, list[int]] = {}
        self.history: list[tuple[str, Any]] = []
        self._news = asyncio.Event()
        for name in ("script", "queue", "nextVisit", "nextVisitCanceled"):
            self.queue.events[name].callback = self._listener(name)
        self.scripts.evt_state.callback = self._state_reported

    async def start(self) -> None:
        """Start both remotes."""
        await asyncio.gather(self.queue.start_task, self.scripts.start_task)

    async def add(self, path: str, config: str = "", **fields: Any) -> int:
        """Add a standard script; return its index."""
        ack = await self.command(
            "add", isStandard=True, path=path, config=config, **({"location": Location.LAST} | fields)
        )
        return int(ack.result)

    async def stop(self, indices: Sequence[int], terminate: bool = False) -> Any:
        """Stop scripts."""
        padded = [*indices, *[0] * (400 - len(indices))]
        return await self.command("stopScripts", length=len(indices), salIndices=padded, terminate=terminate)

    async def command(self, name: str, **fields: Any) -> Any:
        """Give a command; return the acknowledgement."""
        return await self.queue.commands[name].set_start(timeout=self.patience_s, **fields)

    async def until(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until what was seen fulfils a condition."""
        try:
            async with asyncio.timeout(self.patience_s):
                while not is_so():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            stories = "\n".join(f"{index}:\n{self._story(index)}" for index in self.shown)
            raise AssertionError(f"never saw: {what}\n{stories}") from None

    async def reached(self, index: int, state: int) -> None:
        """Wait until a script has reported a state."""
        await self.until(f"{index} in state {state}", lambda: state in self.states.get(index, []))

    async def current(self, index: int) -> None:
        """Wait until a script is the current one, and reports that it runs."""
        await self.reached(index, 3)
        await self.until(f"{index} current", lambda: self.last_queue.currentSalIndex == index)

    async def ended(self, index: int) -> Any:
        """Wait until a script is in the history; return its last event."""
        await self.until(
            f"{index} in the history",
            lambda: index in self.past and _has_ended(self.shown[index]),
        )
        return self.shown[index]

    async def gone(self, index: int) -> Any:
        """Wait until a script is in the history and its process has gone; return its last event."""
        await self.ended(index)
        await self.until(f"{index} gone", lambda: self.shown[index].timestampProcessEnd > 0)
        return self.shown[index]

    @property
    def last_queue(self) -> Any:
        """The latest ``queue`` event."""
        return self.queue.evt_queue.get()

    @property
    def waiting(self) -> list[int]:
        """Who waits, the next one first."""
        data = self.last_queue
        return list(data.salIndices[: data.length])

    @property
    def past(self) -> list[int]:
        """The history, the latest first."""
        data = self.last_queue
        return list(data.pastSalIndices[: data.pastLength])

    def seen(self, name: str) -> list[Any]:
        """All events of a name, in the order in which they came."""
        return [data for event, data in self.history if event == name]

    def _listener(self, name: str) -> Callable[[Any], None]:
        def heard(data: Any) -> None:
            self.history.append((name, data))
            if name == "script":
                self.shown[data.scriptSalIndex] = data
            self._news.set()

        return heard

    def _state_reported(self, data: Any) -> None:
        self.states.setdefault(data.salIndex, []).append(data.state)
        self._news.set()
