# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of scripts before anything runs."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.configuration import Configuration, explain, explain_all, read_configuration

from .conftest import Write

RULES = """
slots: [{name: utility}]
rules:
  - {script: "standard:set.py", slot: utility, resources_from: data}
  - {script: "standard:slew.py", resources: [MTMount, "MTHexapod:1"]}
  - {script: "standard:all.py", slot: utility, resources: ["*", "!ESS"]}
  - {script: "standard:none.py", resources: [], slot: utility}
  - {script: "standard:silent.py", slot: utility}
"""

IF_FREE = "utility; main if a script in main needs any of it when this one is added"
BY_ITSELF = (
    "what the script itself declares when it is configured, else the remotes in its description, "
    "else what slot main assumes: everything, so that it runs alone"
)


@pytest.fixture
def configuration(write: Write) -> Configuration:
    return read_configuration(write(RULES))


@pytest.mark.parametrize(
    ("path", "config", "slot", "resources", "line", "is_exclusive"),
    [
        ("set.py", "data: [ESS]", IF_FREE, "ESS", 4, False),
        (
            "set.py",
            None,
            IF_FREE,
            "what data finds in its configuration; if nothing, everything, so that it runs alone",
            4,
            False,
        ),
        (
            "set.py",
            "",
            "main; utility only if what it needs is known",
            "not known from its configuration, so everything; it runs alone",
            4,
            True,
        ),
        ("slew.py", "", "main", "MTHexapod:1, MTMount", 5, False),
        ("all.py", "", IF_FREE, "everything but ESS", 6, True),
        ("none.py", "", IF_FREE, "nothing", 7, False),
        ("silent.py", "", "main; utility only if the add says what it needs", BY_ITSELF, 8, True),
        ("other.py", "", "main", BY_ITSELF, 0, True),
    ],
)
def test_one_script(
    configuration: Configuration,
    path: str,
    config: str | None,
    slot: str,
    resources: str,
    line: int,
    is_exclusive: bool,
) -> None:
    said = explain(configuration, True, path, config)
    assert (said.slot_in_words, said.resources_in_words, said.is_exclusive) == (slot, resources, is_exclusive)
    assert said.slot == slot.split(";")[0]
    assert said.warning == ""
    if line:
        assert said.rule == f"rule {line - 3} (standard:{path}), _init.yaml, line {line}"
    else:
        assert said.rule == ""


def test_what_a_configuration_yields_that_is_nonsense(configuration: Configuration) -> None:
    said = explain(configuration, True, "set.py", "data: 5")
    assert said.warning == (
        "rule 1 (standard:set.py): data in config yields 5: no names of resources; so the script runs alone"
    )


def test_those_that_run_alone_come_first(configuration: Configuration) -> None:
    names = [("standard", name) for name in ("set", "slew", "all", "none", "silent")] + [("external", "set")]
    said = explain_all(configuration, [(kind == "standard", f"{name}.py") for kind, name in names])
    assert [(one.kind, one.path) for one in said] == [
        ("standard", "all.py"),
        ("standard", "silent.py"),
        ("external", "set.py"),
        ("standard", "none.py"),
        ("standard", "set.py"),
        ("standard", "slew.py"),
    ]
