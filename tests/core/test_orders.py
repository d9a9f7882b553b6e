# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients ask: add, move, requeue, pause, resume, show; and refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core.limits import MAX_LISTED
from lsst.ts.scriptqueue.core.phases import PLACE, Phase, Place
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .builders import a_script
from .driver import Driver, an_add

S = ScriptState
FIRST, LAST, BEFORE, AFTER = Location.FIRST, Location.LAST, Location.BEFORE, Location.AFTER

#: The scripts of a queue of three, by the letters that rows of tables use.
A, B, C = 100_000, 100_001, 100_002


def three(**overrides: Any) -> Driver:
    driver = Driver(**overrides)
    assert [driver.add(path=f"{name}.py") for name in "abc"] == [A, B, C]
    return driver


@pytest.mark.parametrize(
    ("location", "relative_to", "position"),
    [
        pytest.param(FIRST, 0, 0, id="first"),
        pytest.param(LAST, 0, 3, id="last"),
        pytest.param(BEFORE, A, 0, id="before the first"),
        pytest.param(BEFORE, C, 2, id="before the last"),
        pytest.param(AFTER, A, 1, id="after the first"),
        pytest.param(AFTER, C, 3, id="after the last"),
        pytest.param(FIRST, 999, 0, id="first does not look at the other index"),
        pytest.param(LAST, 999, 3, id="last does not look at the other index"),
    ],
)
def test_add_puts_a_script_where_it_is_wanted(location: Location, relative_to: int, position: int) -> None:
    driver = three()
    index = driver.add(location=location, relative_to=relative_to)
    expected = [A, B, C]
    expected.insert(position, index)
    assert driver.queue.waiting == tuple(expected)


def test_add_launches_at_once_and_is_answered_with_the_index_when_the_process_runs() -> None:
    driver = Driver()
    driver.give(an_add(is_standard=False, path="tools/slew.py"))
    (launch,) = driver.of(fx.LaunchProcess)
    assert launch == fx.LaunchProcess(A, False, "tools/slew.py", launch.launch_id, may_exist=False)
    assert launch.launch_id.startswith(f"{A}-")
    assert driver.ack() is None
    driver.start(A)
    ack = driver.ack()
    assert ack == fx.AckCommand(1, True, str(A))


def test_a_script_is_configured_once_with_all_that_was_asked_for() -> None:
    driver = Driver()
    index = driver.add(
        config="az: 10", log_level=10, pause_checkpoint="a.*", stop_checkpoint="b", execution_id="me"
    )
    driver.start(index)
    assert not driver.all_of(fx.ConfigureScript)
    driver.report(index, S.UNCONFIGURED, S.UNCONFIGURED)
    (asked,) = driver.all_of(fx.ConfigureScript)
    assert asked == fx.ConfigureScript(index, asked.request, "az: 10", 10, "a.*", "b", "", "me")


def test_a_script_that_is_not_next_is_configured_too() -> None:
    driver = three()
    driver.start(C)
    driver.report(C, S.UNCONFIGURED)
    assert [effect.index for effect in driver.of(fx.ConfigureScript)] == [C]


def test_times_are_published_as_they_come() -> None:
    driver = Driver()
    index = driver.add()
    driver.start(index)
    started = driver.now
    driver.report(index, S.UNCONFIGURED)
    configuring = driver.now
    driver.report(index, S.CONFIGURED)
    configured = driver.now
    driver.metadata(index)
    driver.answer(index)
    run = driver.now
    driver.report(index, S.RUNNING, S.DONE)
    driver.exit(index)
    view = driver.model.script(index)
    assert (view.process_start_tai, view.configure_start_tai, view.configure_end_tai) == (
        started,
        configuring,
        configured,
    )
    assert (view.run_start_tai, view.process_end_tai) == (run, driver.now)


def test_the_time_of_a_configuration_that_failed_is_published() -> None:
    driver, index = a_script(Phase.CONFIGURING)
    driver.report(index, S.CONFIGURE_FAILED)
    assert driver.model.script(index).configure_end_tai == driver.now


def test_a_command_number_is_published_with_the_script() -> None:
    driver = Driver()
    driver.pause()
    index = driver.add()
    assert driver.model.script(index).cmd_id == 2


@dataclass(frozen=True)
class Refusal:
    says: str
    command: cmd.Command
    words: tuple[str, ...]


REFUSALS = [
    Refusal(
        "add before a script that nobody knows",
        an_add(location=BEFORE, relative_to=7),
        ("script 7 is not waiting", f"waiting are: {A}, {B}, {C}"),
    ),
    Refusal(
        "add after a script that nobody knows",
        an_add(location=AFTER, relative_to=0),
        ("script 0 is not waiting", f"waiting are: {A}, {B}, {C}"),
    ),
    Refusal(
        "a pause expression that does not compile",
        an_add(pause_checkpoint="("),
        ("pauseCheckpoint '(' is not a regular expression", "unterminated subpattern"),
    ),
    Refusal(
        "a stop expression that does not compile",
        an_add(stop_checkpoint="*x"),
        ("stopCheckpoint '*x' is not a regular expression", "nothing to repeat"),
    ),
    Refusal(
        "an expression with a number that is too large",
        an_add(stop_checkpoint="a{99999999999999999999}"),
        ("stopCheckpoint", "is not a regular expression", "too large"),
    ),
    Refusal(
        "an expression that is nested too deeply",
        an_add(pause_checkpoint="(" * 5000 + ")" * 5000),
        ("pauseCheckpoint", "is not a regular expression", "nested too deeply"),
    ),
    Refusal(
        "a block with a name that is none",
        an_add(block="BLOCK-x", start_block=True, block_size=2),
        ("'BLOCK-x' is not a block name", "BLOCK-<number> or BLOCK-T<number>"),
    ),
    Refusal(
        "a block without a size",
        an_add(block="BLOCK-1", start_block=True),
        (f"blockSize must be 1 to {MAX_LISTED}", "not 0"),
    ),
    Refusal(
        "a block larger than any queue",
        an_add(block="BLOCK-T1", start_block=True, block_size=401),
        (f"blockSize must be 1 to {MAX_LISTED}", "not 401"),
    ),
    Refusal(
        "a script of a block that nobody has opened",
        an_add(block="BLOCK-1"),
        ("no execution of BLOCK-1 is open", "startBlock true"),
    ),
    Refusal(
        "move what nobody knows",
        cmd.MoveScript(7, cmd.Target(FIRST)),
        ("there is no script 7", f"{A}, {B}, {C}"),
    ),
    Refusal(
        "move before what nobody knows",
        cmd.MoveScript(A, cmd.Target(BEFORE, 7)),
        ("script 7 is not waiting", f"waiting are: {B}, {C}"),
    ),
    Refusal(
        "requeue what nobody knows",
        cmd.RequeueScript(7, cmd.Target()),
        ("there is no script 7", f"{A}, {B}, {C}"),
    ),
    Refusal(
        "requeue before what nobody knows",
        cmd.RequeueScript(A, cmd.Target(BEFORE, 7)),
        ("script 7 is not waiting", f"waiting are: {A}, {B}, {C}"),
    ),
    Refusal("show what nobody knows", cmd.ShowScript(7), ("there is no script 7", f"{A}, {B}, {C}")),
    Refusal(
        "stop more than a queue can hold",
        cmd.StopScripts(tuple(range(401))),
        ("at most 400 scripts", "not 401"),
    ),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.says)
def test_a_refusal_says_what_was_wrong_and_what_would_be_right(refusal: Refusal) -> None:
    driver = three()
    text = driver.refused(refusal.command)
    for words in refusal.words:
        assert words in text
    assert len(text) < 1000, "a refusal can be read"
    assert driver.add() == 100_003, "it has used up no index"


@pytest.mark.parametrize("phase", [phase for phase in Phase if PLACE[phase] is not Place.WAITING])
def test_only_a_waiting_script_can_be_moved(phase: Phase) -> None:
    driver, index = a_script(phase)
    text = driver.refused(cmd.MoveScript(index, cmd.Target(FIRST)))
    assert f"script {index}" in text
    assert phase.value in text
    assert "only a waiting script can be moved" in text


def test_nothing_can_be_put_beside_the_running_script() -> None:
    driver, index = a_script(Phase.RUNNING)
    text = driver.refused(an_add(location=AFTER, relative_to=index))
    assert f"script {index} is not waiting" in text
    assert "waiting are: none" in text


def test_a_list_of_what_is_known_is_not_longer_than_a_person_reads() -> None:
    driver = Driver()
    for _ in range(60):
        driver.add()
    for text in (driver.refused(cmd.ShowScript(7)), driver.refused(an_add(location=BEFORE, relative_to=7))):
        assert "and 40 more" in text


def test_a_full_queue_takes_no_more() -> None:
    driver = Driver()
    for _ in range(MAX_LISTED - 1):
        driver.add()
    driver.add()
    for command in (an_add(), an_add(block="BLOCK-1", start_block=True, block_size=1)):
        text = driver.refused(command)
        assert "the queue is full" in text
        assert "400" in text
    assert "the queue is full" in driver.refused(cmd.RequeueScript(A, cmd.Target()))
    driver.fail_launch(A)
    assert driver.add() == A + MAX_LISTED


@pytest.mark.parametrize(
    ("index", "location", "relative_to", "expected"),
    [
        pytest.param(C, FIRST, 0, (C, A, B), id="to the front"),
        pytest.param(A, LAST, 0, (B, C, A), id="to the end"),
        pytest.param(C, BEFORE, B, (A, C, B), id="before another"),
        pytest.param(A, AFTER, B, (B, A, C), id="after another"),
        pytest.param(A, BEFORE, B, (A, B, C), id="to where it is"),
        pytest.param(B, FIRST, B, (B, A, C), id="to the front, naming itself beside: that is not looked at"),
        pytest.param(B, LAST, B, (A, C, B), id="to the end, naming itself beside: that is not looked at"),
        pytest.param(B, BEFORE, B, (A, B, C), id="before itself: stays"),
        pytest.param(B, AFTER, B, (A, B, C), id="after itself: stays"),
    ],
)
def test_move(index: int, location: Location, relative_to: int, expected: tuple[int, ...]) -> None:
    driver = three()
    driver.done(cmd.MoveScript(index, cmd.Target(location, relative_to)))
    assert driver.queue.waiting == expected
    assert driver.of(fx.PublishQueue), "whoever moves waits for the queue, even if nothing moved"


@pytest.mark.parametrize("phase", list(Phase))
def test_requeue_in_any_phase_gives_a_new_script_with_all_that_was_asked_for(phase: Phase) -> None:
    driver, index = a_script(
        phase,
        is_standard=False,
        path="x.py",
        config="az: 1",
        description="d",
        log_level=5,
        pause_checkpoint="p",
        stop_checkpoint="s",
        execution_id="e",
    )
    driver.give(cmd.RequeueScript(index, cmd.Target(LAST)))
    (launched,) = driver.of(fx.LaunchProcess)
    again = launched.index
    assert again > index
    assert driver.model.wish(again) == driver.model.wish(index)
    assert driver.slot_of(again).waiting[-1] == again
    driver.start(again)
    ack = driver.ack()
    assert ack is not None
    assert (ack.accepted, ack.result) == (True, str(again))


def test_requeue_goes_where_it_is_wanted() -> None:
    driver = three()
    driver.give(cmd.RequeueScript(C, cmd.Target(BEFORE, B)))
    assert driver.queue.waiting == (A, 100_003, B, C)


def test_a_chain_of_requeues_keeps_what_was_asked_for() -> None:
    driver = Driver()
    index = driver.add(config="az: 1", pause_checkpoint="p")
    for _ in range(5):
        driver.give(cmd.RequeueScript(index, cmd.Target(FIRST)))
        driver.fail_launch(index)
        index = driver.queue.waiting[0]
    wish = driver.model.wish(index)
    assert (wish.config, wish.pause_checkpoint) == ("az: 1", "p")
    assert index == A + 5


def test_pause_lets_the_running_one_run_and_starts_no_other() -> None:
    driver = Driver()
    first = driver.add_running()
    second = driver.add_configured()
    driver.answer(second)
    driver.pause()
    assert not driver.queue.running
    driver.finish(first)
    assert driver.phase(second) is Phase.NAMED
    driver.resume()
    assert driver.phase(second) is Phase.STARTING


def test_pause_and_resume_are_done_in_any_state_and_twice() -> None:
    driver = Driver(enabled=False)
    driver.pause()
    driver.pause()
    assert not driver.queue.running
    driver.resume()
    driver.resume()
    assert driver.queue.running


def test_leaving_enabled_lets_the_running_one_run_and_starts_no_other() -> None:
    driver = Driver()
    first = driver.add_running()
    second = driver.add_configured()
    driver.enable(False)
    assert not driver.queue.enabled
    driver.finish(first)
    assert driver.queue.current == 0
    driver.enable()
    driver.answer(second)
    assert driver.phase(second) is Phase.STARTING


@pytest.mark.parametrize("phase", list(Phase))
def test_show_script_publishes_any_script_again(phase: Phase) -> None:
    driver, index = a_script(phase)
    driver.done(cmd.ShowScript(index))
    assert driver.of(fx.PublishScript) == [fx.PublishScript(driver.model.script(index), force=True)]


def test_show_queue_publishes_the_queue_again() -> None:
    driver = three()
    driver.done(cmd.ShowQueue())
    assert driver.of(fx.PublishQueue) == [fx.PublishQueue(driver.queue, force=True)]


@pytest.mark.parametrize("command", [cmd.Pause(), cmd.Resume(), cmd.StopScripts((7,)), cmd.ShowQueue()])
def test_the_queue_is_published_even_if_a_command_has_changed_nothing(command: cmd.Command) -> None:
    driver = three()
    if command == cmd.Pause():
        driver.pause()
    driver.done(command)
    assert driver.of(fx.PublishQueue) == [fx.PublishQueue(driver.queue, force=True)]


def test_what_is_shown_is_shown_before_the_answer() -> None:
    driver = three()
    driver.give(cmd.ShowQueue())
    assert [type(effect) for effect in driver.last] == [fx.PublishQueue, fx.PublishSlots, fx.AckCommand]


def test_a_script_that_cannot_be_started_is_history_and_its_add_is_refused() -> None:
    driver = Driver()
    command = driver.give(an_add())
    driver.fail_launch(A, "no memory")
    assert driver.ack(command) == fx.AckCommand(command, False, "no memory")
    assert driver.queue.past == (A,)
