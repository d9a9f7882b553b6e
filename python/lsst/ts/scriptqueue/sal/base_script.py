# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The class that a SAL script is made from.

A script's life is in the tables of `.script_states`: a command is taken or
refused by one, what happens leads on by the other, and each step is written
as the event ``state``. Only one piece of the author's code runs at a time:
``configure`` and ``set_metadata``, then ``run``, then ``cleanup``.

The command that ends the script also closes it, so that its answer is the
last thing that is written. Nothing here waits for a fixed time.
"""

from __future__ import annotations

import abc
import asyncio
import re
import types
from collections.abc import Coroutine
from typing import Any

from .controller import Controller
from .enums import ScriptState
from .errors import ExpectedError
from .records import wire_text
from .script_block import block_execution
from .script_domain import make_script_domain
from .script_metadata import blank_metadata
from .script_states import FINAL_STATES, GOOD_ENDS, On, next_state, refusal
from .script_work import Outcome, ScriptWork

__all__ = ["BaseScript"]


class BaseScript(Controller, abc.ABC):
    """A SAL script: loaded, configured, run once, and gone.

    A subclass says what it takes (`get_schema`), takes it (`configure`), tells
    what it is going to do (`set_metadata`), and does it (`run`). Its file ends
    with ``asyncio.run(MyScript.amain())``, or ``MyScript.main()``.

    Parameters
    ----------
    index
        SAL index, which is not 0.
    descr
        What the script does, in a few words.
    help
        The same in full; may be Markdown.

    Attributes
    ----------
    log
        The script's logger.
    timestamps
        When each state was reached (TAI unix seconds).
    num_checkpoints, last_checkpoint
        How many checkpoints were passed, and the name of the last one.
    resources
        What the script needs, whatever its configuration, for a subclass to
        say: components as ``Name`` or ``Name:index``, separated by commas, or
        ``none``. Scripts that need nothing in common may run side by side.
        "" to say nothing: unless it is known otherwise it then runs alone.
    """

    heartbeat_interval = 5.0
    resources = ""

    def __init__(self, index: int, descr: str, help: str = "") -> None:
        super().__init__(make_script_domain(), "Script", index)
        self.timestamps: dict[ScriptState, float] = {}
        self.num_checkpoints = 0
        self.last_checkpoint = ""
        self._script_state = ScriptState.UNKNOWN
        self._script_work: ScriptWork | None = None
        self._script_pause: asyncio.Future[None] | None = None
        self._is_script_ending = False
        self._sub_group_id = 0
        self._remotes_starting: list[asyncio.Task[None]] = []
        # A command out of place is refused now, not when the one before it has ended.
        for command in self.commands.values():
            command.allow_multiple_callbacks = True
        said = {"description": str(descr), "help": str(help), "resources": self.resources}
        self.evt_description.set(classname=type(self).__name__, **said)

    @classmethod
    @abc.abstractmethod
    def get_schema(cls) -> dict[str, Any] | None:
        """Return the JSON schema of the configuration; None to take none.

        Give a default to all for which there is a sensible one.
        """

    @abc.abstractmethod
    async def configure(self, config: types.SimpleNamespace) -> None:
        """Take the configuration, which fits the schema.

        Raise `ExpectedError` to refuse it in your own words.
        """

    @abc.abstractmethod
    def set_metadata(self, metadata: Any) -> None:
        """Tell what the script will do, by setting attributes of `metadata`.

        They are the fields of the event ``metadata``: ``duration`` (seconds),
        ``nimages``, ``instrument``, ``filters``, ``totalCheckpoints`` and others.
        Called after `configure`.
        """

    @abc.abstractmethod
    async def run(self) -> None:
        """Do the script's work.

        Await `checkpoint` wherever the script may be paused or stopped. Any
        exception makes the script fail; an `ExpectedError` does so without a
        traceback in the log. When the script is stopped, this is cancelled.
        """

    async def cleanup(self) -> None:
        """Clean up after `run`, however it ended.

        Not called if the script never ran, or if its process is terminated.
        """

    @property
    def state(self) -> Any:
        """The event ``state``: ``state``, ``reason``, ``groupId`` and others."""
        return self.evt_state.data

    @property
    def state_name(self) -> str:
        """Name of the state, such as ``RUNNING``."""
        return self._script_state.name

    @property
    def checkpoints(self) -> Any:
        """Where the script pauses and stops: ``pause`` and ``stop``, regular expressions."""
        return self.evt_checkpoints.data

    @property
    def group_id(self) -> str:
        """The group id; "" for none."""
        return str(self.state.groupId)

    @property
    def obs_id(self) -> str:
        """Id of the block execution the script belongs to; "" for none."""
        return str(self.state.blockId)

    @property
    def exit_code(self) -> int:
        """What the process exits with, if it ends now."""
        return 0 if self._script_state in GOOD_ENDS else 1

    def next_supplemented_group_id(self) -> str:
        """Return the group id with a number that is new with each call.

        Raises
        ------
        RuntimeError
            If there is no group id.
        """
        if not self.group_id:
            raise RuntimeError("no group id; there is one from before run() on")
        self._sub_group_id += 1
        return f"{self.group_id}#{self._sub_group_id}"

    async def checkpoint(self, name: str = "") -> None:
        """Mark a point of `run` at which the script may be paused or stopped.

        Parameters
        ----------
        name
            Name of the checkpoint.

        Raises
        ------
        RuntimeError
            If it is not called from `run`.
        """
        if self._script_state not in (ScriptState.RUNNING, ScriptState.PAUSED) or self._script_work is None:
            raise RuntimeError(
                f"checkpoint {name!r} in state {self.state_name} instead of RUNNING; only run() has them"
            )
        while self._script_pause is not None:
            # Another part of run() has paused the script.
            await asyncio.wait([self._script_pause])
        if self._script_work.is_stop_asked:
            raise asyncio.CancelledError("the script was told to stop")
        self.num_checkpoints += 1
        self.last_checkpoint = name
        self.evt_state.set(lastCheckpoint=wire_text(name), numCheckpoints=self.num_checkpoints)
        if _matches(self.checkpoints.stop, name):
            self._script_work.stop(f"stopped at checkpoint {name!r}")
            await asyncio.get_running_loop().create_future()
        elif _matches(self.checkpoints.pause, name):
            await self._pause_script()
        else:
            await self.evt_state.write()
            # A script that does nothing but pass checkpoints still hears commands.
            await asyncio.sleep(0)

    @classmethod
    async def amain(cls, **kwargs: Any) -> None:
        """Run the script as its command line says.

        Parameters
        ----------
        **kwargs
            What the class takes besides ``index``.

        Raises
        ------
        SystemExit
            With code 1 if the script does not end well.
        """
        from .script_process import run_process

        await run_process(cls, kwargs)

    @classmethod
    def main(cls, **kwargs: Any) -> None:
        """As `amain`, with an event loop; the process ends with the script."""
        from .script_process import run_process

        asyncio.run(run_process(cls, kwargs, is_whole_process=True))

    async def do_configure(self, data: Any) -> None:
        """Carry out the command ``configure``."""
        self._check_allowed("configure")
        if self._script_work is not None:
            raise ExpectedError("Cannot configure: it is being configured already")
        outcome = await self._attend_to(self._accept_configuration(data), "configure")
        if outcome.is_stopped:
            await self._end_script(On.STOPPED)
            raise ExpectedError("the script was stopped while it was being configured")
        if outcome.error is not None:
            reason = self._tell_failure("configure", outcome)
            await self._end_script(On.CONFIGURE_FAILED, reason)
            raise ExpectedError(reason)

    async def do_setGroupId(self, data: Any) -> None:
        """Carry out the command ``setGroupId``."""
        self._check_allowed("setGroupId")
        self._sub_group_id = 0
        await self.evt_state.set_write(groupId=data.groupId, force_output=True)

    async def do_setCheckpoints(self, data: Any) -> None:
        """Carry out the command ``setCheckpoints``."""
        self._check_allowed("setCheckpoints")
        await self._set_checkpoints(data.pause, data.stop)

    async def do_run(self, data: Any) -> None:
        """Carry out the command ``run``, to the end of the script."""
        self._check_allowed("run")
        if not self.group_id:
            raise ExpectedError("Cannot run: the script has no group id; use setGroupId first")
        # From here on the state is RUNNING, so that a second `run` is refused.
        self._set_state(On.RUN)
        outcome = await self._attend_to(self._report_and_run(), "run")
        if outcome.is_stopped:
            await self._end_script(On.STOPPED, outcome.stop_reason)
        elif outcome.error is None:
            await self._end_script(On.RETURNED)
        else:
            await self._end_script(On.RAISED, self._tell_failure("run", outcome))

    async def do_resume(self, data: Any) -> None:
        """Carry out the command ``resume``."""
        self._check_allowed("resume")
        if self._script_pause is not None and not self._script_pause.done():
            self._script_pause.set_result(None)

    async def do_stop(self, data: Any) -> None:
        """Carry out the command ``stop``; how it then ends is reported as state."""
        if self._is_script_ending:
            return
        if self._script_work is not None:
            self._script_work.stop()
        else:
            await self._end_script(On.STOPPED)

    async def start(self) -> None:
        """Open the topics, start the remotes made so far, and report UNCONFIGURED."""
        self._remotes_starting = [remote.start_task for remote in self.domain.remotes]
        await super().start()

    async def _introduce(self) -> None:
        await super()._introduce()
        await asyncio.gather(*self._remotes_starting)
        names = sorted(f"{remote.spec.name}:{remote.index}" for remote in self.domain.remotes)
        await self._enter_state(On.LOADED)
        await self.evt_description.set_write(remotes=",".join(names))

    async def _accept_configuration(self, data: Any) -> None:
        """Take a configuration, up to the state CONFIGURED."""
        # Most of a script's imports are only needed from here on.
        from .script_config import script_config

        for field in ("pauseCheckpoint", "stopCheckpoint"):
            _check_expression(field, getattr(data, field))
        if data.logLevel != 0:
            self.log.setLevel(data.logLevel)
            await self.put_log_level()
        await self.configure(script_config(data.config, self.get_schema()))
        metadata = blank_metadata()
        self.set_metadata(metadata)
        self.evt_metadata.set(**vars(metadata))
        await self._set_checkpoints(data.pauseCheckpoint, data.stopCheckpoint)
        await self.evt_metadata.write()
        execution = block_execution(data.blockId)
        self.evt_state.set(
            blockId=data.blockId,
            executionId=data.executionId,
            dayObs=execution.day_obs,
            blockExecution=execution.number,
        )
        await self._enter_state(On.CONFIGURED)

    async def _report_and_run(self) -> None:
        await self.evt_state.write()
        await self.run()

    async def _pause_script(self) -> None:
        self._script_pause = asyncio.get_running_loop().create_future()
        try:
            await self._enter_state(On.PAUSED)
            await self._script_pause
            await self._enter_state(On.RESUMED)
        finally:
            self._script_pause.cancel()
            self._script_pause = None

    async def _end_script(self, event: On, reason: str = "") -> None:
        """Go from what happened to the final state, cleaning up on the way, and close."""
        self._is_script_ending = True
        has_run = self._script_state in (ScriptState.RUNNING, ScriptState.PAUSED)
        try:
            await self._enter_state(event, reason)
            if self._script_state not in FINAL_STATES:
                ended = On.CLEANED_UP
                if has_run:
                    outcome = await self._attend_to(self.cleanup(), "cleanup")
                    if outcome.is_stopped or outcome.error is not None:
                        ended = On.CLEANUP_FAILED
                        reason = "; ".join(filter(None, (reason, self._tell_failure("cleanup", outcome))))
                await self._enter_state(ended, reason)
        finally:
            await self.close()

    async def _attend_to(self, work: Coroutine[Any, Any, None], name: str) -> Outcome:
        self._script_work = ScriptWork()
        try:
            return await self._script_work.attend(work, f"{self.title} {name}")
        finally:
            self._script_work = None

    def _tell_failure(self, name: str, outcome: Outcome) -> str:
        """Log what went wrong in the author's code, and return it in words."""
        reason = wire_text(f"{name} failed: {outcome.reason or 'it was cancelled'}")
        self.log.error("%s", reason, exc_info=None if outcome.is_expected else outcome.error)
        return reason

    def _check_allowed(self, command: str) -> None:
        reason = refusal(command, self._script_state)
        if reason:
            raise ExpectedError(reason)

    async def _set_checkpoints(self, pause: str, stop: str) -> None:
        _check_expression("pause", pause)
        _check_expression("stop", stop)
        await self.evt_checkpoints.set_write(pause=pause, stop=stop, force_output=True)

    async def _enter_state(self, event: On, reason: str = "") -> None:
        self._set_state(event, reason)
        await self.evt_state.write()

    def _set_state(self, event: On, reason: str = "") -> None:
        self._script_state = next_state(self._script_state, event)
        self.timestamps[self._script_state] = self.domain.clock.tai()
        self.evt_state.set(state=self._script_state, reason=wire_text(reason))


def _matches(expression: str, name: str) -> bool:
    # A blank expression means no checkpoint, not the one without a name.
    return bool(expression and re.fullmatch(expression, name))


def _check_expression(name: str, expression: str) -> None:
    try:
        re.compile(expression)
    except re.error as error:
        where = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise ExpectedError(
            f"{name}={expression!r} is not a regular expression: {error.msg}{where}"
        ) from error
