# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of what a script said or printed last."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core.last_words import MAX_GIST, exit_reason, gist, last_line
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from .builders import a_script

S = ScriptState

TRACEBACK = """\
Traceback (most recent call last):
  File "slew.py", line 12, in run
    await self.slew()
  File "slew.py", line 20, in slew
    raise RuntimeError("no star")
RuntimeError: no star"""

GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "slew.py", line 3, in <module>
  |     raise group
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "slew.py", line 9, in point
    |     raise ValueError("no star")
    | ValueError: no star
    +------------------------------------"""

CHAINED = f"{TRACEBACK}\n\nDuring handling of the above exception, another occurred:\n\n" + TRACEBACK.replace(
    "RuntimeError: no star", "OSError: no dome"
)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("bye", "bye"),
        ("one\ntwo\n\n", "two"),
        ("", ""),
        (TRACEBACK, "RuntimeError: no star"),
        (TRACEBACK[60:], "RuntimeError: no star"),
        (f"loading\n{TRACEBACK}\nclosing the bus\n", "RuntimeError: no star"),
        (CHAINED, "OSError: no dome"),
        (GROUP, "ValueError: no star"),
        ("\n".join(TRACEBACK.splitlines()[:3]), "await self.slew()"),
    ],
    ids=["a line", "lines", "nothing", "a traceback", "its end", "within", "two", "a group", "its beginning"],
)
def test_of_a_traceback_the_exception_of_anything_else_the_last_line(printed: str, shown: str) -> None:
    assert last_line(printed) == shown


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("no star", "no star"),
        ("no star\n  in this  field", "no star in this field"),
        (f"it failed: {TRACEBACK}", "RuntimeError: no star"),
        ("", ""),
    ],
)
def test_a_reason_is_one_line(reason: str, shown: str) -> None:
    assert gist(reason) == shown


def test_no_more_is_shown_than_a_panel_has_room_for() -> None:
    assert len(gist("x" * 5_000)) == len(last_line("y" * 5_000)) == MAX_GIST
    assert gist("x" * MAX_GIST) == "x" * MAX_GIST
    assert exit_reason("", "oh\n") == "it ended; it printed last: oh"


def test_a_panel_is_shown_the_exception_and_the_log_has_all() -> None:
    driver, index = a_script(Phase.RUNNING)
    driver.exit(index, 1, output_tail=TRACEBACK)
    driver.expire(index)
    shown = driver.watcher.shown[index].exit_reason
    assert shown == "its process ended by itself with exit code 1; it printed last: RuntimeError: no star"
    assert any(TRACEBACK in log.text for log in driver.all_of(fx.WriteLog))
    assert TRACEBACK in driver.model.reason(index)


def test_a_pause_is_told_on_one_line_and_the_log_has_all() -> None:
    driver, index = a_script(Phase.RUNNING)
    driver.report(index, S.FAILED, reason=TRACEBACK)
    (slot,) = driver.model.slots.slots
    assert slot.pause_reason.endswith(f", because {index} failed: RuntimeError: no star")
    assert driver.watcher.shown[index].exit_reason == "RuntimeError: no star"
    assert any(TRACEBACK in log.text for log in driver.of(fx.WriteLog))
