# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts on salobj's BaseScript, launched and driven by our ScriptQueue."""

from __future__ import annotations

import pathlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from lsst.ts.scriptqueue.sal import Domain, Remote, ScriptProcessState, ScriptState

from ..system.night import Night, a_night
from ..system.service import scripts_in
from .peer import PATIENCE_S, write_probe


async def test_a_whole_life(salobj_python: str, tmp_path: pathlib.Path) -> None:
    note = tmp_path / "note"
    async with a_night(tmp_path, bus="kafka") as night, Domain.connect("kafka") as domain:
        night.patience_s = PATIENCE_S
        write_probe(night.directory / "probe.py", salobj_python)
        script = Remote(domain, "Script", 100_000)
        await script.start_task
        await night.command("pause")
        index = await night.add(
            "probe.py",
            f"note: {note}\nmetadata: {{who: someone}}",
            logLevel=15,
            pauseCheckpoint="end",
            block="BLOCK-T17",
            startBlock=True,
            blockSize=2,
            executionId="seventeen",
        )
        assert index == script.index
        await night.until("configured", lambda: night.shown[index].timestampConfigureEnd > 0)
        await night.command("resume")
        await night.reached(index, ScriptState.PAUSED)
        await script.cmd_resume.set_start(timeout=PATIENCE_S)
        last = await night.gone(index)
        (visit,) = night.seen("nextVisit")
        states = all_of(script.evt_state)
        description, checkpoints = script.evt_description.get(), script.evt_checkpoints.get()
        level = script.evt_logLevel.get().level

    assert (last.processState, last.scriptState) == (ScriptProcessState.DONE, ScriptState.DONE)
    block_id = last.blockId
    assert block_id.startswith("BT17_")
    assert (last.scriptBlockIndex, last.blockSize, last.executionId) == (0, 2, "seventeen")
    assert 0 < last.timestampProcessStart < last.timestampConfigureStart < last.timestampConfigureEnd
    assert last.timestampConfigureEnd < last.timestampRunStart < last.timestampProcessEnd
    assert (visit.instrument, visit.nimages, visit.duration, visit.filters) == ("LATISS", 3, 12.5, "r,i")
    assert (visit.survey, visit.position, visit.totalCheckpoints) == ("interop", (10.0, -20.0), 2)
    assert visit.groupId == note.read_text() != ""

    assert [(ScriptState(data.state).name, data.lastCheckpoint, data.numCheckpoints) for data in states] == [
        ("UNCONFIGURED", "", 0),
        ("CONFIGURED", "", 0),
        ("CONFIGURED", "", 0),
        ("RUNNING", "", 0),
        ("RUNNING", "begin", 1),
        ("PAUSED", "end", 2),
        ("RUNNING", "end", 2),
        ("ENDING", "end", 2),
        ("DONE", "end", 2),
    ]
    assert {data.groupId for data in states[2:]} == {visit.groupId}
    assert {data.blockId for data in states[1:]} == {block_id}
    assert description.classname == "Probe"
    assert (checkpoints.pause, checkpoints.stop, level) == ("end", "", 15)


def all_of(event: Any) -> list[Any]:
    """All records of an event that nobody has taken yet."""
    found = []
    while (data := event.get_oldest()) is not None:
        found.append(data)
    return found


async def stop_gently(night: Night, index: int) -> None:
    await night.stop([index])


async def stop_at_once(night: Night, index: int) -> None:
    await night.stop([index], terminate=True)


async def kill(night: Night, index: int) -> None:
    scripts = scripts_in(night.directory.parent / "state")
    (process,) = (child for child in scripts if str(index) in child.cmdline())
    process.kill()


@dataclass(frozen=True)
class End:
    """How a script ends.

    Attributes
    ----------
    after
        The state in which something is done to it; None if it ends by itself.
    deed
        What is done.
    states
        ScriptState and ScriptProcessState in the end. (On SIGTERM a script on
        salobj cancels what it does, and says STOPPING before it exits.)
    cleans_up
        Does it clean up?
    pauses
        Is the queue paused in the end, with the script in its place?
    """

    states: tuple[ScriptState, ScriptProcessState]
    config: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    after: ScriptState | None = None
    deed: Callable[[Night, int], Awaitable[None]] | None = None
    cleans_up: bool = True
    pauses: bool = False


ENDS = {
    "stops at a checkpoint": End(
        (ScriptState.STOPPED, ScriptProcessState.DONE), fields={"stopCheckpoint": "beg.*"}
    ),
    "is stopped while it runs": End(
        (ScriptState.STOPPED, ScriptProcessState.DONE),
        "wait: true",
        after=ScriptState.RUNNING,
        deed=stop_gently,
    ),
    "is stopped while it is paused": End(
        (ScriptState.STOPPED, ScriptProcessState.DONE),
        fields={"pauseCheckpoint": "begin"},
        after=ScriptState.PAUSED,
        deed=stop_gently,
    ),
    "is ended at once": End(
        (ScriptState.STOPPING, ScriptProcessState.TERMINATED),
        "wait: true",
        after=ScriptState.RUNNING,
        deed=stop_at_once,
        cleans_up=False,
    ),
    "cannot be configured": End(
        (ScriptState.CONFIGURE_FAILED, ScriptProcessState.CONFIGURE_FAILED), "refuse: true", cleans_up=False
    ),
    "fails": End((ScriptState.FAILED, ScriptProcessState.DONE), "fail: true", pauses=True),
    "is killed": End(
        (ScriptState.FAILED, ScriptProcessState.DONE),
        "wait: true",
        after=ScriptState.RUNNING,
        deed=kill,
        cleans_up=False,
        pauses=True,
    ),
}


async def test_all_ends(salobj_python: str, tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path, bus="kafka", kill_after_s=5.0) as night:
        night.patience_s = PATIENCE_S
        write_probe(night.directory / "probe.py", salobj_python)
        await night.command("pause")
        for number, end in enumerate(ENDS.values()):
            await night.add("probe.py", f"{end.config}\nnote: {tmp_path / str(number)}", **end.fields)
        await night.command("resume")
        for number, (says, end) in enumerate(ENDS.items()):
            index = 100_000 + number
            if end.deed is not None and end.after is not None:
                await night.reached(index, end.after)
                await end.deed(night, index)
            if end.pauses:
                await night.until(f"{says} pauses", lambda: not night.last_queue.running)
                assert night.last_queue.currentSalIndex == index, says
                await night.command("resume")
            last = await night.gone(index)
            assert (last.scriptState, last.processState) == end.states, says
            assert (tmp_path / str(number)).exists() == end.cleans_up, says
        assert night.last_queue.running
