# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group ids and the visits announced with them: who is next, and who no longer."""

from __future__ import annotations

import itertools

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.group_ids import GroupIds
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import Location, ScriptState
from lsst.ts.scriptqueue.core.views import VisitMetadata

from .builders import a_script
from .driver import Driver

S = ScriptState


@pytest.mark.parametrize(
    ("times", "ids"),
    [
        pytest.param([1_000_000_000.123], ["2001-09-09T01:46:40.123"], id="an ISO time with milliseconds"),
        pytest.param(
            [1_000_000_000.0], ["2001-09-09T01:46:40.000"], id="whole seconds have milliseconds, too"
        ),
        pytest.param(
            [1_000_000_000.1231, 1_000_000_000.1239],
            ["2001-09-09T01:46:40.123", "2001-09-09T01:46:40.124"],
            id="two in the same millisecond",
        ),
        pytest.param(
            [1_000_000_000.5, 999_999_000.0],
            ["2001-09-09T01:46:40.500", "2001-09-09T01:46:40.501"],
            id="the clock was stepped back",
        ),
        pytest.param(
            [1_000_000_000.999, 1_000_000_000.999],
            ["2001-09-09T01:46:40.999", "2001-09-09T01:46:41.000"],
            id="the last millisecond of a second",
        ),
    ],
)
def test_giving(times: list[float], ids: list[str]) -> None:
    group_ids = GroupIds()
    assert [group_ids.give(at_tai) for at_tai in times] == ids


def test_every_millisecond_is_written_as_itself() -> None:
    group_ids = GroupIds()
    given = [group_ids.give(1_700_000_000.0) for _ in range(2500)]
    assert all(earlier < later for earlier, later in itertools.pairwise(given))
    assert given[2345] == "2023-11-14T22:13:22.345"


def test_ids_go_on_after_a_restart() -> None:
    before = GroupIds()
    last = before.give(1_700_000_000.0)
    assert GroupIds(before.last_ms).give(1_600_000_000.0) > last


def test_the_first_waiting_one_is_given_a_group_id_and_announced_with_its_metadata() -> None:
    driver = Driver()
    index = driver.add()
    driver.start(index)
    driver.report(index, S.UNCONFIGURED)
    driver.metadata(index, duration=30.0, instrument="LSSTCam")
    driver.report(index, S.CONFIGURED)
    (given,) = driver.of(fx.SetGroupId)
    assert given.group_id == "2033-05-18T03:33:25.000"
    assert not driver.of(fx.PublishNextVisit)
    driver.answer(index)
    assert driver.of(fx.PublishNextVisit) == [
        fx.PublishNextVisit(index, given.group_id, VisitMetadata(duration=30.0, instrument="LSSTCam"))
    ]


def test_the_announcement_goes_out_before_run_is_sent() -> None:
    driver, _ = a_script(Phase.STARTING)
    sent = [type(effect) for effect in driver.effects]
    assert sent.index(fx.PublishNextVisit) < sent.index(fx.RunScript)


def test_metadata_may_come_after_configured() -> None:
    driver, index = a_script(Phase.SETTLING)
    driver.metadata(index, nimages=2)
    driver.answer(index)
    assert driver.of(fx.PublishNextVisit)[0].metadata.nimages == 2


def test_metadata_that_do_not_come_count_as_empty() -> None:
    driver, index = a_script(Phase.SETTLING)
    driver.expire(index)
    driver.answer(index)
    assert driver.of(fx.PublishNextVisit)[0].metadata == VisitMetadata()
    assert driver.phase(index) is Phase.STARTING


def test_the_second_one_is_next_in_line_while_the_first_runs() -> None:
    driver = Driver()
    driver.add_running()
    second, third = driver.add_configured(), driver.add_configured()
    assert (driver.phase(second), driver.phase(third)) == (Phase.NAMING, Phase.CONFIGURED)


def test_whoever_loads_at_the_head_is_waited_for() -> None:
    driver = Driver()
    head = driver.add()
    behind = driver.add_configured()
    assert driver.phase(behind) is Phase.CONFIGURED
    driver.fail_launch(head)
    assert driver.phase(behind) is Phase.NAMING


@pytest.mark.parametrize("phase", [Phase.ABANDONED, Phase.STRAYING, Phase.DROPPING, Phase.LOST_WAITING])
def test_whoever_is_on_its_way_out_is_not_waited_for(phase: Phase) -> None:
    driver, _ = a_script(phase)
    behind = driver.add_configured()
    assert driver.phase(behind) is Phase.NAMING


@pytest.mark.parametrize("say", ["disabled", "paused"])
def test_nobody_is_given_a_group_id_while_nothing_may_start(say: str) -> None:
    driver = Driver(enabled=say != "disabled")
    if say == "paused":
        driver.pause()
    index = driver.add_configured()
    assert driver.phase(index) is Phase.CONFIGURED
    driver.enable()
    driver.resume()
    assert driver.phase(index) is Phase.NAMING


@pytest.mark.parametrize("how", ["another is put before it", "it is moved back"])
def test_whoever_is_no_longer_next_gives_it_back(how: str) -> None:
    driver = Driver()
    running = driver.add_running()
    index, other = driver.add_configured(), driver.add_configured()
    driver.answer(index)
    (visit,) = driver.of(fx.PublishNextVisit)
    if how == "it is moved back":
        driver.done(cmd.MoveScript(index, cmd.Target(Location.LAST)))
    else:
        driver.done(cmd.MoveScript(other, cmd.Target(Location.FIRST)))
    assert driver.of(fx.PublishNextVisitCanceled) == [fx.PublishNextVisitCanceled(index, visit.group_id)]
    taken, given = driver.of(fx.SetGroupId)
    assert (taken.index, taken.group_id) == (index, "")
    assert (given.index, given.group_id > visit.group_id) == (other, True)
    driver.answer(index)
    assert driver.phase(index) is Phase.CONFIGURED
    driver.answer(other)
    driver.finish(running)
    assert driver.queue.current == other


def test_whoever_becomes_next_again_is_given_a_new_one() -> None:
    driver = Driver()
    driver.add_running()
    index, other = driver.add_configured(), driver.add_configured()
    driver.answer(index)
    first = driver.of(fx.PublishNextVisit)[0].group_id
    driver.done(cmd.MoveScript(other, cmd.Target(Location.FIRST)))
    driver.done(cmd.MoveScript(index, cmd.Target(Location.FIRST)))
    assert driver.phase(index) is Phase.UNNAMING, "it gives the old one back first"
    driver.answer(index)
    driver.answer(index)
    (visit,) = driver.of(fx.PublishNextVisit)
    assert visit.index == index
    assert visit.group_id > first


def test_a_pause_takes_nothing_back() -> None:
    driver, index = a_script(Phase.NAMED)
    assert not driver.all_of(fx.PublishNextVisitCanceled)
    driver.resume()
    assert driver.phase(index) is Phase.STARTING


@pytest.mark.parametrize("how", ["refuses", "does not answer"])
def test_a_script_is_asked_twice_with_the_same_id(how: str) -> None:
    driver, index = a_script(Phase.NAMING)
    (first,) = driver.of(fx.SetGroupId)
    if how == "refuses":
        driver.answer(index, accepted=False, text="busy")
    else:
        assert driver.timer(index).delay_s == 10
        driver.expire(index)
    (second,) = driver.of(fx.SetGroupId)
    assert second.group_id == first.group_id
    assert second.request != first.request
    driver.answer(index)
    assert driver.phase(index) is Phase.STARTING


def test_a_late_answer_to_the_first_question_is_not_taken_for_one_to_the_second() -> None:
    driver, index = a_script(Phase.NAMING)
    (first,) = driver.of(fx.SetGroupId)
    driver.expire(index)
    driver.apply(ev.ScriptAnswered(driver.tick(), index, first.request, False, "late"))
    assert driver.phase(index) is Phase.NAMING
    assert "answered an earlier command: late" in driver.model.story(index)
    driver.answer(index)
    assert driver.phase(index) is Phase.STARTING


def test_the_queue_goes_on_after_a_head_that_refuses_its_group_id() -> None:
    driver = Driver()
    head, behind = driver.add_configured(), driver.add_configured()
    driver.answer(head, accepted=False)
    driver.answer(head, accepted=False)
    assert driver.phase(head) is Phase.DROPPING
    assert driver.phase(behind) is Phase.NAMING
    assert driver.queue.running


@pytest.mark.parametrize(
    ("phase", "canceled"),
    [
        pytest.param(Phase.NAMED, True, id="next in line"),
        pytest.param(Phase.STARTING, True, id="told to run, and nothing heard"),
        pytest.param(Phase.BREAKING, True, id="told to run, and refused"),
        pytest.param(Phase.RUNNING, False, id="running"),
        pytest.param(Phase.STOPPING, False, id="stopped while running"),
        pytest.param(Phase.LOST_RUNNING, False, id="ran, process gone"),
        pytest.param(Phase.FAILED, False, id="failed"),
        pytest.param(Phase.NAMING, False, id="not announced yet"),
        pytest.param(Phase.CONFIGURED, False, id="not next"),
    ],
)
def test_a_visit_is_cancelled_if_its_script_never_ran(phase: Phase, canceled: bool) -> None:
    driver, index = a_script(phase)
    driver.stop(index, terminate=True)
    if driver.watcher.script(index).process:
        driver.exit(index, signal=15)
    told = [effect.index for effect in driver.all_of(fx.PublishNextVisitCanceled)]
    assert told == ([index] if canceled else [])


def test_a_visit_stopped_before_it_began_is_cancelled() -> None:
    driver, index = a_script(Phase.STARTING)
    driver.stop(index)
    driver.report(index, S.STOPPING)
    assert not driver.all_of(fx.PublishNextVisitCanceled)
    driver.report(index, S.STOPPED)
    assert [effect.index for effect in driver.of(fx.PublishNextVisitCanceled)] == [index]


def test_a_visit_whose_beginning_is_heard_of_after_the_exit_is_not_cancelled() -> None:
    driver, index = a_script(Phase.STARTING)
    driver.stop(index)
    driver.exit(index)
    driver.report(index, S.RUNNING, S.STOPPING, S.STOPPED)
    assert not driver.all_of(fx.PublishNextVisitCanceled)


def test_a_visit_that_began_after_the_stop_was_sent_is_not_cancelled() -> None:
    driver, index = a_script(Phase.STARTING)
    driver.stop(index)
    driver.report(index, S.RUNNING, S.STOPPING, S.STOPPED)
    assert not driver.all_of(fx.PublishNextVisitCanceled)
