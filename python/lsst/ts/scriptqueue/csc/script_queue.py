# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ScriptQueue as a SAL component.

Commands come in here, are understood (`requests`), and given to the queue;
what the queue wants done is carried out by its edges (`publishing`,
`script_link`, `launching`, `block_naming`). The order of starting and
stopping is in `_introduce` and `close_tasks`; nothing else knows it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ..bus import BusError, IndexRange, Message
from ..configuration import ConfigurationFolder
from ..core.commands import Reconfigure, ShowQueue, ShowScript
from ..core.events import EnabledChanged, Restarted
from ..core.indices import INDICES_PER_QUEUE
from ..core.model import QueueModel
from ..core.refusals import Refused
from ..launch.contract import Launcher, LaunchError
from ..launch.paths import ScriptLibrary
from ..launch.schema import script_schema
from ..runtime import Runtime
from ..sal.csc import BaseCsc
from ..sal.domain import Domain
from ..sal.enums import State
from ..sal.remote import Remote
from . import requests
from .answers import Answers, refusals
from .block_ids import BlockIds
from .block_naming import BlockNaming
from .bookkeeping import Bookkeeping
from .configuring import Configuring
from .entries import read_back
from .fate import Fate, farewell
from .index_counter import IndexCounter
from .launching import Launching
from .memory import Memory
from .publishing import Publishing
from .script_link import ScriptLink
from .settings import Settings, SettingsError
from .supervising import Supervising

__all__ = ["ScriptQueueCsc"]

#: Time limit for a script that is asked for its schema (seconds).
SCHEMA_LIMIT_S = 20.0

#: Ending all scripts may take this much longer than ending one (seconds).
_SHUTDOWN_MARGIN_S = 5.0

#: What was told or commanded is waited for so long before the component goes on (seconds); panels wait 10.
_SETTLE_LIMIT_S = 8.0

#: Commands of which several may be under way; the others are done at once.
_CONCURRENT = ("add", "requeue", "stopScripts", "showSchema")

#: Error code of a fault of the program itself.
RUNTIME_FAILED = 1


class ScriptQueueCsc(BaseCsc):
    """ScriptQueue:index.

    Parameters
    ----------
    domain
        Where it speaks.
    index
        SAL index; 1 to 3 at the observatory.
    library
        Where scripts are found.
    launcher
        Who owns their processes.
    block_ids
        Who gives ids to executions of blocks.
    settings
        Limits and such.
    index_counter
        Who remembers the last index beyond this process; None for nobody.
    configurations
        Where configurations of slots are; None for one serial slot.
    memory
        What it has of an earlier queue; None to remember nothing.
    **kwargs
        As for `BaseCsc`.
    """

    def __init__(
        self,
        domain: Domain,
        index: int,
        *,
        library: ScriptLibrary,
        launcher: Launcher,
        block_ids: BlockIds,
        settings: Settings | None = None,
        index_counter: IndexCounter | None = None,
        configurations: ConfigurationFolder | None = None,
        memory: Memory | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, "ScriptQueue", index, **kwargs)
        self._settings = settings or Settings()
        self._library = library
        self._launcher = launcher
        first = index * INDICES_PER_QUEUE
        self._scripts = Remote(
            domain,
            "Script",
            IndexRange(first, first + INDICES_PER_QUEUE - 1),
            include=("state", "metadata", "description", "heartbeat"),
        )
        self._memory = memory
        self._fate = Fate.UNTOUCHED
        #: What the journal could not tell any more, for people.
        self._lost: Sequence[str] = ()
        self.model = self._model(index_counter.last if index_counter else 0)
        self._configuring = Configuring(configurations)
        self._book = Bookkeeping(memory.journal, self.model, self.log) if memory is not None else None
        self._runtime = Runtime(self.model, domain.clock, self.log, self._book)
        note_index = index_counter.note if index_counter else None
        self._launching = Launching(self._runtime, library, launcher, note_index, self._hand_down)
        limits = self._settings.limits
        self._supervising = Supervising(self._runtime, launcher, limits.supervision)
        link = ScriptLink(
            self._runtime, self._scripts, limits, self._launching.post, self._supervising.heartbeat
        )
        use_of, process_of = self._supervising.use_of, self._launching.launched
        publishing = Publishing(self._runtime.outbox, self.events.__getitem__, use_of, process_of)
        naming = BlockNaming(self._runtime, block_ids)
        self._answers = Answers(self._runtime, self.commands, self.make_ackcmd, lambda: self._leaves_scripts)
        for edge in (self._launching, link, publishing, naming, self._answers):
            self._runtime.register(edge.effects)
        # Adds take their place in the queue in the order in which they came,
        # although each is checked off the event loop first.
        self._add_order = asyncio.Lock()
        for command in _CONCURRENT:
            self.commands[command].allow_multiple_callbacks = True

    def _model(self, last_index: int) -> QueueModel:
        """Make the queue: a new one, or the one that an earlier service has left."""
        clock = self.domain.clock
        now_tai = clock.tai()
        tai_minus_utc_s = now_tai - clock.utc_from_tai(now_tai)
        limits = self._settings.limits

        def new() -> QueueModel:
            return QueueModel(self.index, limits, last_index=last_index, tai_minus_utc_s=tai_minus_utc_s)

        if self._memory is None:
            return new()
        model, self._lost = read_back(
            self._memory.recovered,
            new,
            lambda plain: QueueModel.restored(plain, self.index, limits, tai_minus_utc_s),
        )
        for complaint in self._lost:
            self.log.error("%s", complaint)
        if self._lost:
            model.go_on_after(last_index)
        return model

    async def end(self, why: str, *, leaves_scripts: bool = False) -> None:
        """End this service, as it was told to.

        Parameters
        ----------
        why
            Who told it, for the log, for clients and for the stories of scripts.
        leaves_scripts
            Are its scripts left to the next one? Otherwise they are ended.
        """
        self.ends_because = why
        if leaves_scripts and self._fate is not Fate.ABANDONED:
            self._fate = Fate.LEFT
        await self.close()

    async def close_tasks(self) -> None:
        """End all scripts, unless they are left to the next service; say so, and let go of everything."""
        why = self.ends_because or f"the component is {self.summary_state.name}"
        if self._fate is not Fate.UNTOUCHED and not self.has_failed:
            text = farewell(why, list(self.model.processes()), are_left=self._leaves_scripts)
            self.log.log(logging.WARNING if self.ends_because else logging.INFO, "%s", text)
        if self._leaves_scripts:
            if not await self._runtime.settle(_SETTLE_LIMIT_S):
                self.log.error("What was done last may not have been told; the next service finds it out")
        elif self._runtime.is_running:
            limit_s = self._settings.limits.kill_s + _SHUTDOWN_MARGIN_S
            if not await self._runtime.shut_down(why, limit_s):
                self.log.error("Not all scripts were seen to end within %g s", limit_s)
        if self._memory is not None and self._leaves_scripts:
            await self._memory.launcher.release()
        else:
            await self._launcher.aclose()
        await self._runtime.stop()
        if self._book is not None:
            await self._book.aclose()
        await self._scripts.close()
        await super().close_tasks()

    @property
    def _leaves_scripts(self) -> bool:
        """Do scripts run on when this ends? Unasked only if the next service can find them."""
        if self._memory is None:
            return self._fate is Fate.LEFT
        return self._fate is not Fate.ENDED or self.has_failed

    def _heartbeat_heard(self, message: Message) -> None:
        super()._heartbeat_heard(message)
        if message["private_origin"] == self.domain.origin:
            self._runtime.middleware_works(self.domain.clock.tai() - message["private_sndStamp"])

    async def _check_alone(self) -> None:
        if self._memory is not None and not self._memory.recovered.is_fresh:
            # Both take their time.
            self._memory.launcher.begin()
        await super()._check_alone()

    async def _introduce(self) -> None:
        await self._take_over()
        await self._scripts.start_task
        self.spawn(self._run_queue(), "queue", background=True)
        self.spawn(self._supervising.run(), "supervision", background=True)
        self.spawn(self._prepare_scripts(), "topics of scripts", background=True)
        await self._runtime.started()
        await self.events["rootDirectories"].set_write(
            standard=self._library.standard.directory, external=self._library.external.directory
        )
        await self._tell_configurations()
        await super()._introduce()
        if self._fate is Fate.UNTOUCHED:
            self._fate = Fate.ENDED

    async def _take_over(self) -> None:
        """Go on with what an earlier service has left; nothing that scripts say is heard before this."""
        memory = self._memory
        if memory is None or self._book is None:
            return
        # What had happened was told within a moment. Readers drop what is not later, were the clock set back.
        self.domain.stamper.go_on_after(self.model.now_tai + self.heartbeat_interval)
        is_new = memory.recovered.is_fresh
        if is_new or self._lost or memory.recovered.snapshot is None:
            # What cannot be read back must not be stumbled over again.
            self._book.begin()
        if not is_new:
            self._runtime.post(Restarted(self._runtime.now(), memory.resumes))
            self._supervising.take_over()
        try:
            await self._launching.take_over(memory.launcher, knows_all=not (is_new or self._lost))
        except LaunchError as error:
            raise SettingsError(f"no process that owns the scripts can be had: {error}") from None

    async def _tell_configurations(self) -> None:
        try:
            available = await self._configuring.available()
        except Refused as error:
            # What is wrong is told again to whoever sends `start`.
            self.log.error("No configuration can be used: %s", error)
            return
        await self.events["configurationsAvailable"].set_write(**available, force_output=True)

    async def begin_start(self, data: Any) -> None:
        """Read the configuration; refused if it is wrong, or if scripts would lose their slot."""
        with refusals():
            layout = await self._configuring.read(data.configurationOverride)
            await self._answers.give("start", Reconfigure(layout), data)
        self._configuring.apply()

    async def end_start(self, data: Any) -> None:
        """Say which configuration is in force."""
        await self.events["configurationApplied"].set_write(
            **await self._configuring.applied(), force_output=True
        )

    async def handle_summary_state(self) -> None:
        """Let the queue start scripts, or not; say so before the state is told."""
        enabled = self.summary_state is State.ENABLED
        # This may refuse to be enabled, and then the queue must not have heard of it.
        available = await self._available_scripts() if enabled else None
        self._runtime.post(EnabledChanged(self._runtime.now(), enabled))
        if not await self._runtime.settle(_SETTLE_LIMIT_S):
            self.log.warning(
                "The queue is %s, but within %g s this could not be written down and told",
                self.summary_state.name,
                _SETTLE_LIMIT_S,
            )
        if available is not None:
            await self.events["availableScripts"].set_write(**available, force_output=True)

    async def do_add(self, data: Any) -> Any:
        """Add a script; the result is its index."""
        self.assert_enabled()
        with refusals():
            wish = requests.add_script(data)
            async with self._add_order:
                await self._library.afind(wish.is_standard, wish.path)
                reply = self._answers.give("add", await self._configuring.ruled(wish), data)
            return await self._answers.answer(data, reply)

    async def do_move(self, data: Any) -> Any:
        """Move a waiting script."""
        self.assert_enabled()
        with refusals():
            return await self._answers.obtain("move", requests.move_script(data), data)

    async def do_requeue(self, data: Any) -> Any:
        """Add a script again; the result is the new index."""
        self.assert_enabled()
        with refusals():
            order = requests.requeue_script(data)
            async with self._add_order:
                wish = self.model.wish(order.index)
                await self._library.afind(wish.is_standard, wish.path)
                ruling = (await self._configuring.ruled(wish)).ruling
                reply = self._answers.give("requeue", dataclasses.replace(order, ruling=ruling), data)
            return await self._answers.answer(data, reply)

    async def do_stopScripts(self, data: Any) -> Any:
        """Stop scripts, wherever they are in their lives."""
        self.assert_enabled()
        with refusals():
            return await self._answers.obtain("stopScripts", requests.stop_scripts(data), data)

    async def do_pause(self, data: Any) -> Any:
        """Start no further script, in a slot or in all; allowed in any state."""
        with refusals():
            return await self._answers.obtain("pause", requests.pause(data), data)

    async def do_resume(self, data: Any) -> Any:
        """Go on; a script that failed is moved to the history."""
        self.assert_enabled()
        with refusals():
            return await self._answers.obtain("resume", requests.resume(data), data)

    async def do_showQueue(self, data: Any) -> Any:
        """Publish the queue again."""
        self.assert_enabled()
        with refusals():
            return await self._answers.obtain("showQueue", ShowQueue(), data)

    async def do_showScript(self, data: Any) -> Any:
        """Publish one script again."""
        self.assert_enabled()
        with refusals():
            return await self._answers.obtain("showScript", ShowScript(data.scriptSalIndex), data)

    async def do_showSchema(self, data: Any) -> None:
        """Publish the configuration schema of a script."""
        self.assert_enabled()
        with refusals():
            executable = await self._library.afind(data.isStandard, data.path)
            schema = await script_schema(executable, SCHEMA_LIMIT_S)
            self._configuring.note_schema(data.isStandard, data.path, schema)
        await self.events["configSchema"].set_write(
            isStandard=data.isStandard, path=data.path, configSchema=schema, force_output=True
        )

    async def do_showAvailableScripts(self, data: Any) -> None:
        """Publish which scripts there are."""
        self.assert_enabled()
        available = await self._available_scripts()
        await self.events["availableScripts"].set_write(**available, force_output=True)

    async def _available_scripts(self) -> dict[str, str]:
        """The fields of the event ``availableScripts``."""
        with refusals():
            standard = await self._library.aavailable(True)
            external = await self._library.aavailable(False)
        return {"standard": ":".join(standard), "external": ":".join(external)}

    async def _prepare_scripts(self) -> None:
        """See that the first script finds its topics."""
        await self._hand_down()

    async def _hand_down(self) -> Mapping[str, str]:
        """Return what the bus has for the environment of scripts; nothing must keep one from starting."""
        try:
            return await self.domain.bus.hand_down(self._scripts.spec.topics.values())
        except BusError as error:
            self.log.warning("Scripts start without what is known here: %s", error)
            return {}

    async def _run_queue(self) -> None:
        try:
            await self._runtime.run()
        except ExceptionGroup as group:
            error = group.exceptions[0]
            self._fate = Fate.ABANDONED
            if self._book is not None:
                self._book.distrust()
            self.log.critical("The queue has stopped working; scripts that run go on", exc_info=error)
            await self.fault(RUNTIME_FAILED, f"the queue has stopped working: {error}")
