# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A commandable SAL component: a controller with summary states.

A command changes the state in this order: ``begin_<command>`` in the old
state, then the state changes, ``handle_summary_state`` and ``end_<command>`` in
the new one, then the world is told. Whatever one of them raises, the state
goes back to the old one and the command fails; the world has seen nothing.
Only ``fault`` tells at once.

A CSC is alone: it takes a lock on its machine and listens for the heartbeat
of another one before it writes anything. Commands that come meanwhile wait
for its start, and are forgotten if it is not alone: the other one answers.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ..bus.contract import IndexRange, Message, Reading
from .clock import SystemClock
from .controller import Controller
from .domain import Domain
from .enums import State
from .errors import DuplicateError, ExpectedError
from .instance_lock import InstanceLock
from .summary_states import path_to, target_state

__all__ = ["BaseCsc"]

#: How long a foreign heartbeat is listened for (seconds): one and a half of
#: the interval at which CSCs send it.
DUPLICATE_WATCH_S = 1.5

_DAY_S = 86_400.0

#: Stamps of an earlier one that are further ahead of this machine's clock are not gone on from (seconds).
#: A clock that is wrong by an hour, or by a time zone, is within that.
MAX_AHEAD_S = _DAY_S


class BaseCsc(Controller):
    """A commandable SAL component.

    Parameters
    ----------
    domain, name, index
        As for `Controller`.
    initial_state
        The state its start leads to: STANDBY, DISABLED or ENABLED.
    override
        Configuration given to the ``start`` command on the way there.
    simulation_mode
        Reported in ``simulationMode``.
    state_directory
        Where the lock file is; None for no lock.
    duplicate_watch_s
        How long a foreign heartbeat is listened for (seconds); 0 for not.

    Raises
    ------
    ValueError
        If it cannot begin in this state.
    """

    heartbeat_interval = 1.0

    def __init__(
        self,
        domain: Domain,
        name: str,
        index: int,
        *,
        initial_state: State = State.STANDBY,
        override: str = "",
        simulation_mode: int = 0,
        state_directory: Path | None = None,
        duplicate_watch_s: float = DUPLICATE_WATCH_S,
    ) -> None:
        self._initial_commands = path_to(initial_state)
        self._override = override
        self._simulation_mode = simulation_mode
        self._summary_state = State.STANDBY
        self._duplicate_watch_s = duplicate_watch_s
        self._known_origins = {domain.origin}
        self._foreign: asyncio.Future[Message] | None = None
        self._state_directory = state_directory
        self._lock: InstanceLock | None = None
        self._changing = asyncio.Lock()
        # What a fault sets off may fail in turn; one fault is told.
        self._is_faulting = False
        super().__init__(domain, name, index)

    @property
    def summary_state(self) -> State:
        """The state it is in."""
        return self._summary_state

    @property
    def disabled_or_enabled(self) -> bool:
        """Is it DISABLED or ENABLED?"""
        return self._summary_state in (State.DISABLED, State.ENABLED)

    @property
    def simulation_mode(self) -> int:
        """0 if it controls the real thing."""
        return self._simulation_mode

    def assert_enabled(self, action: str = "") -> None:
        """Check that it is ENABLED.

        Parameters
        ----------
        action
            What is to be done, for the message.

        Raises
        ------
        ExpectedError
            If it is not.
        """
        if self._summary_state is State.ENABLED:
            return
        refusal = f"{action or 'command'} not allowed in state {self._summary_state!r}"
        if self._summary_state is State.FAULT:
            error = self.events["errorCode"].data
            refusal += f": error {error.errorCode}, {error.errorReport}"
        raise ExpectedError(refusal)

    async def fault(self, code: int, report: str, traceback: str = "") -> None:
        """Go to FAULT, whatever the state.

        Parameters
        ----------
        code
            Number of the error.
        report
            The error in words.
        traceback
            Where it happened.
        """
        self._summary_state = State.FAULT
        self.log.critical("fault %s: %s", code, report)
        if self._is_faulting:
            return
        self._is_faulting = True
        try:
            await self.events["errorCode"].set_write(
                force_output=True, errorCode=code, errorReport=report, traceback=traceback
            )
            await self.events["summaryState"].set_write(summaryState=State.FAULT)
            await self.handle_summary_state()
        finally:
            self._is_faulting = False

    async def handle_summary_state(self) -> None:
        """Do what the new state needs; to be extended."""

    async def begin_start(self, data: Any) -> None:
        """Prepare to leave STANDBY; to be extended, as all like it."""

    async def begin_enable(self, data: Any) -> None:
        """Prepare to be ENABLED."""

    async def begin_disable(self, data: Any) -> None:
        """Prepare to be DISABLED."""

    async def begin_standby(self, data: Any) -> None:
        """Prepare to go back to STANDBY."""

    async def begin_exitControl(self, data: Any) -> None:
        """Prepare to be OFFLINE."""

    async def end_start(self, data: Any) -> None:
        """Finish going to DISABLED; to be extended, as all like it."""

    async def end_enable(self, data: Any) -> None:
        """Finish going to ENABLED."""

    async def end_disable(self, data: Any) -> None:
        """Finish going to DISABLED."""

    async def end_standby(self, data: Any) -> None:
        """Finish going to STANDBY."""

    async def end_exitControl(self, data: Any) -> None:
        """Finish going to OFFLINE."""

    async def do_start(self, data: Any) -> None:
        """Carry out the command ``start``."""
        await self._change_state("start", data)

    async def do_enable(self, data: Any) -> None:
        """Carry out the command ``enable``."""
        await self._change_state("enable", data)

    async def do_disable(self, data: Any) -> None:
        """Carry out the command ``disable``."""
        await self._change_state("disable", data)

    async def do_standby(self, data: Any) -> None:
        """Carry out the command ``standby``."""
        await self._change_state("standby", data)

    async def do_exitControl(self, data: Any) -> None:
        """Carry out the command ``exitControl``: the end, once it is acknowledged."""
        await self._change_state("exitControl", data)
        await self.close()

    async def _change_state(self, command: str, data: Any) -> None:
        async with self._changing:
            old = self._summary_state
            new = target_state(old, command)
            try:
                await getattr(self, f"begin_{command}")(data)
                self._check_no_fault(command, old)
                self._summary_state = new
                await self.handle_summary_state()
                await getattr(self, f"end_{command}")(data)
                self._check_no_fault(command, new)
            except BaseException:
                if self._summary_state is not State.FAULT:
                    self._summary_state = old
                raise
            await self._report_state()

    def _check_no_fault(self, command: str, expected: State) -> None:
        if self._summary_state is not expected:
            raise ExpectedError(f"{command} was given up: now in state {self._summary_state!r}")

    async def _report_state(self) -> None:
        """Write the state, and that there is no error."""
        await self.events["summaryState"].set_write(summaryState=self._summary_state)
        await self.events["errorCode"].set_write(errorCode=0, errorReport="", traceback="")

    async def _check_alone(self) -> None:
        """Raise if another one runs. The lock was taken before the topics were opened."""
        if self._duplicate_watch_s <= 0:
            return
        self._foreign = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._duplicate_watch_s):
                message = await self._foreign
        except TimeoutError:
            return
        finally:
            self._foreign = None
        raise DuplicateError(f"{self.title} runs already: its heartbeat comes from {_writer(message)}")

    async def start(self) -> None:
        """As for a controller; and be alone, and go to the initial state.

        Raises
        ------
        DuplicateError
            If another one of this name and index runs.
        """
        if self._state_directory is not None:
            self._lock = InstanceLock(self._state_directory, self.title)
            self._lock.acquire()
        await super().start()

    async def _introduce(self) -> None:
        await super()._introduce()
        self._check_leap_seconds()
        await self.events["simulationMode"].set_write(mode=self._simulation_mode)
        await self.handle_summary_state()
        await self._report_state()
        for command in self._initial_commands:
            fields = {"configurationOverride": self._override} if command == "start" else {}
            try:
                await self._change_state(command, self.commands[command].DataType(**fields))
            except Exception as error:
                what = None if isinstance(error, ExpectedError) else error
                self.log.error("%s failed on the way to the initial state: %s", command, error, exc_info=what)
                return

    def _reads(self) -> list[Reading]:
        heartbeat = Reading(self.spec.events["heartbeat"], IndexRange.one(self.index), self._heartbeat_heard)
        return [*super()._reads(), heartbeat]

    def _heartbeat_heard(self, message: Message) -> None:
        if not self.is_taking_commands:
            self._go_on_after(message)
        # While it listens it writes nothing, so whatever comes is foreign; what
        # came before, with the history, was not listened for.
        if self._foreign is not None and not self._foreign.done():
            self._foreign.set_result(message)
        elif self.is_taking_commands and message["private_origin"] not in self._known_origins:
            # Two that start at the same time do not hear each other before.
            self._known_origins.add(message["private_origin"])
            self.log.error("another %s is alive: %s; stop one of the two", self.title, _writer(message))

    def _go_on_after(self, message: Message) -> None:
        """Stamp where the one before was: the clock may have been set back in between, but not by years."""
        ahead_s = message["private_sndStamp"] - self.domain.clock.tai()
        if ahead_s <= MAX_AHEAD_S:
            self.domain.stamper.go_on_after(message["private_sndStamp"] + self.heartbeat_interval)
            return
        self.log.error(
            "a heartbeat of an earlier %s, %s, is stamped %.1f days ahead of the clock of this machine, by "
            "which this one goes; whoever has heard the earlier one must be started anew to hear this one. "
            "Look at the clocks of both machines",
            self.title,
            _writer(message),
            ahead_s / _DAY_S,
        )

    def _check_leap_seconds(self) -> None:
        clock = self.domain.clock
        if isinstance(clock, SystemClock) and clock.leap_seconds.expired(clock.utc_from_tai(clock.tai())):
            self.log.warning("the table of leap seconds has expired; update the package tzdata")

    async def _say_last_words(self) -> None:
        # One that was told to end did so in whatever state it was.
        if self.ends_because:
            self._summary_state = State.OFFLINE
            await self.events["summaryState"].set_write(summaryState=State.OFFLINE)
        await super()._say_last_words()

    def _let_go(self) -> None:
        super()._let_go()
        if self._lock is not None:
            self._lock.release()


def _writer(message: Message) -> str:
    return f"process {message['private_origin']} ({message['private_identity']})"
