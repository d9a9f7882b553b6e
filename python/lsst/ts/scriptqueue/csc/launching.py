# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge between the queue and its scripts' processes.

What a process does may be heard of before its start has been: the exit of one
that ends at once, the first report of one that is quick. Both are held back
until the queue knows that the process runs.
"""

from __future__ import annotations

import json
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping

from ..core.effects import Effect, Forget, LaunchProcess, TerminateProcess
from ..core.events import Event, LaunchFailed, ProcessExited, ProcessStarted, ScriptStateReported
from ..core.views import ScriptProcess
from ..launch.contract import (
    Exited,
    Identity,
    Inherited,
    LastingLauncher,
    Launched,
    Launcher,
    LaunchError,
    LaunchRequest,
)
from ..launch.environment import child_environment
from ..launch.paths import ScriptLibrary, ScriptPathError
from ..runtime import Runtime

__all__ = ["Launching"]

logger = logging.getLogger(__name__)

_SIGNAL_NAMES: dict[int | None, str] = {number.value: number.name for number in signal.Signals}


class Launching:
    """Carries out `LaunchProcess` and `TerminateProcess`.

    Parameters
    ----------
    runtime
        Where events go.
    library
        Where scripts are found.
    launcher
        Who owns the processes.
    note_index
        Told of each index that was used.
    hand_down
        Gives variables for the environment of each script.
    """

    def __init__(
        self,
        runtime: Runtime,
        library: ScriptLibrary,
        launcher: Launcher,
        note_index: Callable[[int], Awaitable[None]] | None = None,
        hand_down: Callable[[], Awaitable[Mapping[str, str]]] | None = None,
    ) -> None:
        self._runtime = runtime
        self._library = library
        self._launcher = launcher
        self._note_index = note_index
        self._hand_down = hand_down
        self._launch_ids: dict[int, str] = {}
        self._held: dict[int, list[Event]] = {}
        #: Launches that ended while there was no queue.
        self._missed: set[str] = set()
        #: Launches of an earlier queue of which nothing has been heard: they may have said their last before.
        self._unheard: set[str] = set()
        launcher.on_exit(self._exited)
        runtime.listen(ProcessExited, self._noted)

    @property
    def effects(self) -> Mapping[type[Effect], Callable[..., None]]:
        """What this edge carries out."""
        return {LaunchProcess: self._launch, TerminateProcess: self._terminate, Forget: self._forget}

    def launched(self, index: int) -> Launched | None:
        """The process of a script, there or gone; None if it has had none."""
        process = self._runtime.model.process(index)
        return _launched(process) if process is not None and process.identity else None

    async def take_over(self, launcher: LastingLauncher, *, knows_all: bool) -> None:
        """Find the processes an earlier queue has left: tell of those that have gone, and of strangers.

        Parameters
        ----------
        launcher
            Who owns them.
        knows_all
            Is the queue all that the earlier one was? Then strangers are
            ended; else they may be what it has forgotten, and run on.
        """
        wanted = set[str]()
        unknown = dict[str, Inherited]()
        for index, process in self._runtime.model.processes().items():
            wanted.add(process.launch_id)
            if not process.identity:
                # Its process may be there and have said what it will not say again: the launch
                # is asked for anew, and what the process says is not its own before that.
                self._held[index] = []
            else:
                self._launch_ids[index] = process.launch_id
                unknown[process.launch_id] = Inherited(_launched(process), index)
        for child in await launcher.inherited():
            launch_id = child.launched.launch_id
            unknown.pop(launch_id, None)
            if child.exited is not None:
                self._missed.add(launch_id)
                self._exited(child.exited)
            elif launch_id in wanted:
                self._unheard.add(launch_id)
            else:
                _tell_of_stranger(child, is_ended=knows_all)
                if knows_all:
                    launcher.terminate(launch_id)
        # Of those that are gone `_exited` hears.
        self._missed |= unknown.keys()
        living = await launcher.adopt(unknown.values())
        self._missed -= living
        self._unheard |= living

    def post(self, index: int, event: Event) -> None:
        """Post what a script's process did, once its start has been posted."""
        if isinstance(event, ScriptStateReported):
            self._unheard.discard(self._launch_ids.get(index, ""))
        held = self._held.get(index)
        if held is None:
            self._runtime.post(event)
        else:
            held.append(event)

    def _launch(self, effect: LaunchProcess) -> None:
        self._held.setdefault(effect.index, [])
        self._runtime.spawn(self._launch_process(effect))

    async def _launch_process(self, effect: LaunchProcess) -> None:
        index = effect.index
        launch_id = effect.launch_id
        self._launch_ids[index] = launch_id
        handed_down = await self._hand_down() if self._hand_down is not None else {}
        executable = self._library.place(effect.is_standard, effect.path)
        try:
            launched = await self._launcher.launch(
                LaunchRequest(
                    launch_id=launch_id,
                    sal_index=index,
                    executable=executable,
                    arguments=(str(index),),
                    environment=child_environment(executable, launch_id, handed_down=handed_down),
                    perhaps_started=effect.may_exist,
                )
            )
        except LaunchError as error:
            # One that an earlier queue has started may be there all the same.
            self._launcher.terminate(launch_id)
            del self._launch_ids[index]
            del self._held[index]
            why = await self._why_missing(effect) or str(error)
            self._runtime.post(LaunchFailed(self._runtime.now(), index, why))
        else:
            self._runtime.post(ProcessStarted(self._runtime.now(), index, launched.pid, _identity(launched)))
            for event in self._held.pop(index):
                self._runtime.post(event)
        if self._note_index is not None:
            # Whoever waits for its process need not wait for this.
            await self._note_index(index)

    async def _why_missing(self, effect: LaunchProcess) -> str:
        """Say what has become of a script that was found when it was added; "" if it is there."""
        try:
            await self._library.afind(effect.is_standard, effect.path)
        except ScriptPathError as error:
            return str(error)
        return ""

    def _terminate(self, effect: TerminateProcess) -> None:
        launch_id = self._launch_ids.get(effect.index)
        if launch_id is not None:
            self._launcher.terminate(launch_id)

    def _forget(self, effect: Forget) -> None:
        self._launch_ids.pop(effect.index, None)

    def _exited(self, exited: Exited) -> None:
        index = exited.sal_index
        if self._launch_ids.get(index) != exited.launch_id:
            self._launcher.taken(exited.launch_id)
            return
        while_away = exited.launch_id in self._missed or exited.launch_id in self._unheard
        self.post(
            index,
            ProcessExited(
                self._runtime.now(),
                index,
                exited.exit_code,
                exited.signal,
                exited.output_tail,
                _SIGNAL_NAMES.get(exited.signal, ""),
                while_away=while_away,
                memory_kill=exited.memory_kill,
                ended_ago_s=exited.ended_ago_s if while_away else 0.0,
            ),
        )

    def _noted(self, event: ProcessExited) -> None:
        launch_id = self._launch_ids.get(event.index, "")
        self._missed.discard(launch_id)
        self._unheard.discard(launch_id)
        self._launcher.taken(launch_id)


def _tell_of_stranger(child: Inherited, *, is_ended: bool) -> None:
    pid, output = child.launched.pid, child.launched.output_path
    what = f"script {child.sal_index}, process {pid}, runs and this queue does not know it (output: {output})"
    if is_ended:
        logger.warning("%s; it is ended", what)
    else:
        logger.error("%s, because its journal was damaged or lost; it runs on: kill %d to end it", what, pid)


def _identity(launched: Launched) -> str:
    return json.dumps([*launched.identity, launched.output_path])


def _launched(process: ScriptProcess) -> Launched:
    *identity, output_path = json.loads(process.identity)
    return Launched(process.launch_id, Identity(*identity), output_path)
