# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a controller or a remote: started once, closed once.

``start`` opens one link for all topics and the task that owns all tasks of
the endpoint; ``close`` ends what runs, in an order that lets everything said
before still be said: commands under way are aborted and acknowledged,
``close_tasks`` cleans up, then heartbeats and the like end, then the link.

A task of the endpoint itself may call ``close``: it is not cancelled, the
call returns at once, and the end comes when that task has ended. Everybody
else's call returns when all is closed.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Self

from ..bus.contract import BusError, Link, Reading, TopicSpec
from .definitions import component
from .domain import Domain
from .errors import ComponentError

__all__ = ["Endpoint", "Phase"]

#: How long a task that asked for the closing may go on after it (seconds).
CLOSE_GRACE_S = 5.0


class Phase(enum.Enum):
    """How far an endpoint is."""

    NEW = "not started"
    OPENING = "starting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class Endpoint:
    """A controller or a remote.

    Parameters
    ----------
    domain
        What it shares with the other endpoints of the process.
    name
        Name of the component.
    index
        Its SAL index; 0 for a component without, or a remote of many.

    Attributes
    ----------
    domain, index
        As given.
    spec
        The component's interface.
    log
        Where it logs.
    phase
        How far it is.
    """

    log: logging.Logger

    def __init__(self, domain: Domain, name: str, index: int) -> None:
        self._attached: list[str] = []
        self.domain = domain
        self.spec = component(name)
        self.index = index
        self.phase = Phase.NEW
        self._link: Link | None = None
        self._group: asyncio.TaskGroup | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._start_task: asyncio.Task[None] | None = None
        self._done: asyncio.Future[None] | None = None
        self._closing = asyncio.Event()
        self._exception: Exception | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._sparing: set[asyncio.Task[None]] = set()
        self._is_cleaned_up = False

    @property
    def title(self) -> str:
        """Name and index, such as ``ScriptQueue:1``."""
        return f"{self.spec.name}:{self.index}" if self.spec.indexed else self.spec.name

    @property
    def start_task(self) -> asyncio.Task[None]:
        """The task that starts it, begun at first asking."""
        if self._start_task is None:
            self._start_task = asyncio.create_task(self._start_or_close(), name=f"{self.title} start")
        return self._start_task

    @property
    def done_task(self) -> asyncio.Future[None]:
        """Done when it is closed; with the exception that closed it, if any."""
        if self._done is None:
            self._done = asyncio.get_running_loop().create_future()
            if self.phase is Phase.CLOSED:
                self._settle_done()
        return self._done

    @property
    def is_running(self) -> bool:
        """Can it run tasks?"""
        return self._group is not None

    async def start(self) -> None:
        """Open the topics.

        To be extended, not called: use ``async with`` or await ``start_task``,
        which also close it if its start fails.

        Raises
        ------
        ComponentError
            If it was started before.
        BusError
            If the middleware cannot be reached.
        """
        if self.phase is not Phase.NEW:
            raise ComponentError(f"{self.title} is {self.phase.value}; each is started once, make a new one")
        self.phase = Phase.OPENING
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep(opened), name=f"{self.title} keeper")
        try:
            await opened
        except BaseException:
            self._closing.set()
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            raise

    async def close(self, exception: Exception | None = None) -> None:
        """End all it does and close its topics. Idempotent.

        Parameters
        ----------
        exception
            Why, if something went wrong; ``done_task`` raises it.
        """
        caller = asyncio.current_task()
        self._exception = self._exception or exception
        if caller is not None and caller is self._keeper:
            return
        if self._start_task is not None and self._start_task is not caller:
            self._start_task.cancel()
            await asyncio.wait([self._start_task])
        if self._keeper is None:
            self._let_go()
            self.phase = Phase.CLOSED
            self._settle_done()
            return
        if caller is not None and (caller in self._work or caller in self._background):
            self._sparing.add(caller)
            self._closing.set()
            return
        self._closing.set()
        await asyncio.wait([self._keeper])

    @property
    def has_failed(self) -> bool:
        """Does it close, or has it closed, because something went wrong?"""
        return self._exception is not None

    async def close_tasks(self) -> None:
        """End what a subclass has begun; to be extended. Called by the closing."""

    def spawn(self, work: Coroutine[Any, Any, None], name: str, *, background: bool = False) -> None:
        """Run something as a task of the endpoint.

        Parameters
        ----------
        work
            What to run. An exception that leaves it closes the endpoint.
        name
            What it is, for debugging.
        background
            Does it go on until everything else has ended?
        """
        if self._group is None or self.phase is Phase.CLOSED:
            work.close()
            raise ComponentError(f"{self.title} is {self.phase.value} and runs nothing")
        task = self._group.create_task(work, name=f"{self.title} {name}")
        tasks = self._background if background else self._work
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def check_open(self) -> None:
        """Check that topics can be read and written.

        Raises
        ------
        ComponentError
            If it was not started, or is closed.
        """
        if self.phase in (Phase.NEW, Phase.CLOSED):
            raise ComponentError(
                f"{self.title} is {self.phase.value}; use it inside `async with`,"
                " or after awaiting its start_task and before close"
            )

    async def send(self, topic: TopicSpec, message: dict[str, Any]) -> None:
        """Write a message.

        Raises
        ------
        ComponentError
            If it was not started, or is closed.
        BusError
            If the middleware does not take it.
        """
        if self._link is None:
            self.check_open()
            raise ComponentError(f"{self.title} is {self.phase.value}; its topics are not open")
        await self._link.write(topic, message)

    def _attach(self, prefix: str, topics: Mapping[str, object]) -> None:
        """Make topics attributes."""
        for name, topic in topics.items():
            vars(self)[prefix + name] = topic
        self._attached += [prefix + name for name in topics]

    # Topics are found before this is asked; it also tells a type checker that
    # there are attributes it does not know.
    def __getattr__(self, name: str) -> Any:
        prefix = name[:4]
        if prefix not in ("cmd_", "evt_", "tel_"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        there = [known for known in self._attached if known.startswith(prefix)]
        raise AttributeError(f"{self.title} has no {name} here; there are {', '.join(there) or 'none'}")

    def _writes(self) -> list[TopicSpec]:
        """Return what it writes."""
        return []

    def _reads(self) -> list[Reading]:
        """Return what it reads."""
        return []

    async def _say_last_words(self) -> None:
        """Write what is left to be written; all tasks have ended."""

    def _let_go(self) -> None:
        """Let go of what is held; the topics are closed."""

    async def _start_or_close(self) -> None:
        try:
            await self.start()
        except asyncio.CancelledError:
            await self.close()
            raise
        except Exception as error:
            await self.close(error)
            raise

    async def _keep(self, opened: asyncio.Future[None]) -> None:
        """Own the link and all tasks, from the start to the end."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._link = await self.domain.bus.open(
                    index=self.index, writes=self._writes(), reads=self._reads()
                )
                self.phase = Phase.OPEN
                opened.set_result(None)
                await self._closing.wait()
                self.phase = Phase.CLOSING
                await self._end(self._work)
                await self._clean_up()
                await self._end(self._background)
        except* Exception as failed:
            self._exception = self._exception or _first(failed)
            if opened.done():
                self.log.exception("%s ends because one of its tasks failed", self.title)
                await self._clean_up()
            else:
                opened.set_exception(self._exception)
        finally:
            self._group = None
            await self._close_link()
            self._let_go()
            self.phase = Phase.CLOSED
            self._settle_done()

    async def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        # A task that is cancelled before its first step could not even say so.
        await asyncio.sleep(0)
        for task in tasks - self._sparing:
            task.cancel()
        if not tasks:
            return
        _, late = await asyncio.wait(set(tasks), timeout=CLOSE_GRACE_S)
        for task in late:
            self.log.warning("%s is cancelled: it went on %s s too long", task.get_name(), CLOSE_GRACE_S)
            task.cancel()

    async def _clean_up(self) -> None:
        if self._is_cleaned_up:
            return
        self._is_cleaned_up = True
        try:
            await self.close_tasks()
        except Exception:
            self.log.exception("%s: cleaning up failed; the closing goes on", self.title)

    async def _close_link(self) -> None:
        if self._link is None:
            return
        try:
            async with asyncio.timeout(CLOSE_GRACE_S):
                await self._say_last_words()
        except (BusError, TimeoutError) as error:
            self.log.warning("%s: last messages were not written: %r", self.title, error)
        link, self._link = self._link, None
        try:
            await link.aclose()
        except BusError as error:
            self.log.warning("%s: its topics were not closed well: %s", self.title, error)

    def _settle_done(self) -> None:
        if self._done is None or self._done.done():
            return
        if self._exception is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(self._exception)
            # It has been logged where it was raised; nobody must ask for it.
            self._done.exception()

    async def __aenter__(self) -> Self:
        await self.start_task
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    """Return one of the exceptions in a group."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
