# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bus refuses, on every middleware, and what it says then."""

from __future__ import annotations

from typing import Any

import pytest

from lsst.ts.scriptqueue.bus import BusError, Reading, TopicSpec

from .collector import Collector
from .links import EVERY, a_writer
from .networks import Network
from .topics import EVENT, STATE, TELEMETRY, a_message


async def test_what_is_closed_says_so(network: Network) -> None:
    bus = network.connect()
    link = await a_writer(bus)
    await bus.aclose()
    with pytest.raises(BusError, match="link was closed; open a new one"):
        await link.write(STATE, a_message())
    with pytest.raises(BusError, match="bus was closed; connect a new one"):
        await a_writer(bus)


async def test_a_topic_that_was_not_opened_is_refused(network: Network) -> None:
    link = await a_writer(network.connect(), STATE)
    with pytest.raises(BusError, match=r"Probe\.position was not opened for writing"):
        await link.write(TELEMETRY, a_message(TELEMETRY))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"number": "1"}, "number must be one value of type long, not '1'"),
        ({"number": 2**31}, "number must be one value of type long"),
        ({"octet": 256}, "octet must be one value of type byte"),
        ({"octet": -1}, "octet must be one value of type byte"),
        ({"text": 1}, "text must be text, not 1"),
        ({"text": "a\0b"}, "text must be text without NUL"),
        ({"text": "\udcff"}, "text must be text that UTF-8 can encode"),
        ({"switches": [True]}, "switches must be 3 values of type boolean"),
        ({"switches": True}, "switches must be a list"),
        ({"salIndices": ["x"] * 400}, "salIndices must be 400 values of type int"),
        ({"colour": 1}, "the topic has no field colour; its fields are salIndex, "),
    ],
    ids=str,
)
async def test_a_message_that_does_not_fit_is_refused(
    network: Network, changes: dict[str, Any], fault: str
) -> None:
    got = Collector()
    link = await network.connect().open(index=1, writes=[EVENT], reads=[Reading(EVENT, EVERY, got)])
    with pytest.raises(BusError) as refused:
        await link.write(EVENT, a_message(EVENT) | changes)
    assert fault in str(refused.value)
    assert "Probe.logevent_everything" in str(refused.value)
    await link.write(EVENT, a_message(EVENT, number=5))
    await got.has(5)
    assert got.numbers() == [5]


async def test_a_message_that_lacks_a_field_is_refused(network: Network) -> None:
    link = await a_writer(network.connect())
    with pytest.raises(BusError, match="the message lacks number, text"):
        await link.write(STATE, {"salIndex": 1})


async def test_two_definitions_of_a_topic_are_refused(network: Network) -> None:
    bus = network.connect()
    await a_writer(bus, STATE)
    other = TopicSpec(STATE.component, STATE.name, STATE.kind, STATE.fields[:1])
    with pytest.raises(BusError, match="open with other fields; use one definition"):
        await a_writer(bus, other)
