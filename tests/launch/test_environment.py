# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of a script."""

from __future__ import annotations

import os
import sys

import pytest

from lsst.ts.scriptqueue.launch.environment import LAUNCH_ID_VARIABLE, child_environment

PYTHON_FOLDER = os.path.dirname(sys.executable)


def test_the_path_begins_with_the_scripts_folder() -> None:
    environment = child_environment("/scripts/auxtel/slew.py", "one", {"PATH": "/bin:/usr/bin"})
    assert environment["PATH"] == f"/scripts/auxtel:{PYTHON_FOLDER}:/bin:/usr/bin"


@pytest.mark.parametrize(
    ("inherited", "end"),
    [
        pytest.param({}, f":{os.defpath}", id="no path"),
        # An empty entry would mean the working directory.
        pytest.param({"PATH": ""}, "", id="an empty path"),
    ],
)
def test_a_path_is_never_without_end(inherited: dict[str, str], end: str) -> None:
    assert child_environment("/scripts/slew.py", "one", inherited)["PATH"] == f"/scripts:{PYTHON_FOLDER}{end}"


def test_all_else_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/lib/of/somebody")
    monkeypatch.setenv(LAUNCH_ID_VARIABLE, "of the queue's own queue")
    before = dict(os.environ)
    environment = child_environment("/scripts/slew.py", "one")
    assert dict(os.environ) == before
    changed = {"PATH", LAUNCH_ID_VARIABLE}
    assert {name for name in environment if environment[name] != before.get(name)} == changed
    assert environment.keys() == before.keys()
    assert environment[LAUNCH_ID_VARIABLE] == "one"


def test_what_is_handed_down_is_added() -> None:
    environment = child_environment("/scripts/slew.py", "one", {"A": "1"}, {"A": "2", "B": "3"})
    assert (environment["A"], environment["B"]) == ("2", "3")
