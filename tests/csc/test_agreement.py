# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core knows no SAL, so what it states again must agree with it."""

from __future__ import annotations

import enum

import pytest

from lsst.ts.scriptqueue.core import states
from lsst.ts.scriptqueue.core.views import QueueView, ScriptView, VisitMetadata
from lsst.ts.scriptqueue.csc.publishing import (
    process_fields,
    queue_fields,
    script_fields,
    use_fields,
    visit_fields,
)
from lsst.ts.scriptqueue.launch.contract import Identity, Launched, Vitals
from lsst.ts.scriptqueue.sal import enums
from lsst.ts.scriptqueue.sal.definitions import component

QUEUE = component("ScriptQueue")
PRIVATE = {field.name for field in QUEUE.events["heartbeat"].fields} - {"heartbeat"}


def fields_of(event: str) -> set[str]:
    return {field.name for field in QUEUE.events[event].fields} - PRIVATE


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (states.ScriptState, enums.ScriptState),
        (states.ProcessState, enums.ScriptProcessState),
        (states.Location, enums.Location),
    ],
)
def test_enumerations(ours: type[enum.IntEnum], theirs: type[enum.IntEnum]) -> None:
    assert {item.name: item.value for item in ours} == {item.name: item.value for item in theirs}


def test_every_field_of_the_events_is_filled() -> None:
    queue = QueueView(True, True, 1, (2, 3), (4,))
    script = ScriptView(
        *(1, 2, True, "a.py", 1.0, 2.0, 3.0, 4.0, 5.0),
        *(states.ProcessState.DONE, states.ScriptState.DONE, "b", 0, 1, "e"),
    )
    assert queue_fields(queue).keys() == fields_of("queue")
    use = use_fields(Vitals(is_stopped=False, memory_bytes=1, cpu_s=1.0))
    process = process_fields(Launched("100000-a", Identity(1, 2, "boot", 3), "/output"))
    assert (script_fields(script) | use | process).keys() == fields_of("script")
    assert process_fields(None).keys() == process.keys()
    assert use_fields(None).keys() == use.keys()
    # Nobody can know when a visit will begin.
    expected = fields_of("nextVisit") - {"scriptSalIndex", "groupId", "startTime"}
    assert visit_fields(VisitMetadata()).keys() == expected


def test_metadata_of_the_core_are_those_of_a_script() -> None:
    names = {field.name for field in component("Script").events["metadata"].fields} - PRIVATE
    assert visit_fields(VisitMetadata()).keys() == names
