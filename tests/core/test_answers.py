# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients are told by the next service, when the one that they had commanded was torn away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.answers import ANSWER_LIMIT_S
from lsst.ts.scriptqueue.core.layout import Layout
from lsst.ts.scriptqueue.core.states import ScriptState

from .driver import Driver, an_add

OPERATOR = ("operator@console", 4711)


def given(driver: Driver, name: str, command: cmd.Command, origin: int = OPERATOR[1]) -> int:
    """Give a command as a client does that waits for its answer; its number."""
    number = driver._last_command = driver._last_command + 1
    driver.apply(ev.CommandGiven(driver.tick(), number, command, 9000 + number, OPERATOR[0], origin, name))
    return number


def again(number: int, name: str, accepted: bool, result: str = "") -> fx.AnswerAgain:
    return fx.AnswerAgain(number, name, 9000 + number, *OPERATOR, accepted, result)


#: What was commanded -> what the client is told by the next service.
ANSWERED: dict[str, tuple[cmd.Command, bool, str]] = {
    "pause": (cmd.Pause(), True, ""),
    "showQueue": (cmd.ShowQueue(), True, ""),
    "stopScripts": (cmd.StopScripts((5,)), True, ""),
    "start": (
        cmd.Reconfigure(Layout()),
        False,
        "the service was torn away in the middle of it and has started anew; look at its state",
    ),
    "disable": (
        cmd.ChangeState(),
        False,
        "the service was torn away in the middle of it and has started anew; look at its state",
    ),
    "move": (
        cmd.MoveScript(5, cmd.Target()),
        False,
        "there is no script 5; waiting or running are: none",
    ),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer_that_is_not_known_to_be_sent_is_given_again(name: str) -> None:
    command, accepted, result = ANSWERED[name]
    driver = Driver()
    number = given(driver, name, command)
    assert driver.of(fx.AnswerAgain) == []
    driver.take_over()
    assert driver.of(fx.AnswerAgain) == [again(number, name, accepted, result)]


def test_an_answer_comes_after_all_that_came_of_the_command_is_published() -> None:
    driver = Driver()
    given(driver, "pause", cmd.Pause())
    driver.take_over()
    kinds = [type(effect) for effect in driver.last]
    assert kinds.index(fx.AnswerAgain) > kinds.index(fx.PublishQueue)


def started(driver: Driver, number: int) -> None:
    """An add is answered."""
    driver.start(100_000)


def down(driver: Driver, number: int) -> None:
    """A stop is answered."""
    driver.report(100_000, ScriptState.STOPPED)


def named(driver: Driver, number: int) -> None:
    """The first script of a block is answered."""
    (asked,) = driver.all_of(fx.RequestBlockId)[-1:]
    driver.apply(ev.BlockIdGiven(driver.tick(), asked.request, "BT1_O_1"))
    driver.start(100_000)


BLOCK = an_add(block="BLOCK-1", block_size=1, start_block=True)


@pytest.mark.parametrize(
    ("name", "command", "happens", "result"),
    [
        ("add", an_add(), started, "100000"),
        ("add", BLOCK, named, "100000"),
        ("stopScripts", cmd.StopScripts((100_000,)), down, ""),
    ],
    ids=["an add", "an add that opens a block", "a stop"],
)
def test_what_was_under_way_is_answered_when_it_is_done(
    name: str, command: cmd.Command, happens: Callable[[Driver, int], None], result: str
) -> None:
    driver = Driver()
    if name == "stopScripts":
        driver.add_running()
    number = given(driver, name, command)
    driver.take_over()
    assert driver.of(fx.AnswerAgain) == []
    happens(driver, number)
    assert driver.of(fx.AnswerAgain) == [again(number, name, True, result)]
    assert driver.ack(number) == fx.AckCommand(number, True, result)


def test_what_is_known_to_be_sent_is_not_given_again() -> None:
    driver = Driver()
    first = given(driver, "pause", cmd.Pause())
    second = given(driver, "pause", cmd.Pause())
    driver.apply(ev.AnswersSent(driver.tick(), (first,)))
    driver.take_over()
    assert driver.of(fx.AnswerAgain) == [again(second, "pause", True)]
    driver.take_over()
    assert driver.of(fx.AnswerAgain) == [again(second, "pause", True)], "nobody said that it was sent"
    driver.apply(ev.AnswersSent(driver.tick(), (second,)))
    driver.take_over()
    assert driver.of(fx.AnswerAgain) == []


def test_nobody_is_told_who_cannot_wait_any_more_or_of_whom_nothing_is_known() -> None:
    driver = Driver()
    given(driver, "pause", cmd.Pause())
    driver.tick(ANSWER_LIMIT_S)
    given(driver, "pause", cmd.Pause(), origin=0)
    driver.take_over()
    assert driver.of(fx.AnswerAgain) == []


def test_commands_that_are_never_known_to_be_answered_do_not_pile_up() -> None:
    driver = Driver()
    for _ in range(3):
        given(driver, "pause", cmd.Pause())
        driver.tick(ANSWER_LIMIT_S)
    assert len(driver.model._ledger.open_commands) == 1
