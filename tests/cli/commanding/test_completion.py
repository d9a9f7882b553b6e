# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Tab offers, by table."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.cli.commanding.completion import suggestions
from lsst.ts.scriptqueue.cli.commanding.feed import Board, Event
from lsst.ts.scriptqueue.cli.commanding.slots import Slot
from lsst.ts.scriptqueue.sal.definitions import component
from lsst.ts.scriptqueue.sal.records import record_class

from .stage import slots_fields

CALIBRATION = Slot("calibration", is_running=False, pause_reason="paused on request")


@pytest.fixture
def board() -> Board:
    board = Board()
    listed = {
        "currentSalIndex": 100_003,
        "length": 2,
        "salIndices": [100_004, 100_005] + [0] * 398,
        "pastLength": 1,
        "pastSalIndices": [100_001] + [0] * 399,
    }
    for name, fields in (
        (
            "availableScripts",
            {"standard": "maintel/slew.py:maintel/track.py:wait.py", "external": "my test.py"},
        ),
        ("queue", listed),
        ("slots", slots_fields(Slot("main", active=(100_003,), waiting=(100_004, 100_005)), CALIBRATION)),
        ("script", {"scriptSalIndex": 100_004, "isStandard": True, "path": "wait.py", "scriptState": 2}),
    ):
        topic = component("ScriptQueue").events[name]
        board.take(Event(topic, record_class(topic)(**fields)))
    return board


ROWS = [
    ("re", ["requeue", "resume"]),
    ("RE", ["requeue", "resume"]),
    ("sh", ["show"]),
    ("show ", ["queue", "script", "schema", "available"]),
    ("show s", ["script", "schema"]),
    ("help show s", ["script", "schema"]),
    ("add ", ["standard", "external"]),
    ("add s", ["standard"]),
    ("add standard ", ["maintel/slew.py", "maintel/track.py", "wait.py"]),
    ("add standard maintel/t", ["maintel/track.py"]),
    ("add standard slew", ["maintel/slew.py"]),
    ("add external ", ["'my test.py'"]),
    ("add standard wait.py ", []),
    ("add standard wait.py 'az: 1", []),
    ("add standard wait.py 'az: 1' --lo", ["--location", "--log-level"]),
    ("add standard wait.py --location ", ["first", "last", "before:", "after:"]),
    ("add standard wait.py --location b", ["before:"]),
    ("add standard wait.py --location before:", ["before:100003", "before:100004", "before:100005"]),
    ("add standard wait.py --location before:100004", ["before:100004"]),
    ("add standard wait.py --wait ", ["configured", "running", "done"]),
    ("add --location first ", ["standard", "external"]),
    ("move ", ["100003", "100004", "100005"]),
    ("move 100004 a", ["after:"]),
    ("move 100004 after:", ["after:100003", "after:100005"]),
    ("requeue ", ["100003", "100004", "100005", "100001"]),
    ("stop 100003 ", ["100004", "100005"]),
    ("stop 100003 --t", ["--terminate", "--timeout"]),
    ("script setCheckpoints ", ["100003", "100004", "100005"]),
    ("events ", ["none", "brief", "all"]),
    ("setLogLevel d", ["debug"]),
    ("show schema standard w", ["wait.py"]),
    ("pause ", ["main", "calibration"]),
    ("pause main ", ["--json", "--timeout"]),
    ("resume ", ["main", "calibration", "'*'"]),
    ("resume c", ["calibration"]),
    ("add standard wait.py --slot ", ["main", "calibration"]),
    ("move 100004 first --slot c", ["calibration"]),
    ("requeue 100004 --sl", ["--slot"]),
    ("xyzzy ", []),
    ("mon", []),
]


@pytest.mark.parametrize(("text", "words"), ROWS, ids=[row[0] for row in ROWS])
def test_suggestions(board: Board, text: str, words: list[str]) -> None:
    assert [found.word for found in suggestions(text, board)] == words


def test_an_empty_line_can_be_any_command(board: Board) -> None:
    words = [found.word for found in suggestions("", board)]
    assert {"add", "show", "script", "quit"} <= set(words)
    assert "monitor" not in words


def test_a_slot_says_how_it_is(board: Board) -> None:
    abouts = {found.word: found.about for found in suggestions("resume ", board)}
    assert abouts == {"main": "1/1, 2 waiting", "calibration": "PAUSED", "'*'": "all slots"}


def test_an_index_says_which_script_it_is(board: Board) -> None:
    abouts = {found.word: found.about for found in suggestions("stop ", board)}
    assert abouts["100004"].startswith("standard wait.py CONFIGURED")


def test_what_was_begun_is_replaced(board: Board) -> None:
    (found,) = suggestions("add standard maintel/t", board)
    assert found.replaces == len("maintel/t")


def test_nothing_is_known_of_a_queue_that_is_not_heard() -> None:
    assert suggestions("add standard ", Board()) == []
    assert suggestions("stop ", Board()) == []


def test_scripts_that_have_left_the_history_are_forgotten(board: Board) -> None:
    topic = component("ScriptQueue").events["queue"]
    # 100006 is told of before the queue lists it.
    script = component("ScriptQueue").events["script"]
    board.take(Event(script, record_class(script)(scriptSalIndex=100_006)))
    del board.latest["slots"]
    board.take(Event(topic, record_class(topic)(currentSalIndex=100_005)))
    assert set(board.scripts) == {100_006}
