# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script under test: commanded as a queue commands it, in this very process.

There is no middleware and no process, and on a loop with virtual time nothing
waits::

    @pytest.mark.virtual_time
    async def test_slew() -> None:
        async with script_case(Slew) as case:
            await case.configure({"az": 10, "el": 60})
            assert case.metadata.duration == 5
            assert await case.run() is ScriptState.DONE
            assert case.checkpoints == ["slewing", "tracking"]

A command that is refused raises `AckError`, as for any client. A script that
commands others finds those that the test has put into `ScriptCase.domain`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from ..bus.memory import MemoryBroker, MemoryBus
from ..sal.base_script import BaseScript
from ..sal.domain import Domain
from ..sal.enums import ScriptState
from ..sal.remote import Remote
from ..sal.script_domain import script_domains
from ..sal.script_states import FINAL_STATES
from .clock import FakeClock

__all__ = ["LIMIT_S", "ScriptCase", "script_case"]

#: Nothing is waited for longer, unless told otherwise (seconds).
LIMIT_S = 86_400.0

_SCRIPT_ORIGIN = 4_194_305
_TEST_ORIGIN = 4_194_306

S = TypeVar("S", bound=BaseScript)


class ScriptCase(Generic[S]):
    """A script under test; made by `script_case`.

    Attributes
    ----------
    script
        The script.
    domain
        Where a test makes remotes and controllers of its own.
    remote
        Commands and events of the script.
    clock
        The clock of both.
    states
        The states reported, each once, in order.
    checkpoints
        The names of the checkpoints passed, in order.
    log
        The messages logged by the script, of all levels it logs.
    """

    def __init__(self, script: S, domain: Domain, clock: FakeClock, log: list[str]) -> None:
        self.script = script
        self.domain = domain
        self.clock = clock
        self.remote = Remote(domain, "Script", script.index)
        self.states: list[ScriptState] = []
        self.checkpoints: list[str] = []
        self.log = log
        self._run: asyncio.Task[Any] | None = None
        self._news = asyncio.Event()
        self.remote.evt_state.callback = self._state_reported

    @property
    def state(self) -> ScriptState:
        """The state reported last."""
        return self.states[-1] if self.states else ScriptState.UNKNOWN

    @property
    def reason(self) -> str:
        """The reason reported with it."""
        return str(self.script.state.reason)

    @property
    def metadata(self) -> Any:
        """The event ``metadata``."""
        return self.script.evt_metadata.data

    @property
    def description(self) -> Any:
        """The event ``description``."""
        return self.script.evt_description.data

    async def configure(self, config: str | Mapping[str, Any] = "", **fields: Any) -> None:
        """Configure the script.

        Parameters
        ----------
        config
            Configuration: YAML text, or what it stands for.
        **fields
            More fields of the command, such as ``pauseCheckpoint``.

        Raises
        ------
        AckError
            If it is refused.
        """
        text = config if isinstance(config, str) else json.dumps(config)
        await self.remote.cmd_configure.set_start(config=text, timeout=LIMIT_S, **fields)

    async def start_run(self, group_id: str = "2026-01-01T00:00:00.000") -> None:
        """Give the script a group id and let it run; return when it does, or has ended."""
        await self.remote.cmd_setGroupId.set_start(groupId=group_id, timeout=LIMIT_S)
        self._run = asyncio.create_task(self.remote.cmd_run.set_start(timeout=LIMIT_S), name="cmd_run")
        await self.wait_for(ScriptState.RUNNING)

    async def run(self, group_id: str = "2026-01-01T00:00:00.000") -> ScriptState:
        """Run the script to its end, and return its final state."""
        await self.start_run(group_id)
        return await self.end()

    async def resume(self) -> None:
        """Let the script go on after a pause."""
        await self.remote.cmd_resume.set_start(timeout=LIMIT_S)
        await self._wait(lambda: self.state is not ScriptState.PAUSED, LIMIT_S, "resuming")

    async def stop(self) -> ScriptState:
        """Stop the script, and return its final state."""
        await self.remote.cmd_stop.set_start(timeout=LIMIT_S)
        return await self.end()

    async def end(self, limit_s: float = LIMIT_S) -> ScriptState:
        """Wait until the script has ended and closed, and return its final state.

        Raises
        ------
        TimeoutError
            If it does not end in time.
        """
        await self._wait(lambda: self.state in FINAL_STATES, limit_s, "a final state")
        if self._run is not None:
            await self._run
        await asyncio.wait([self.script.done_task], timeout=limit_s)
        return self.state

    async def wait_for(self, state: ScriptState, limit_s: float = LIMIT_S) -> None:
        """Wait until the script reports a state, if it has not yet.

        Raises
        ------
        TimeoutError
            If it does not in time.
        """
        await self._wait(lambda: state in self.states, limit_s, state.name)

    async def wait_for_checkpoint(self, name: str, limit_s: float = LIMIT_S) -> None:
        """Wait until the script reports a checkpoint, if it has not yet.

        Raises
        ------
        TimeoutError
            If it does not in time.
        """
        await self._wait(lambda: name in self.checkpoints, limit_s, f"checkpoint {name!r}")

    async def close(self) -> None:
        """Let go of everything."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.wait([self._run])
        await self.script.domain.close()
        await self.domain.close()

    async def _wait(self, is_so: Callable[[], bool], limit_s: float, what: str) -> None:
        try:
            async with asyncio.timeout(limit_s):
                while not is_so():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            names = ", ".join(state.name for state in self.states)
            raise TimeoutError(
                f"no {what} within {limit_s:g} s; the script was {names} {self.reason!r}"
            ) from None

    def _state_reported(self, data: Any) -> None:
        state = ScriptState(data.state)
        if state is not self.state:
            self.states.append(state)
        if data.numCheckpoints > len(self.checkpoints):
            self.checkpoints.append(data.lastCheckpoint)
        self._news.set()


@contextlib.asynccontextmanager
async def script_case(
    script_class: type[S], *, index: int = 100_001, **kwargs: Any
) -> AsyncIterator[ScriptCase[S]]:
    """Make a script, started and UNCONFIGURED, and close it in the end.

    Parameters
    ----------
    script_class
        The class of the script.
    index
        Its SAL index.
    **kwargs
        What the class takes besides.
    """
    broker, clock = MemoryBroker(), FakeClock()

    def domain(origin: int) -> Domain:
        return Domain(MemoryBus(broker), clock=clock, origin=origin)

    with _listening(logging.getLogger(f"Script.{index}")) as messages:
        with script_domains(lambda: domain(_SCRIPT_ORIGIN)):
            script = script_class(index=index, **kwargs)
        case = ScriptCase(script, domain(_TEST_ORIGIN), clock, messages)
        try:
            await case.remote.start_task
            await script.start_task
            await case.wait_for(ScriptState.UNCONFIGURED)
            yield case
        finally:
            await case.close()


@contextlib.contextmanager
def _listening(log: logging.Logger) -> Iterator[list[str]]:
    """Collect what is logged; put the level back, because loggers outlive their users."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    level = log.level
    log.addHandler(handler)
    try:
        yield messages
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
