# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is heard of a process before the queue knows that it runs, and of one that cannot be started."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, cast

import pytest

from lsst.ts.scriptqueue.core.effects import LaunchProcess
from lsst.ts.scriptqueue.core.events import Event, LaunchFailed, ProcessStarted, ScriptStateReported
from lsst.ts.scriptqueue.core.states import ScriptState
from lsst.ts.scriptqueue.core.views import ScriptProcess
from lsst.ts.scriptqueue.csc.launching import Launching
from lsst.ts.scriptqueue.launch.contract import (
    Exited,
    Identity,
    Inherited,
    LastingLauncher,
    Launched,
    LaunchError,
    LaunchRequest,
    Vitals,
)
from lsst.ts.scriptqueue.launch.paths import ScriptLibrary
from lsst.ts.scriptqueue.runtime import Runtime

INDEX = 100001


class AQueue:
    """A queue that knows one script, whose start was asked for before it was torn away."""

    def __init__(self) -> None:
        self.model = self
        self.posted: list[Event] = []
        self.work: list[asyncio.Task[None]] = []

    def processes(self) -> dict[int, ScriptProcess]:
        return {INDEX: ScriptProcess("launch", 0, "")}

    def listen(self, kind: type, listener: Callable[[Any], None]) -> None:
        pass

    def now(self) -> float:
        return 1.0

    def post(self, event: Event) -> None:
        self.posted.append(event)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.work.append(asyncio.get_running_loop().create_task(work))


class ALauncher(LastingLauncher):
    """One process, which an earlier queue has had started."""

    launched = Launched("launch", Identity(7, 1, "boot", 1), "/dev/null")

    def on_exit(self, callback: Callable[[Exited], None]) -> None:
        pass

    def begin(self) -> None:
        pass

    async def inherited(self) -> tuple[Inherited, ...]:
        return (Inherited(self.launched, INDEX),)

    async def adopt(self, children: Iterable[Inherited]) -> frozenset[str]:
        return frozenset()

    async def launch(self, request: LaunchRequest) -> Launched:
        return self.launched

    def terminate(self, launch_id: str) -> None:
        pytest.fail(f"{launch_id} is wanted")

    async def look(self) -> Mapping[str, Vitals]:
        return {}

    def taken(self, launch_id: str) -> None:
        pass

    async def aclose(self) -> None:
        pass

    async def release(self) -> None:
        pass


async def test_what_a_script_said_before_its_launch_is_asked_for_anew_is_heard(
    tmp_path: pathlib.Path,
) -> None:
    script = tmp_path / "script.py"
    script.touch(0o755)
    queue, launcher = AQueue(), ALauncher()
    launching = Launching(cast(Runtime, queue), ScriptLibrary(tmp_path, tmp_path), launcher)
    await launching.take_over(launcher, knows_all=True)
    report = ScriptStateReported(1.0, INDEX, ScriptState.UNCONFIGURED, origin=7, sent_tai=0.5)
    # The middleware tells a new reader what was said last, before the queue has handled anything.
    launching.post(INDEX, report)
    assert queue.posted == []
    launching.effects[LaunchProcess](LaunchProcess(INDEX, True, "script.py", "launch", may_exist=True))
    await asyncio.gather(*queue.work)
    assert [type(event) for event in queue.posted] == [ProcessStarted, ScriptStateReported]


class AFailingLauncher(ALauncher):
    """It can start nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def launch(self, request: LaunchRequest) -> Launched:
        self.asked.append(request.executable)
        raise LaunchError("it cannot be started")

    def terminate(self, launch_id: str) -> None:
        pass


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        (0o755, "it cannot be started"),
        (0o644, "standard script 'script.py' is not executable; make it so with"),
        (None, "there is no standard script 'script.py'"),
    ],
    ids=["there", "not executable", "gone"],
)
async def test_it_is_said_what_has_become_of_a_script_that_cannot_be_started(
    mode: int | None, why: str, tmp_path: pathlib.Path
) -> None:
    script = tmp_path / "script.py"
    if mode is not None:
        script.write_text("#!/bin/false\n")
        script.chmod(mode)
    queue, launcher = AQueue(), AFailingLauncher()
    launching = Launching(cast(Runtime, queue), ScriptLibrary(tmp_path, tmp_path), launcher)
    launching.effects[LaunchProcess](LaunchProcess(INDEX, True, "script.py", "launch"))
    await asyncio.gather(*queue.work)
    assert launcher.asked == [str(script)]
    (failed,) = queue.posted
    assert isinstance(failed, LaunchFailed)
    assert failed.reason.startswith(why)
