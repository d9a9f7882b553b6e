# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue does with its scripts, as its clients see it, on every bus."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lsst.ts.scriptqueue.sal import AckError, Location, ScriptProcessState, ScriptState

from .stage import Stage

DONE = (ScriptProcessState.DONE, ScriptState.DONE)


def how(last: object) -> tuple[int, int]:
    """How a script ended."""
    return last.processState, last.scriptState  # type: ignore[attr-defined]


async def test_scripts_run_one_after_another_and_end_in_the_history(stage: Stage) -> None:
    indices = [await stage.add("quick.py", descr=f"number {number}") for number in range(3)]
    assert indices == [indices[0], indices[0] + 1, indices[0] + 2]
    assert [how(await stage.gone(index)) for index in indices] == [DONE] * 3
    assert stage.past == indices[::-1]
    for index in indices:
        last = stage.shown[index]
        assert (
            0
            < last.timestampProcessStart
            <= last.timestampConfigureStart
            <= last.timestampConfigureEnd
            <= last.timestampRunStart
            <= last.timestampProcessEnd
        )
    starts = [stage.shown[index].timestampRunStart for index in indices]
    assert starts == sorted(starts)


async def test_the_queue_event_comes_before_the_script_event_it_lists(stage: Stage) -> None:
    for _ in range(3):
        await stage.add("quick.py")
    await stage.until("all ended", lambda: len(stage.past) == 3)
    listed: set[int] = set()
    for name, data in stage.history:
        if name == "queue":
            listed |= {data.currentSalIndex, *data.salIndices, *data.pastSalIndices}
        elif name == "script" and stage.csc.domain.bus.__class__.__name__ == "MemoryBus":
            assert data.scriptSalIndex in listed


async def test_each_script_is_announced_once_with_its_metadata_and_a_group_id_of_its_own(
    stage: Stage,
) -> None:
    indices = [await stage.add("quick.py") for _ in range(3)]
    await stage.until("all ended", lambda: len(stage.past) == 3)
    visits = stage.seen("nextVisit")
    assert [visit.scriptSalIndex for visit in visits] == indices
    group_ids = [visit.groupId for visit in visits]
    assert group_ids == sorted(set(group_ids))
    assert {(visit.instrument, visit.nimages) for visit in visits} == {("LATISS", 2)}
    runs = [heard.index for heard in stage.launcher.heard if heard.command == "run"]
    assert runs == indices


async def test_a_script_gets_what_was_asked_for_by_the_sal_command(stage: Stage) -> None:
    index = await stage.add(
        "checkpoints.py",
        "az: 10\n",
        logLevel=10,
        pauseCheckpoint="t.*",
        stopCheckpoint="x",
        executionId="night-7",
    )
    await stage.reached(index, ScriptState.PAUSED)
    [configure] = [heard for heard in stage.launcher.heard if heard.command == "configure"]
    expected = {
        "salIndex": index,
        "config": "az: 10\n",
        "logLevel": 10,
        "pauseCheckpoint": "t.*",
        "stopCheckpoint": "x",
        "blockId": "",
        "executionId": "night-7",
    }
    assert {name: configure.fields[name] for name in expected} == expected
    await stage.stop([index])


async def test_locations(stage: Stage) -> None:
    await stage.command("pause")
    first = await stage.add("quick.py")
    last = await stage.add("quick.py")
    new_first = await stage.add("quick.py", location=Location.FIRST)
    before = await stage.add("quick.py", location=Location.BEFORE, locationSalIndex=last)
    after = await stage.add("quick.py", location=Location.AFTER, locationSalIndex=first)
    assert stage.waiting == [new_first, first, after, before, last]
    await stage.command("move", scriptSalIndex=last, location=Location.FIRST)
    await stage.command("move", scriptSalIndex=new_first, location=Location.AFTER, locationSalIndex=last)
    await stage.until("moved", lambda: stage.waiting == [last, new_first, first, after, before])


async def test_the_next_visit_is_taken_back_when_another_script_comes_first(stage: Stage) -> None:
    blocker = await stage.add("until_stopped.py")
    await stage.current(blocker)
    announced = await stage.add("quick.py")
    await stage.until(
        "announced", lambda: any(v.scriptSalIndex == announced for v in stage.seen("nextVisit"))
    )
    other = await stage.add("quick.py", location=Location.FIRST)
    await stage.until(
        "announced anew", lambda: any(v.scriptSalIndex == other for v in stage.seen("nextVisit"))
    )
    await stage.until("taken back", lambda: len(stage.seen("nextVisitCanceled")) == 1)
    [canceled] = stage.seen("nextVisitCanceled")
    assert canceled.scriptSalIndex == announced
    await stage.stop([blocker])
    await stage.gone(announced)
    assert stage.past[:3] == [announced, other, blocker]
    group_ids = [visit.groupId for visit in stage.seen("nextVisit")]
    assert len(set(group_ids)) == 4


async def test_a_failure_pauses_the_queue_until_resume(stage: Stage) -> None:
    failed = await stage.add("fails.py")
    waiting = await stage.add("quick.py")
    await stage.until("paused", lambda: not stage.last_queue.running)
    assert stage.last_queue.currentSalIndex == failed
    # What is said on two topics may arrive in either order.
    await stage.until("failed", lambda: stage.shown[failed].scriptState == ScriptState.FAILED)
    await stage.command("resume")
    assert how(await stage.gone(waiting)) == DONE
    assert stage.past == [waiting, failed]


async def test_a_script_that_dies_while_it_runs_counts_as_failed(stage: Stage) -> None:
    dead = await stage.add("dies.py")
    await stage.until("paused", lambda: not stage.last_queue.running)
    await stage.until(
        "failed", lambda: how(stage.shown[dead]) == (ScriptProcessState.DONE, ScriptState.FAILED)
    )
    assert stage.last_queue.currentSalIndex == dead
    assert "SIGKILL" in stage.model.reason(dead)
    assert "Segmentation fault" in stage.model.reason(dead)
    await stage.stop([dead])
    await stage.until("in the history", lambda: stage.past == [dead])
    assert not stage.last_queue.running


async def test_a_stopped_script_ends_well_and_the_queue_goes_on(stage: Stage) -> None:
    stopped = await stage.add("until_stopped.py")
    following = await stage.add("quick.py")
    await stage.current(stopped)
    ack = await stage.stop([stopped])
    assert ack.result == "Done"
    assert how(await stage.gone(stopped)) == (ScriptProcessState.DONE, ScriptState.STOPPED)
    assert how(await stage.gone(following)) == DONE
    assert stage.last_queue.running


async def test_a_terminated_script_goes_to_the_history_and_the_queue_goes_on(stage: Stage) -> None:
    terminated = await stage.add("until_stopped.py")
    following = await stage.add("quick.py")
    await stage.current(terminated)
    await stage.stop([terminated], terminate=True)
    last = await stage.gone(terminated)
    assert how(last) == (ScriptProcessState.TERMINATED, ScriptState.RUNNING)
    assert how(await stage.gone(following)) == DONE


async def test_a_waiting_script_that_is_stopped_ends_configured_and_terminated(stage: Stage) -> None:
    await stage.command("pause")
    index = await stage.add("quick.py")
    await stage.reached(index, ScriptState.CONFIGURED)
    await stage.stop([index])
    assert how(await stage.gone(index)) == (ScriptProcessState.TERMINATED, ScriptState.CONFIGURED)


async def test_many_are_stopped_at_once_unknown_and_ended_ones_skipped(stage: Stage) -> None:
    current = await stage.add("until_stopped.py")
    waiting = [await stage.add("quick.py") for _ in range(5)]
    await stage.current(current)
    await stage.stop([current, *waiting, 199_999])
    await stage.until("all ended", lambda: set(stage.past) == {current, *waiting})
    assert not [heard for heard in stage.launcher.heard if heard.command == "run" and heard.index in waiting]
    await stage.stop([current])


async def test_what_cannot_be_configured_or_started_goes_to_the_history(stage: Stage) -> None:
    unconfigurable = await stage.add("unconfigurable.py")
    with pytest.raises(AckError, match="no such interpreter"):
        await stage.add("unlaunchable.py")
    good = await stage.add("quick.py")
    await stage.gone(good)
    assert how(await stage.gone(unconfigurable)) == (
        ScriptProcessState.CONFIGURE_FAILED,
        ScriptState.CONFIGURE_FAILED,
    )
    assert "az is not a number" in stage.model.reason(unconfigurable)
    unlaunchable = unconfigurable + 1
    assert how(stage.shown[unlaunchable]) == (ScriptProcessState.LOADFAILED, ScriptState.UNKNOWN)
    assert stage.last_queue.running


async def test_requeue_keeps_everything_and_returns_the_new_index(stage: Stage) -> None:
    first = await stage.add(
        "checkpoints.py", "az: 1", logLevel=10, pauseCheckpoint="x", executionId="e", descr="again"
    )
    await stage.gone(first)
    ack = await stage.command("requeue", scriptSalIndex=first, location=Location.LAST)
    second = int(ack.result)
    await stage.gone(second)
    configured = [
        {**heard.fields, "salIndex": 0} for heard in stage.launcher.heard if heard.command == "configure"
    ]
    for name in ("config", "logLevel", "pauseCheckpoint", "stopCheckpoint", "executionId"):
        assert configured[0][name] == configured[1][name]
    assert stage.shown[second].executionId == "e"


async def test_pause_and_resume(stage: Stage) -> None:
    await stage.command("pause")
    index = await stage.add("quick.py")
    await stage.reached(index, ScriptState.CONFIGURED)
    assert not stage.last_queue.running
    assert stage.waiting == [index]
    await stage.command("resume")
    assert how(await stage.gone(index)) == DONE


async def test_a_script_paused_at_a_checkpoint_is_stopped_gently(stage: Stage) -> None:
    index = await stage.add("checkpoints.py", pauseCheckpoint="two")
    await stage.reached(index, ScriptState.PAUSED)
    await stage.stop([index])
    assert how(await stage.gone(index)) == (ScriptProcessState.DONE, ScriptState.STOPPED)
    assert stage.last_queue.running


async def test_a_block_has_consecutive_indices_whoever_adds_in_between(stage: Stage) -> None:
    await stage.command("pause")
    block: dict[str, Any] = {"block": "BLOCK-12", "blockSize": 3, "executionId": "x1"}
    first = await stage.add("quick.py", **block, startBlock=True)
    stranger = await stage.add("quick.py")
    second = await stage.add("quick.py", **block)
    third = await stage.add("quick.py", **block)
    assert [second, third] == [first + 1, first + 2]
    assert stranger not in range(first, first + 3)
    with pytest.raises(AckError, match="is full"):
        await stage.add("quick.py", **block)
    with pytest.raises(AckError, match="belongs to BL12_O_20261120_000001"):
        await stage.command("requeue", scriptSalIndex=first, location=Location.LAST)
    await stage.reached(third, ScriptState.CONFIGURED)
    for position, index in enumerate((first, second, third)):
        last = stage.shown[index]
        assert (last.blockId, last.scriptBlockIndex, last.blockSize, last.executionId) == (
            "BL12_O_20261120_000001",
            position,
            3,
            "x1",
        )
    ids = {
        heard.index: heard.fields["blockId"] for heard in stage.launcher.heard if heard.command == "configure"
    }
    assert ids[first] == "BL12_O_20261120_000001"
    assert ids[stranger] == ""


async def test_many_clients_adding_at_once_all_get_their_own_index(stage: Stage) -> None:
    await stage.command("pause")
    indices = await asyncio.gather(*(stage.add("quick.py") for _ in range(20)))
    assert sorted(indices) == list(range(min(indices), min(indices) + 20))
    await stage.until("all listed", lambda: sorted(stage.waiting) == sorted(indices))
