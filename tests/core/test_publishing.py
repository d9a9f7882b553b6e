# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients see, in which order, and how much of the past."""

from __future__ import annotations

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core.limits import MAX_LISTED
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from .builders import a_script
from .driver import Driver

S = ScriptState


def test_the_queue_is_published_from_the_first_event_on() -> None:
    driver = Driver(enabled=False)
    assert [type(effect) for effect in driver.last] == [fx.PublishQueue, fx.PublishSlots]


def test_a_new_script_is_listed_then_launched_and_then_shown() -> None:
    driver = Driver()
    index = driver.add()
    assert [type(effect) for effect in driver.last] == [fx.PublishQueue, fx.PublishSlots, fx.LaunchProcess]
    driver.start(index)
    (shown,) = driver.of(fx.PublishScript)
    assert shown.view.process_start_tai > 0


def test_a_script_that_cannot_be_launched_is_shown_all_the_same() -> None:
    driver = Driver()
    driver.fail_launch(driver.add())
    assert [shown.view.process_state.name for shown in driver.all_of(fx.PublishScript)] == ["LOADFAILED"]


def test_a_script_that_dies_while_it_waits_is_shown_when_it_is_known_how() -> None:
    driver, index = a_script(Phase.LOADING)
    driver.exit(index, exit_code=1)
    assert driver.of(fx.PublishScript) == []
    driver.expire(index)
    (shown,) = driver.of(fx.PublishScript)
    assert shown.view.process_end_tai > 0
    assert shown.view.process_state.name == "LOADFAILED"


def test_what_has_not_changed_is_not_published_again() -> None:
    driver, index = a_script(Phase.RUNNING)
    driver.report(index, S.RUNNING)
    assert driver.last == []


def test_a_run_script_is_current_before_run_is_sent() -> None:
    driver, _ = a_script(Phase.STARTING)
    kinds = [type(effect) for effect in driver.last]
    assert kinds.index(fx.PublishQueue) < kinds.index(fx.RunScript)


def test_the_last_state_is_published_before_the_next_one_runs() -> None:
    driver = Driver()
    first = driver.add_running()
    second = driver.add_configured()
    driver.answer(second)
    driver.report(first, S.DONE)
    kinds = [type(effect) for effect in driver.last]
    assert kinds[:4] == [fx.PublishQueue, fx.PublishSlots, fx.PublishScript, fx.PublishScript]
    assert fx.RunScript in kinds[4:]


def test_the_history_is_the_latest_first() -> None:
    driver = Driver()
    indices = [driver.add() for _ in range(3)]
    for index in indices:
        driver.fail_launch(index)
    assert driver.queue.past == tuple(reversed(indices))


def test_the_history_has_room_for_as_many_as_clients_can_read() -> None:
    driver = Driver()
    indices = []
    for _ in range(MAX_LISTED + 5):
        indices.append(driver.add())
        driver.fail_launch(indices[-1])
    assert driver.queue.past == tuple(reversed(indices[5:]))
    assert [effect.index for effect in driver.all_of(fx.Forget)] == indices[:5]
    assert f"there is no script {indices[0]}" in driver.refused(cmd.ShowScript(indices[0]))
    driver.done(cmd.ShowScript(indices[5]))


def test_a_script_whose_process_is_still_exiting_is_not_forgotten_but_no_longer_shown() -> None:
    driver = Driver(history=2)
    slow = driver.add_running()
    driver.report(slow, S.DONE)
    for _ in range(3):
        driver.fail_launch(driver.add())
    assert slow not in driver.queue.past
    assert slow not in [effect.index for effect in driver.all_of(fx.Forget)]
    assert f"there is no script {slow}" in driver.refused(cmd.ShowScript(slow))
    driver.expire(slow)
    assert driver.of(fx.TerminateProcess) == [fx.TerminateProcess(slow)]
    driver.exit(slow, signal=9)
    assert driver.of(fx.PublishScript) == []
    [forgotten] = driver.of(fx.Forget)
    assert (forgotten.index, forgotten.record.view.index) == (slow, slow)


def test_what_is_said_of_a_forgotten_script_is_ignored() -> None:
    driver = Driver(history=1)
    first = driver.add_running()
    driver.finish(first)
    driver.fail_launch(driver.add())
    driver.report(first, S.RUNNING)
    assert driver.last == []
    driver.metadata(first)
    assert driver.last == []
    driver.answer(first, text="late")
    assert driver.last == []


def test_every_script_has_a_story() -> None:
    driver, index = a_script(Phase.GONE, description="to the pole")
    story = driver.model.story(index).splitlines()
    assert story[0] == "2033-05-18T03:33:21.000  added: slew.py to the pole"
    assert "2033-05-18T03:33:23.000  reported UNCONFIGURED; configuring" in story
    assert story[-1].endswith("process gone; ended, process gone")


def test_a_long_story_keeps_its_beginning_and_its_end() -> None:
    driver, index = a_script(Phase.RUNNING)
    for number in range(2000):
        driver.report(index, S.PAUSED, reason=f"checkpoint {number}")
    story = driver.model.story(index)
    assert "added: slew.py" in story
    assert "checkpoint 1999" in story
    assert "lines forgotten" in story
    assert len(story.splitlines()) < 600
