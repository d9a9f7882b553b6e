# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules: the first that matches a script speaks, and whatever its configuration is, nothing is raised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lsst.ts.scriptqueue.configuration import Configuration
from lsst.ts.scriptqueue.core.resources import EVERYTHING
from lsst.ts.scriptqueue.core.rulings import NO_RULING, Ruling

Configure = Callable[[str], Configuration]

RULES = """
slots: [{name: utility, capacity: 4}]
groups: {MTCS: [MTMount, "MTHexapod:1"], ALL: [MTCS, ESS]}
rules:
  - {script: "standard:maintel/stop.py"}
  - {script: "standard:maintel/**", resources: [MTCS]}
  - {script: "standard:set_summary_state.py", slot: utility, resources_from: "data[*][0]"}
  - {script: "*:sleep.py", resources: []}
  - {script: "external:everything.py", resources: ["*", "!ESS"]}
  - {script: "external:one.py", resources_from: "name"}
"""


@pytest.mark.parametrize(
    ("kind", "path", "rule", "slot", "claim"),
    [
        ("standard", "maintel/stop.py", "rule 1 (standard:maintel/stop.py)", "", None),
        ("standard", "maintel/m1m3/raise.py", "rule 2 (standard:maintel/**)", "", "MTHexapod:1,MTMount"),
        ("external", "sleep.py", "rule 4 (*:sleep.py)", "", "none"),
        ("standard", "sleep.py", "rule 4 (*:sleep.py)", "", "none"),
        ("external", "everything.py", "rule 5 (external:everything.py)", "", "*,!ESS"),
        ("external", "maintel/a.py", "", "", None),
    ],
)
def test_the_first_rule_speaks(
    configure: Configure, kind: str, path: str, rule: str, slot: str, claim: str | None
) -> None:
    # What is no YAML is nobody's business where no rule looks into it.
    ruling = configure(RULES).rule_on(kind == "standard", path, ": : :")
    assert (ruling.rule, ruling.slot, ruling.is_certain, ruling.warning) == (rule, slot, True, "")
    assert (None if ruling.claim is None else str(ruling.claim)) == claim


def test_without_rules_none_speaks() -> None:
    assert Configuration().rule_on(True, "a.py", "") == NO_RULING


SET_STATE = "set_summary_state.py"


@pytest.mark.parametrize(
    ("config", "claim"),
    [
        ('data: [["ESS:101", "ENABLED"], ["ESS:102", "ENABLED"]]', "ESS:101,ESS:102"),
        ("data: [[ESS, STANDBY], [MTDome, STANDBY]]", "ESS,MTDome"),
        ('data: [["MTDome:0", STANDBY]]', "MTDome"),
        ('data: [["ESS:*", STANDBY]]', "ESS"),
        ("data: [[ALL, STANDBY]]", "ESS,MTHexapod:1,MTMount"),
        ("data: [['*', STANDBY]]", "*"),
        ("data:\n" + "  - [ESS, STANDBY]\n" * 1000, "ESS"),
    ],
)
def test_names_in_a_configuration(configure: Configure, config: str, claim: str) -> None:
    ruling = configure(RULES).rule_on(True, SET_STATE, config)
    assert (ruling.slot, str(ruling.claim), ruling.is_certain, ruling.warning) == ("utility", claim, True, "")


@pytest.mark.parametrize(
    ("path", "config", "warning"),
    [
        (SET_STATE, "", ""),
        (SET_STATE, "data: []", ""),
        (SET_STATE, "data: [ESS]", ""),
        (SET_STATE, "data: 5", ""),
        (SET_STATE, "data: [[5]]", "data[*][0] in config yields [5]: no names of resources"),
        (SET_STATE, "data: [[{a: 1}]]", "data[*][0] in config yields [{'a': 1}]: no names of resources"),
        (
            SET_STATE,
            "data: [[a b]]",
            "data[*][0] in config yields ['a b']: 'a b' is no resource; write Component or Component:index, "
            "separated by commas; '*' for everything, '*,!ESS' for all but ESS",
        ),
        (
            SET_STATE,
            f"data: [[{'a' * 50_000} b]]",
            f"data[*][0] in config yields ['{'a' * 55}...: it is no list of resources",
        ),
        (SET_STATE, "- 1", "config must be a mapping such as 'az: 10', not a list"),
        (SET_STATE, "a: 2024-13-45", "config is not YAML: month must be in 1..12"),
        (SET_STATE, "a: 1\nb: 2: 3", "config is not YAML: line 2, column 5: mapping values are not allowed"),
        (
            SET_STATE,
            "a: " + "[" * 50_000 + "]" * 50_000,
            "config is nested more than 100 levels deep; make it flatter",
        ),
        (
            SET_STATE,
            "data: [" + ",".join(f"[A{number}]" for number in range(201)) + "]",
            "data[*][0] in config yields 201 names; 200 can be",
        ),
        (SET_STATE, "data: &a [*a]", "config has more than 1000000 values"),
        (
            "one.py",
            "name: 2024-01-01",
            "name in config yields datetime.date(2024, 1, 1): no names of resources",
        ),
        ("one.py", "name: {ESS: 1}", "name in config yields {'ESS': 1}: no names of resources"),
    ],
)
def test_what_is_unclear_runs_alone(configure: Configure, path: str, config: str, warning: str) -> None:
    is_standard = path == SET_STATE
    ruling = configure(RULES).rule_on(is_standard, path, config)
    assert (ruling.claim, ruling.is_certain) == (EVERYTHING, False)
    if warning:
        assert ruling.warning.startswith(f"{ruling.rule}: {warning}")
        assert ruling.warning.endswith("; so the script runs alone")
        assert len(ruling.warning) < 400
    else:
        assert ruling.warning == ""


def test_one_text_is_enough(configure: Configure) -> None:
    assert str(configure(RULES).rule_on(False, "one.py", "name: 'ESS:1, MTDome'").claim) == "ESS:1,MTDome"
    assert str(configure(RULES).rule_on(False, "one.py", "name: none").claim) == "none"


def test_a_configuration_that_is_parsed_already_is_not_parsed_again(configure: Configure) -> None:
    assert str(configure(RULES).rule_on(False, "one.py", {"name": "ESS:1"}).claim) == "ESS:1"


def test_defaults_of_the_script_count(configure: Configure) -> None:
    def complete(given: dict[str, Any]) -> dict[str, Any]:
        return {"name": "MTDome", **given}

    configuration = configure(RULES)
    assert str(configuration.rule_on(False, "one.py", "", complete).claim) == "MTDome"
    assert str(configuration.rule_on(False, "one.py", "name: ESS", complete).claim) == "ESS"


def test_defaults_that_cannot_be_told_are_unclear(configure: Configure) -> None:
    def complete(given: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("the schema is wrong")

    ruling = configure(RULES).rule_on(False, "one.py", "", complete)
    assert ruling == Ruling(
        "rule 6 (external:one.py)",
        claim=EVERYTHING,
        is_certain=False,
        warning="rule 6 (external:one.py): name cannot be applied to config: the schema is wrong; "
        "so the script runs alone",
    )


def test_an_expression_that_fails_is_unclear(configure: Configure) -> None:
    configuration = configure("rules: [{script: '*:a.py', resources_from: \"join(',', data)\"}]")
    ruling = configuration.rule_on(True, "a.py", "data: 5")
    assert not ruling.is_certain
    assert "cannot be applied to config: In function join()" in ruling.warning
