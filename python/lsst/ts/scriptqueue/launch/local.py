# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launcher whose scripts are children of this process.

The rules:

* Each child has one task that owns it from spawn to reap; whatever ends the
  task ends the child, its group, and what left the group.
* The end of the stop plan's grace is the end of the leader: children of a
  script that outlive it get SIGKILL at once, whether it was asked to end or
  ended by itself.
* An exit is told after `LocalLauncher.launch` has returned, and only then.
  A launch that is cancelled ends what it has started before it gives way.
* If this process is killed, its children live on and keep their output.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..keeper.identity import identity_of
from ..keeper.spawning import why_not_started
from .contract import (
    Exited,
    Launched,
    Launcher,
    LaunchError,
    LaunchRequest,
    StopPlan,
    Vitals,
)
from .leftovers import Leftovers
from .output import OutputLimits
from .owners import first_of, give_up_late
from .processes import OwnedProcess, Spawned, spawn
from .script_output import ScriptOutput
from .vitals import Looking

__all__ = ["LocalLauncher"]

logger = logging.getLogger(__name__)

#: How many children are spawned at a time; more would only compete.
_SPAWNERS = 2


@dataclass(eq=False, slots=True)
class _Child:
    """A child, from the request to the telling of its exit.

    Attributes
    ----------
    request
        What was asked for.
    launched
        Done when its program has been executed.
    stop
        Done when it is to be ended.
    owner
        The task that owns it.
    output_path
        Its output file, once there is one.
    """

    request: LaunchRequest
    launched: asyncio.Future[Launched]
    stop: asyncio.Future[None]
    owner: asyncio.Task[None] = field(init=False)
    output_path: str | None = None


class LocalLauncher(Launcher):
    """Owns scripts as children of this process.

    Parameters
    ----------
    state_dir
        Where the service keeps its state; output goes to a folder in it.
    plan
        How children are ended.
    limits
        How much output is kept.
    """

    def __init__(
        self,
        state_dir: str | os.PathLike[str],
        *,
        plan: StopPlan | None = None,
        limits: OutputLimits | None = None,
    ) -> None:
        self._plan = plan or StopPlan()
        self._output = ScriptOutput(state_dir, limits or OutputLimits(), self._writing)
        self._callbacks: list[Callable[[Exited], None]] = []
        self._children: dict[str, _Child] = {}
        self._leftovers = Leftovers()
        self._looking = Looking()
        self._spawners = asyncio.Semaphore(_SPAWNERS)
        self._closing = asyncio.Event()

    def on_exit(self, callback: Callable[[Exited], None]) -> None:
        self._callbacks.append(callback)

    async def launch(self, request: LaunchRequest) -> Launched:
        if self._closing.is_set():
            raise LaunchError("the launcher is closed: nothing is started any more")
        if request.launch_id in self._children:
            raise LaunchError(f"launch {request.launch_id} runs; give every launch an id of its own")
        loop = asyncio.get_running_loop()
        self._output.note_launch()
        child = _Child(request, loop.create_future(), loop.create_future())
        child.owner = loop.create_task(self._own(child), name=f"script {request.launch_id}")
        self._children[request.launch_id] = child
        child.owner.add_done_callback(functools.partial(self._disown, child))
        try:
            await first_of(child.owner, child.launched)
        except asyncio.CancelledError:
            child.owner.cancel()
            await asyncio.wait({child.owner})
            raise
        if child.owner.cancelled():
            raise LaunchError(f"the launcher was closed while {request.executable} was being started")
        if child.owner.done():
            child.owner.result()
        return child.launched.result()

    def terminate(self, launch_id: str) -> None:
        child = self._children.get(launch_id)
        if child is not None and not child.stop.done():
            child.stop.set_result(None)

    async def look(self) -> Mapping[str, Vitals]:
        running = {
            launch_id: child.launched.result().identity
            for launch_id, child in self._children.items()
            if child.launched.done()
        }
        return await asyncio.to_thread(self._looking.look, running)

    def taken(self, launch_id: str) -> None:
        """Nothing is kept of an exit that has been told."""

    async def aclose(self) -> None:
        self._closing.set()
        for launch_id in self._children:
            self.terminate(launch_id)
        try:
            owners = [child.owner for child in self._children.values()]
            await give_up_late(owners, self._plan.kill_after_s)
        finally:
            await self._output.aclose()

    def _writing(self) -> list[str]:
        return [child.output_path for child in self._children.values() if child.output_path]

    async def _own(self, child: _Child) -> None:
        """See a child from its request to its exit."""
        request = child.request
        process = OwnedProcess(request.launch_id, functools.partial(self._start, child), self._leftovers)
        async with contextlib.AsyncExitStack() as stack:
            async with self._spawners:
                await stack.enter_async_context(process)
            identity = identity_of(process.pid)
            child.launched.set_result(Launched(request.launch_id, identity, child.output_path or ""))
            await first_of(process.exited, child.stop)
            if not process.exited.done():
                process.signal_group(signal.SIGTERM)
                # One that was stopped with SIGSTOP could not act on it otherwise.
                process.signal_group(signal.SIGCONT)
                await asyncio.wait({process.exited}, timeout=self._plan.kill_after_s)
        last_words = await self._output.last_words(child.output_path or "")
        status = process.status
        memory_kill = await self._looking.memory_kill(
            child.launched.result().pid, status.signal, was_asked=child.stop.done()
        )
        exited = Exited(
            request.launch_id, request.sal_index, status.exit_code, status.signal, last_words, memory_kill
        )
        for callback in self._callbacks:
            asyncio.get_running_loop().call_soon(callback, exited)

    def _disown(self, child: _Child, owner: asyncio.Task[None]) -> None:
        del self._children[child.request.launch_id]
        error = None if owner.cancelled() else owner.exception()
        if error is not None and child.launched.done():
            logger.error("%s was ended by an error of its owner", owner.get_name(), exc_info=error)

    def _start(self, child: _Child) -> Spawned:
        """Start a child with its output file; called in a thread."""
        request = child.request
        try:
            output, path = self._output.folder.create(request.sal_index, request.launch_id)
        except OSError as error:
            raise LaunchError(
                f"no output file can be made in {self._output.folder.directory}: {error.strerror}"
            ) from error
        try:
            spawned = spawn((request.executable, *request.arguments), request.environment, output, output)
        except (OSError, ValueError) as error:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise LaunchError(why_not_started(request.executable, error)) from error
        finally:
            os.close(output)
        child.output_path = path
        return spawned
