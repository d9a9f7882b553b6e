# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launcher whose scripts are children of the keeper, which outlives this process.

The rules:

* The keeper is started when there is none, and again when it is lost; then
  the new one adopts the children that live. A launch that was under way is asked
  for again, and cannot happen twice.
* Each child has one task that sees it from its request to the telling of its
  exit. If the loop is torn down around it, the child lives on.
* An exit is told after `KeptLauncher.launch` has returned, and only then.
  A launch that is cancelled ends what it has started before it gives way.
* Output files are named, bounded and read here; the keeper only opens them.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from ..keeper.boot_clock import boot_s
from .contract import (
    Exited,
    Inherited,
    LastingLauncher,
    Launched,
    LaunchError,
    LaunchRequest,
    StopPlan,
    Vitals,
)
from .keeper_contact import KeeperContact
from .keeper_link import KeeperLink
from .kept_child import KeptChild, KeptStatus, launched_as
from .output import OutputLimits
from .owners import CLOSE_MARGIN_S, first_of, give_up_late
from .script_output import ScriptOutput
from .vitals import Looking

__all__ = ["KeptLauncher"]

logger = logging.getLogger(__name__)


class KeptLauncher(LastingLauncher):
    """Has scripts started and owned by the keeper of a state directory.

    Parameters
    ----------
    state_dir
        Where the service keeps its state; made if it does not exist.
    plan
        How children are ended.
    limits
        How much output is kept.
    absence_limit_s
        How long the keeper waits for another queue when this one has gone,
        before it ends all children; None for ever.
    """

    def __init__(
        self,
        state_dir: str | os.PathLike[str],
        *,
        plan: StopPlan | None = None,
        limits: OutputLimits | None = None,
        absence_limit_s: float | None = None,
    ) -> None:
        self._plan = plan or StopPlan()
        self._output = ScriptOutput(state_dir, limits or OutputLimits(), self._writing)
        self._callbacks: list[Callable[[Exited], None]] = []
        self._children: dict[str, KeptChild] = {}
        self._untaken: set[str] = set()
        self._taken: set[str] = set()
        self._left: list[KeptChild] = []
        self._looking = Looking()
        self._is_asked = False
        self._is_closing = False
        hello = {"kill_after_s": self._plan.kill_after_s, "absence_limit_s": absence_limit_s}
        self._keeper = KeeperContact(
            os.path.abspath(state_dir), hello, self._reconcile, self._hear, self._is_needed
        )

    def on_exit(self, callback: Callable[[Exited], None]) -> None:
        self._callbacks.append(callback)

    def begin(self) -> None:
        self._refuse_if_closed()
        self._keeper.begin()

    async def inherited(self) -> tuple[Inherited, ...]:
        self._refuse_if_closed()
        self._output.begin()
        await self._keeper.connected()
        living = [
            Inherited(launched, child.sal_index)
            for child in self._children.values()
            if (launched := child.running) is not None
        ]
        self._is_asked = True
        ended, self._left = self._left, []
        for child in ended:
            self._untaken.add(child.launch_id)
        exits = await asyncio.gather(*map(self._exit_of, ended))
        return *living, *(
            Inherited(child.launched.result(), child.sal_index, exited)
            for child, exited in zip(ended, exits, strict=True)
        )

    async def adopt(self, children: Iterable[Inherited]) -> frozenset[str]:
        self._refuse_if_closed()
        link = await self._keeper.connected()
        asked = dict[str, asyncio.Future[Mapping[str, Any]]]()
        for inherited in children:
            launch_id = inherited.launched.launch_id
            if launch_id in self._untaken or inherited.exited is not None:
                continue
            child = self._children.get(launch_id)
            if child is None:
                child = self._new_child(launch_id, inherited.sal_index)
                child.launched.set_result(inherited.launched)
                self._own(child, self._see_off(child))
            # All at once: the keeper looks for what is left of all that have gone together.
            asked[launch_id] = self._ask_to_adopt(link, child)
        return frozenset([launch_id for launch_id, answer in asked.items() if await _lives(answer)])

    async def launch(self, request: LaunchRequest) -> Launched:
        self._refuse_if_closed()
        known = self._children.get(request.launch_id)
        if known is not None:
            if not known.is_inherited:
                raise LaunchError(f"launch {request.launch_id} runs; give every launch an id of its own")
            return known.launched.result()
        # It has ended already, and is told as the exit of this launch.
        self._left = [child for child in self._left if child.launch_id != request.launch_id]
        self._output.note_launch()
        child = self._new_child(request.launch_id, request.sal_index)
        self._own(child, self._launch(child, request))
        try:
            await first_of(child.owner, child.launched)
        except asyncio.CancelledError:
            child.is_unwanted = True
            self._end(child, 0.0)
            await asyncio.wait({child.owner})
            raise
        if child.owner.cancelled():
            raise LaunchError(f"the launcher was closed while {request.executable} was being started")
        if not child.launched.done():
            child.owner.result()
        self._is_asked = True
        self._tell_left()
        return child.launched.result()

    def terminate(self, launch_id: str) -> None:
        child = self._children.get(launch_id)
        if child is not None and child.kill_after_s is None:
            self._end(child, self._plan.kill_after_s)

    async def look(self) -> Mapping[str, Vitals]:
        running = {
            launch_id: launched.identity
            for launch_id, child in self._children.items()
            if (launched := child.running) is not None
        }
        return await asyncio.to_thread(self._looking.look, running)

    def taken(self, launch_id: str) -> None:
        if launch_id in self._untaken:
            self._untaken.remove(launch_id)
            self._taken.add(launch_id)
            if self._keeper.link is not None:
                self._tell_taken(self._keeper.link)

    async def aclose(self) -> None:
        self._is_closing = True
        for launch_id in self._children:
            self.terminate(launch_id)
        try:
            owners = {child.owner for child in self._children.values()}
            await give_up_late(owners, self._plan.kill_after_s)
            await self._close_keeper()
        finally:
            await self._output.aclose()

    async def release(self) -> None:
        self._is_closing = True
        owners = [child.owner for child in self._children.values()]
        for task in owners:
            task.cancel()
        if owners:
            await asyncio.wait(owners)
        await self._keeper.aclose()
        await self._output.aclose()

    def _is_needed(self) -> bool:
        """Whether a keeper that is lost must be replaced, although nobody asks for anything."""
        return any(child.launched.done() for child in self._children.values())

    def _refuse_if_closed(self) -> None:
        if self._is_closing:
            raise LaunchError("the launcher is closed: nothing is started any more")

    def _new_child(self, launch_id: str, sal_index: int) -> KeptChild:
        loop = asyncio.get_running_loop()
        return KeptChild(launch_id, sal_index, loop.create_future(), loop.create_future())

    def _own(self, child: KeptChild, seeing: Coroutine[Any, Any, None]) -> None:
        child.owner = asyncio.get_running_loop().create_task(seeing, name=f"script {child.launch_id}")
        self._children[child.launch_id] = child
        child.owner.add_done_callback(functools.partial(self._disown, child))

    def _disown(self, child: KeptChild, owner: asyncio.Task[None]) -> None:
        del self._children[child.launch_id]
        error = None if owner.cancelled() else owner.exception()
        if error is not None and child.launched.done():
            logger.error("%s was lost by an error of its owner", owner.get_name(), exc_info=error)

    async def _launch(self, child: KeptChild, request: LaunchRequest) -> None:
        """See a child from its request to its exit."""
        path = self._output.folder.path_for(request.sal_index, request.launch_id)
        try:
            cwd = os.getcwd()
        except OSError as error:
            raise LaunchError(f"the working directory of this service is gone: {error.strerror}") from error
        described = await self._ask_to_launch(request, path, cwd)
        child.launched.set_result(launched_as(described))
        if described["ended"] is not None:
            self._note_end(child, described)
        elif child.kill_after_s is not None:
            self._end(child, child.kill_after_s)
        await self._see_off(child)

    async def _ask_to_launch(self, request: LaunchRequest, path: str, cwd: str) -> Mapping[str, Any]:
        search = request.perhaps_started
        while True:
            link = await self._keeper.connected()
            try:
                answer = await link.ask(
                    "launch",
                    launch_id=request.launch_id,
                    sal_index=request.sal_index,
                    executable=request.executable,
                    arguments=request.arguments,
                    environment=dict(request.environment),
                    cwd=cwd,
                    output_path=path,
                    search=search,
                )
            except ConnectionError:
                # The keeper was lost, perhaps just after it had started the child.
                search = True
            else:
                described: Mapping[str, Any] = answer["child"]
                return described

    async def _see_off(self, child: KeptChild) -> None:
        """Wait until a child has ended, and tell it."""
        await asyncio.wait({child.ended})
        exited = await self._exit_of(child)
        self._untaken.add(child.launch_id)
        if child.is_unwanted:
            self.taken(child.launch_id)
            return
        for callback in self._callbacks:
            asyncio.get_running_loop().call_soon(callback, exited)

    async def _exit_of(self, child: KeptChild) -> Exited:
        last_words = await self._output.last_words(child.launched.result().output_path)
        status = child.ended.result()
        memory_kill = await self._looking.memory_kill(
            child.launched.result().pid, status.signal, was_asked=child.kill_after_s is not None
        )
        return Exited(
            child.launch_id,
            child.sal_index,
            status.exit_code,
            status.signal,
            last_words,
            memory_kill,
            0.0 if status.ended_at_s is None else boot_s() - status.ended_at_s,
        )

    def _end(self, child: KeptChild, kill_after_s: float) -> None:
        """Have a child ended, now, or as soon as it is known to the keeper."""
        child.kill_after_s = kill_after_s
        if child.running is not None and self._keeper.link is not None:
            self._keeper.link.ask("terminate", launch_id=child.launch_id, kill_after_s=kill_after_s)

    def _tell_taken(self, link: KeeperLink) -> None:
        for launch_id in self._taken:
            link.ask("taken", launch_id=launch_id)
        self._taken.clear()

    def _tell_left(self) -> None:
        """Tell the exits that an earlier queue has missed."""
        for child in self._left:
            self._own(child, self._see_off(child))
        self._left.clear()

    def _writing(self) -> list[str]:
        return [
            launched.output_path
            for child in self._children.values()
            if (launched := child.running) is not None
        ]

    def _reconcile(self, link: KeeperLink, described: Iterable[Mapping[str, Any]]) -> None:
        """Bring together what this launcher knows and what the keeper has said."""
        kept = {str(child["launch_id"]): child for child in described}
        for launch_id, child in self._children.items():
            if child.running is None:
                continue
            if launch_id not in kept:
                self._ask_to_adopt(link, child).add_done_callback(functools.partial(_complain, child))
            elif kept[launch_id]["ended"] is not None:
                self._note_end(child, kept[launch_id])
            if child.kill_after_s is not None:
                link.ask("terminate", launch_id=launch_id, kill_after_s=child.kill_after_s)
        for launch_id in kept.keys() - self._children.keys() - self._untaken - self._taken:
            self._inherit(kept[launch_id])
        self._tell_taken(link)

    def _inherit(self, described: Mapping[str, Any]) -> None:
        child = self._new_child(described["launch_id"], described["sal_index"])
        child.is_inherited = True
        child.launched.set_result(launched_as(described))
        if described["ended"] is None:
            self._output.note_launch()
            self._own(child, self._see_off(child))
            return
        self._note_end(child, described)
        if child.launch_id not in {known.launch_id for known in self._left}:
            self._left.append(child)
        if self._is_asked:
            self._tell_left()

    def _ask_to_adopt(self, link: KeeperLink, child: KeptChild) -> asyncio.Future[Mapping[str, Any]]:
        launched = child.launched.result()
        return link.ask(
            "adopt",
            launch_id=child.launch_id,
            sal_index=child.sal_index,
            identity=list(launched.identity),
            output_path=launched.output_path,
        )

    def _hear(self, message: Mapping[str, Any]) -> None:
        if message.get("push") == "exited":
            child = self._children.get(message["launch_id"])
            if child is not None:
                self._note_end(child, message)

    def _note_end(self, child: KeptChild, described: Mapping[str, Any]) -> None:
        if not child.ended.done():
            # An earlier keeper does not tell.
            ago_s = described.get("ended_ago_s")
            ended_at_s = None if ago_s is None else boot_s() - ago_s
            exit_code, signal = described["ended"]
            child.ended.set_result(KeptStatus(exit_code, signal, ended_at_s))

    async def _close_keeper(self) -> None:
        link = self._keeper.link
        if link is not None:
            link.ask("close", kill_after_s=self._plan.kill_after_s)
            await asyncio.wait({link.lost}, timeout=self._plan.kill_after_s + CLOSE_MARGIN_S)
        await self._keeper.aclose()


async def _lives(answer: asyncio.Future[Mapping[str, Any]]) -> bool:
    try:
        return not (await answer).get("is_gone")
    except ConnectionError:
        # The next keeper adopts it with all others.
        return True


def _complain(child: KeptChild, answer: asyncio.Future[Mapping[str, Any]]) -> None:
    error = None if answer.cancelled() else answer.exception()
    if isinstance(error, LaunchError):
        logger.error("script %s runs, but is not watched: %s", child.launch_id, error)
