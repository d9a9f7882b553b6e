# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The monitor: history in order, then what happens, a line each."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from lsst.ts.scriptqueue.cli.commanding.feed import Event
from lsst.ts.scriptqueue.cli.commanding.monitor import INTEREST, monitor
from lsst.ts.scriptqueue.cli.commanding.wording import as_json, event_as_json, event_line
from lsst.ts.scriptqueue.sal.definitions import component
from lsst.ts.scriptqueue.sal.enums import ScriptState, State
from lsst.ts.scriptqueue.sal.records import record_class
from lsst.ts.scriptqueue.testing.clock import DEFAULT_START_TAI, FakeClock

from .stage import SCRIPT, SOON_S, Stage


class Reader:
    """Takes lines, and stops the monitor when it has seen what it wants."""

    def __init__(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        self.lines: list[dict[str, Any]] = []
        self.closed = asyncio.Event()
        self._wanted = wanted

    async def write(self, line: str) -> None:
        self.lines.append(json.loads(line))
        if self._wanted(self.lines[-1]):
            self.closed.set()


async def run_monitor(stage: Stage, reader: Reader, *, with_heartbeats: bool = True) -> None:
    async with asyncio.timeout(SOON_S):
        await monitor(
            stage.client(INTEREST),
            reader.write,
            event_as_json,
            reader.closed,
            with_heartbeats=with_heartbeats,
        )


async def test_history_comes_first_and_in_the_order_it_was_sent(stage: Stage) -> None:
    async with stage.queue() as queue, stage.script() as script:
        await script.events["state"].set_write(state=ScriptState.RUNNING, lastCheckpoint="one")
        await queue.events["summaryState"].set_write(summaryState=State.STANDBY)
        reader = Reader(lambda line: line["topic"] == "logevent_summaryState")
        await run_monitor(stage, reader)
    topics = [line["topic"] for line in reader.lines]
    assert topics.index("logevent_softwareVersions") < topics.index("logevent_state")
    assert topics.index("logevent_state") < topics.index("logevent_summaryState")
    stamps = [line["sndStamp"] for line in reader.lines]
    assert stamps == sorted(stamps)


async def test_what_happens_afterwards_follows(stage: Stage) -> None:
    async with stage.queue() as queue, stage.script() as script:
        seen = asyncio.Event()

        def wanted(line: dict[str, Any]) -> bool:
            if line["topic"] == "logevent_heartbeat":
                seen.set()
            return bool(line["topic"] == "logevent_state" and line["data"]["state"] == ScriptState.DONE)

        reader = Reader(wanted)
        async with asyncio.TaskGroup() as group:
            group.create_task(run_monitor(stage, reader))
            await seen.wait()
            for state in (ScriptState.RUNNING, ScriptState.ENDING, ScriptState.DONE):
                await script.events["state"].set_write(state=state)
        states = [line["data"]["state"] for line in reader.lines if line["topic"] == "logevent_state"]
        assert states == [ScriptState.RUNNING, ScriptState.ENDING, ScriptState.DONE]
        assert queue.seen == []
    last = reader.lines[-1]
    assert set(last) == {"component", "topic", "salIndex", "sndStamp", "data"}
    assert (last["component"], last["salIndex"]) == ("Script", SCRIPT)
    assert not any(name.startswith("private_") or name == "salIndex" for name in last["data"])


@pytest.mark.parametrize("with_heartbeats", [False, True])
async def test_heartbeats_are_written_only_if_they_are_asked_for(stage: Stage, with_heartbeats: bool) -> None:
    async with stage.queue() as queue, stage.script() as script:
        for event in (queue.events["heartbeat"], script.events["heartbeat"]):
            await event.set_write(force_output=True)
        await script.events["state"].set_write(state=ScriptState.DONE)
        reader = Reader(lambda line: line["topic"] == "logevent_state")
        await run_monitor(stage, reader, with_heartbeats=with_heartbeats)
    assert any(line["topic"] == "logevent_heartbeat" for line in reader.lines) is with_heartbeats


async def test_scripts_of_other_queues_are_none_of_its_business(stage: Stage) -> None:
    async with stage.queue(), stage.script(200_001) as foreign:
        await foreign.events["state"].set_write(state=ScriptState.RUNNING)
        reader = Reader(lambda line: line["topic"] == "logevent_heartbeat")
        await run_monitor(stage, reader)
    assert {line["salIndex"] for line in reader.lines} == {1}


async def test_a_reader_that_goes_away_ends_it(stage: Stage) -> None:
    async def write(line: str) -> None:
        raise BrokenPipeError

    async with stage.queue(), asyncio.timeout(SOON_S):
        await monitor(stage.client(INTEREST), write, event_as_json, asyncio.Event())


async def test_a_failure_to_write_is_not_hidden(stage: Stage) -> None:
    async def write(line: str) -> None:
        raise OSError("the disk is full")

    async with stage.queue(), asyncio.timeout(SOON_S):
        with pytest.raises(OSError, match="the disk is full"):
            await monitor(stage.client(INTEREST), write, event_as_json, asyncio.Event())


def test_json_has_no_nan() -> None:
    assert json.loads(as_json({"a": [math.nan, math.inf, 1.5], "b": {"c": (1, 2)}})) == {
        "a": [None, None, 1.5],
        "b": {"c": [1, 2]},
    }


LINES = [
    ("ScriptQueue", "summaryState", {"summaryState": 2}, "ScriptQueue:1 summaryState: ENABLED"),
    (
        "ScriptQueue",
        "script",
        {"scriptSalIndex": 100001, "isStandard": True, "path": "a.py", "scriptState": 3, "processState": 3},
        "ScriptQueue:1 script: 100001 standard a.py: RUNNING",
    ),
    (
        "ScriptQueue",
        "queue",
        {"enabled": True, "length": 2, "salIndices": [100002, 100003] + [0] * 398, "currentSalIndex": 100001},
        "ScriptQueue:1 queue: enabled, paused; current 100001; waiting 100002, 100003; 0 ended",
    ),
    (
        "ScriptQueue",
        "availableScripts",
        {"standard": "a.py:b.py"},
        "ScriptQueue:1 availableScripts: 2 standard",
    ),
    ("ScriptQueue", "availableScripts", {}, "ScriptQueue:1 availableScripts: none"),
    ("ScriptQueue", "errorCode", {"errorCode": 1, "errorReport": "ouch"}, "ScriptQueue:1 errorCode: 1 ouch"),
    (
        "Script",
        "state",
        {"salIndex": 100001, "state": 4, "lastCheckpoint": "exposure 3", "reason": "as\nasked\x1b[2J"},
        "Script:100001 state: PAUSED at checkpoint 'exposure 3': as asked [2J",
    ),
    ("Script", "logMessage", {"level": 30, "message": "slow"}, "Script:1 logMessage: WARNING slow"),
    ("Script", "state", {"state": 99}, "Script:1 state: 99"),
    (
        "ScriptQueue",
        "rootDirectories",
        {"standard": "/a"},
        "ScriptQueue:1 rootDirectories: standard='/a', external=''",
    ),
]


@pytest.mark.parametrize(
    ("name", "topic", "fields", "line"), LINES, ids=[f"{row[1]}: {row[3][-20:]}" for row in LINES]
)
async def test_events_in_words(name: str, topic: str, fields: dict[str, Any], line: str) -> None:
    spec = component(name).events[topic]
    data = record_class(spec)(**{"salIndex": 1, "private_sndStamp": DEFAULT_START_TAI + 3661.25, **fields})
    assert event_line(Event(spec, data), FakeClock()) == f"01:01:01.250 {line}"
