# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The enumerations have the values of the deployed interfaces."""

from __future__ import annotations

import enum
import importlib
from typing import Any

import pytest

from lsst.ts.scriptqueue.sal import enums

from .facts import FACTS

OURS: dict[str, type[enum.IntEnum]] = {name: getattr(enums, name) for name in enums.__all__}

#: Where the older, independent package keeps those it has.
ELSEWHERE = {
    "Script": ("MetadataCoordSys", "MetadataDome", "MetadataRotSys", "ScriptState"),
    "ScriptQueue": ("Location", "SalIndex", "ScriptProcessState"),
}


@pytest.mark.parametrize("name", OURS)
def test_values_are_the_deployed_ones(name: str) -> None:
    assert {item.name: item.value for item in OURS[name]} == FACTS["enums"][name]


def test_none_is_missing() -> None:
    assert OURS.keys() == FACTS["enums"].keys()


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in ELSEWHERE.items() for name in names]
)
def test_values_agree_with_those_of_ts_idl(module: str, name: str) -> None:
    theirs: Any = getattr(importlib.import_module(f"lsst.ts.idl.enums.{module}"), name)
    shared = {item.name for item in theirs} & {item.name for item in OURS[name]}
    assert shared, f"{name} of ts-idl has nothing in common with ours"
    assert {each: theirs[each].value for each in shared} == {each: OURS[name][each].value for each in shared}
