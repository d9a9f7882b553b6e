# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the keeper is told and tells: lines, fields, identities, phases."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from lsst.ts.scriptqueue.keeper.children import TRANSITIONS, Child, On, Phase
from lsst.ts.scriptqueue.keeper.identity import Identity, identity_of
from lsst.ts.scriptqueue.keeper.protocol import (
    Message,
    ProtocolError,
    decode,
    encode,
    identity_field,
    integer_field,
    mapping_field,
    seconds_field,
    text_field,
    texts_field,
)

NOBODY = 2**22 + 1


def test_a_message_is_one_line() -> None:
    message: Message = {"id": 1, "do": "launch", "environment": {"A": "line 1\nline 2 \u2192 \udce9"}}
    line = encode(message)
    assert line.index(b"\n") == len(line) - 1
    assert decode(line) == message


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param(b"hello", "no JSON", id="text"),
        pytest.param(b"\xff\xfe", "no JSON", id="bytes"),
        pytest.param(b"", "no JSON", id="nothing"),
        pytest.param(b"[1]", "an object, not list", id="a list"),
    ],
)
def test_what_is_no_message(line: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint):
        decode(line)


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        pytest.param(text_field, ["", "a"], [None, 1, ["a"]], id="text"),
        pytest.param(texts_field, [[], ["a"]], [None, "a", [1]], id="texts"),
        pytest.param(mapping_field, [{}, {"a": "b"}], [None, [], {"a": 1}], id="mapping"),
        pytest.param(integer_field, [0, -1], [None, 1.0, True, "1"], id="integer"),
        pytest.param(seconds_field, [0, 0.5], [None, -1, 1e10, True, "1", float("nan")], id="seconds"),
    ],
)
def test_fields(read: Callable[..., object], good: list[object], bad: list[object]) -> None:
    for value in good:
        assert read({"field": value}, "field") == value
    for value in bad:
        with pytest.raises(ProtocolError, match="'field' must be"):
            read({"field": value}, "field")


@pytest.mark.parametrize("value", [None, [1, 2, "boot"], [1, 2, 3, 4], [1.0, 2, "boot", 3], "boot"], ids=str)
def test_what_is_no_identity(value: object) -> None:
    assert identity_field({"identity": [1, 2, "boot", 3]}) == Identity(1, 2, "boot", 3)
    with pytest.raises(ProtocolError, match="'identity' must be"):
        identity_field({"identity": value})


class TestIdentity:
    def test_it_stays(self) -> None:
        assert identity_of(os.getpid()) == identity_of(os.getpid())

    @pytest.mark.system
    def test_another_process_has_another(self) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
            other = identity_of(process.pid)
        mine = identity_of(os.getpid())
        assert (other.pid, other.boot_id, other.pid_namespace) == (
            process.pid,
            mine.boot_id,
            mine.pid_namespace,
        )
        assert other.start_ticks >= mine.start_ticks

    def test_nobody_has_none(self) -> None:
        with pytest.raises(ProcessLookupError, match=f"no process {NOBODY}"):
            identity_of(NOBODY)


class TestPhases:
    @pytest.mark.parametrize(("phase", "on"), [*itertools.product(Phase, On)])
    def test_what_is_in_the_table_happens_and_nothing_else(self, phase: Phase, on: On) -> None:
        child = Child("one", 1, "/output", Identity(1, 1, "boot", 1))
        child.phase = phase
        if (phase, on) in TRANSITIONS:
            child.move(on)
            assert child.phase is TRANSITIONS[phase, on]
        else:
            with pytest.raises(RuntimeError, match=f"one is {phase.name}: {on.name} cannot happen"):
                child.move(on)

    def test_every_phase_leads_to_the_end(self) -> None:
        reached = {Phase.EXITED}
        for _ in Phase:
            reached |= {phase for (phase, _), after in TRANSITIONS.items() if after in reached}
        assert reached == set(Phase)
