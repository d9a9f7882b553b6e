# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without a configuration the queue does what it did before it had slots, message for message.

Nights that were recorded then are played again: adds, moves, failures,
pauses, stops, blocks. Every effect has to be the same, in the same order, but
for what was added since: fields, the slots, and that a script describes
itself, which it does before its first state and which is put in here.
"""

from __future__ import annotations

import dataclasses
import enum
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.scriptqueue.core import commands, effects, events, phases, states, views
from lsst.ts.scriptqueue.core.limits import Limits
from lsst.ts.scriptqueue.core.model import QueueModel
from lsst.ts.scriptqueue.core.needs import Description

from .driver import START_TAI

RECORDING = Path(__file__).parent / "data" / "serial_nights.jsonl.gz"
NIGHTS = [json.loads(line) for line in gzip.decompress(RECORDING.read_bytes()).splitlines()]
ROOMS = (commands, effects, events, phases, states, views)

Data = dict[str, Any]


def named(name: str) -> Any:
    """The record or enumeration of that name."""
    return next(getattr(room, name) for room in ROOMS if hasattr(room, name))


def from_data(value: Any) -> Any:
    """A record as it was written down."""
    if isinstance(value, dict):
        fields = {key: from_data(item) for key, item in value.items() if key != "type"}
        return named(value["type"])(**fields)
    if isinstance(value, list):
        return tuple(map(from_data, value))
    kind, dot, member = value.partition(".") if isinstance(value, str) else ("", "", "")
    if dot and kind in {"Location", "ScriptState", "ProcessState", "LogLevel", "Timer"}:
        return named(kind)[member]
    return value


def as_data(value: Any) -> Any:
    """The other way round."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: as_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"type": type(value).__name__} | fields
    if isinstance(value, tuple | list):
        return [as_data(item) for item in value]
    return value


class Player:
    """Plays a night again."""

    def __init__(self, limits: Data) -> None:
        self.model = QueueModel(1, Limits(**limits))
        self.model.handle(events.EnabledChanged(START_TAI, True))
        #: Request number then to request number now.
        self._requests: dict[int, int] = {}

    def play(self, event: Data) -> list[Data]:
        """The effects of an event, but for those that there were not then."""
        if event["type"] == "ScriptStateReported" and event["state"] == "ScriptState.UNCONFIGURED":
            said = events.ScriptDescriptionReported(
                event["at_tai"], event["index"], Description(), event["origin"], event["sent_tai"]
            )
            assert not self._known(self.model.handle(said))
        if "request" in event:
            event = event | {"request": self._requests.get(event["request"], -1)}
        return [as_data(effect) for effect in self._known(self.model.handle(from_data(event)))]

    def _known(self, done: list[effects.Effect]) -> list[effects.Effect]:
        return [effect for effect in done if not isinstance(effect, effects.PublishSlots)]

    def agrees(self, then: Data, now: Data) -> bool:
        """Is an effect the same, as far as it was then?"""
        if "request" in then:
            now = now | {"request": then["request"], "as": now["request"]}
            if self._requests.setdefault(then["request"], now["as"]) != now["as"]:
                return False
        same: bool = without_added(then, now) == then
        return same


#: Effects that there were not then, or that end a night.
_NOT_THEN = {"PublishSlots", "AnswerAgain", "FinishShutdown"}


def without_added(then: Any, now: Any) -> Any:
    """What was written now, without fields that there were not then."""
    if isinstance(then, dict) and isinstance(now, dict):
        return {key: without_added(then[key], now[key]) for key in then if key in now}
    return now


@pytest.mark.parametrize("night", NIGHTS, ids=range(len(NIGHTS)))
def test_a_night_from_before_the_slots_goes_as_it_went(night: Data) -> None:
    player = Player(night["limits"])
    for number, (event, then) in enumerate(night["steps"]):
        now = player.play(event)
        player.model.validate()
        same = len(then) == len(now) and all(map(player.agrees, then, now))
        assert same, f"step {number}, {event}:\nthen {then}\nnow  {now}"


def test_the_nights_have_all_that_is_to_be_compared() -> None:
    """Otherwise a recording of nothing would do."""
    done = {effect["type"] for night in NIGHTS for _, then in night["steps"] for effect in then}
    asked = {
        event["command"]["type"] for night in NIGHTS for event, _ in night["steps"] if "command" in event
    }
    assert done == {kind.__name__ for kind in effects.Effect.__args__} - _NOT_THEN
    assert asked == {kind.__name__ for kind in commands.Command.__args__} - {"Reconfigure", "ChangeState"}
