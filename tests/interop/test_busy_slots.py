# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nights in which four slots are busy, with clients on salobj that know of no slots.

The operator adds without naming a slot, and rules send what is not observing
elsewhere. In some nights the broker goes away. Nothing may be lost, and
nothing may happen twice.
"""

from __future__ import annotations

import asyncio
import pathlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from lsst.ts.scriptqueue.sal import Location, ScriptProcessState, ScriptState, State

from ..own_broker import OwnBroker
from .our_queue import our_queue
from .peer import PATIENCE_S, Client, a_client, write_own_probe, write_probe
from .role import Role, a_role, held_up

CONFIGURATION = """
slots:
  - name: main
  - name: calibration
  - {name: utility, capacity: 2, order: eager, on_failure: continue}
  - {name: weather, on_failure: continue}
rules:
  - {script: "standard:observing/**", resources: [MTCS]}
  - {script: "standard:calibration/**", slot: calibration, resources: [CBP]}
  - {script: "standard:utility/**", slot: utility, resources: []}
  - {script: "standard:weather/**", slot: weather, resources: [ESS]}
"""

#: How many scripts the operator adds in each slot beside main, apart from the long one.
ADDED = {"calibration": 2, "utility": 6, "weather": 4}

#: How many of these at a time.
AT_ONCE = 3

#: How many the Scheduler observes.
TARGETS = 4

#: How long the broker is away (seconds).
AWAY_S = 15.0

#: The events that deployed definitions do not have.
ADDED_EVENTS = ("slots", "configurationsAvailable", "configurationApplied")

#: How long a client on salobj stays in its consumer group without a word of its broker (seconds).
SESSION_S = 45.0

KINDS = ("theirs.py", "ours.py")


class AwayTooLong(Exception):
    """The broker was away for so long that clients on salobj have missed events (doc/interop.rst)."""


@dataclass
class Wish:
    """A script that is added.

    Attributes
    ----------
    path
        What is added.
    config
        Its configuration, apart from its note.
    ends
        The state in which it ends.
    note
        Where it leaves its group id when it ends.
    """

    path: str
    note: pathlib.Path
    config: str = ""
    ends: ScriptState = ScriptState.DONE


@dataclass
class Log:
    """What was added, by the answers.

    Attributes
    ----------
    added
        What became of each wish that was answered: by its index.
    """

    added: dict[int, Wish] = field(default_factory=dict)

    async def add(self, operator: Client, wish: Wish, **fields: Any) -> int:
        index = await operator.add(wish.path, f"note: {wish.note}\n{wish.config}", **fields)
        assert index not in self.added
        self.added[index] = wish
        return index


def wishes(chance: random.Random, notes: pathlib.Path, slot: str) -> list[Wish]:
    """What the operator wants of a slot; some of it fails where that holds nothing up."""
    number = ADDED[slot]
    kinds = [KINDS[place % 2] for place in range(number)]
    chance.shuffle(kinds)
    bad = chance.randrange(number) if slot != "calibration" else -1
    return [
        Wish(f"{slot}/{kind}", notes / f"{slot}{place}", "fail: true", ScriptState.FAILED)
        if place == bad
        else Wish(f"{slot}/{kind}", notes / f"{slot}{place}")
        for place, kind in enumerate(kinds)
    ]


async def gone(operator: Client, index: int) -> None:
    await operator.until(
        f"{index} gone", lambda: operator.script(index).get("timestampProcessEnd", 0.0) > 0.0
    )


async def feed(operator: Client, log: Log, wanted: Sequence[Wish]) -> None:
    """Keep a slot busy."""
    live: list[int] = []
    for wish in wanted:
        if len(live) == AT_ONCE:
            await gone(operator, live.pop(0))
        live.append(await log.add(operator, wish))


async def fail_in_main(operator: Client, log: Log, wish: Wish) -> None:
    """Put in a script that fails, before what is in main, and let main go on after it."""
    await operator.until("the Scheduler's first", lambda: operator.last("queue")["currentSalIndex"])
    index = await log.add(operator, wish, location=Location.FIRST)
    await held_up(operator, index)
    await operator.until("its state", lambda: operator.script(index).get("scriptState") == wish.ends)
    await operator.command("resume")


async def observe(operator: Client, scheduler: Role, long_one: int) -> dict[str, Any]:
    """Have all targets observed beside the long calibration, and end that."""
    observed = await scheduler.result(3 * PATIENCE_S)
    assert operator.script(long_one)["scriptState"] == ScriptState.RUNNING
    await operator.stop([long_one])
    return observed


async def lose_broker(operator: Client, broker: OwnBroker, how: str, after: int) -> None:
    """Take the broker away when some scripts have ended; the operator hears nothing meanwhile."""

    def ended() -> int:
        return len(
            {data["scriptSalIndex"] for data in operator.seen("script") if data["timestampProcessEnd"]}
        )

    await operator.until(f"{after} ended", lambda: ended() >= after)
    gone_at = time.monotonic()
    await broker.go(how)
    # One heartbeat may have been on its way.
    for _ in range(2):
        before = len(operator.seen("heartbeat"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(AWAY_S / 2):
                await operator.until("a heartbeat", lambda: len(operator.seen("heartbeat")) > before)  # noqa: B023
    await broker.come_back()
    before = len(operator.seen("heartbeat"))
    await operator.until("heartbeats again", lambda: len(operator.seen("heartbeat")) > before + 2)
    if (away_s := time.monotonic() - gone_at) > SESSION_S:
        raise AwayTooLong(
            f"on this machine the broker was back after {away_s:.0f} s, not within {SESSION_S:g} s"
        )


def assert_each_ended_once(operator: Client, log: Log) -> None:
    """Check what is told of each script, and what it has left."""
    told = {data["scriptSalIndex"] for data in operator.seen("script")}
    # An order that was carried out twice shows as a script that nobody has added.
    assert told == set(log.added)
    for index, wish in log.added.items():
        events = [data for data in operator.seen("script") if data["scriptSalIndex"] == index]
        last = events[-1]
        assert (last["scriptState"], last["processState"]) == (wish.ends, ScriptProcessState.DONE), last
        for stamp in ("timestampProcessStart", "timestampRunStart", "timestampProcessEnd"):
            assert len({data[stamp] for data in events} - {0.0}) == 1, (stamp, events)
        final = [
            data["state"]
            for data in operator.seen("state", "scripts")
            if data["salIndex"] == index and data["state"] in {8, 9, 10, 11}
        ]
        assert set(final) == {wish.ends}, index
    group_ids = [wish.note.read_text() for wish in log.added.values()]
    # One that has run twice would have left its group id twice.
    lengths = {len(group_id) for group_id in group_ids}
    assert len(lengths) == 1, group_ids
    assert 0 not in lengths
    assert len(set(group_ids)) == len(group_ids)


def assert_broker_is_clean(broker: OwnBroker, names: dict[str, dict[str, Any]]) -> None:
    """Check that there are the topics of the two components, and no consumer group of ours."""
    admin = AdminClient({"bootstrap.servers": broker.environment["LSST_KAFKA_BROKER_ADDR"]})
    groups = [group.group_id for group in admin.list_consumer_groups().result().valid]
    assert "ts_scriptqueue" not in groups
    prefix = f"lsst.{broker.environment['LSST_TOPIC_SUBNAME']}."
    expected = {f"{prefix}ScriptQueue.logevent_{name}" for name in ADDED_EVENTS}
    for component, its in names.items():
        expected.add(f"{prefix}{component}.ackcmd")
        expected |= {f"{prefix}{component}.command_{name}" for name in its["commands"]}
        expected |= {f"{prefix}{component}.logevent_{name}" for name in its["events"]}
    topics = set(admin.list_topics(timeout=PATIENCE_S).topics)
    assert {name for name in topics if name.startswith(prefix)} <= expected
    # Another test of this process may have used the same broker.
    assert {name for name in topics if not name.startswith("lsst.test_")} <= {"__consumer_offsets"}


@pytest.mark.timeout(500)
@pytest.mark.parametrize(
    ("seed", "outage"),
    [
        (1, ""),
        (2, "pause"),
        pytest.param(3, "crash", marks=pytest.mark.long),
        pytest.param(4, "away", marks=pytest.mark.long),
        pytest.param(5, "pause", marks=pytest.mark.long),
        pytest.param(6, "crash", marks=pytest.mark.long),
    ],
)
async def test_four_busy_slots(
    salobj_on_own_broker: str, own_broker: OwnBroker, tmp_path: pathlib.Path, seed: int, outage: str
) -> None:
    interpreter = salobj_on_own_broker
    chance = random.Random(seed)
    notes = tmp_path / "notes"
    notes.mkdir()
    for folder in ("observing", *ADDED):
        write_probe(tmp_path / "standard" / folder / "theirs.py", interpreter)
        write_own_probe(tmp_path / "standard" / folder / "ours.py")
    long_wish = Wish("calibration/theirs.py", notes / "long", "wait: true", ScriptState.STOPPED)
    bad_wish = Wish(f"observing/{chance.choice(KINDS)}", notes / "bad", "fail: true", ScriptState.FAILED)
    log = Log()
    async with (
        our_queue(tmp_path, interpreter, configuration=CONFIGURATION),
        a_client(interpreter) as operator,
        a_role(interpreter, "panel") as panel,
        a_role(interpreter, "watcher") as watcher,
    ):
        if outage:
            operator.patience_s = AWAY_S + SESSION_S + PATIENCE_S
        names = {
            "ScriptQueue": await operator.open("queue", "ScriptQueue", 1),
            "Script": await operator.open("scripts", "Script", 0),
        }
        for role in (panel, watcher):
            assert await role.line() == "ready"
        long_one = await log.add(operator, long_wish)
        await operator.until(
            "a long calibration", lambda: operator.script(long_one).get("scriptState") == ScriptState.RUNNING
        )
        paths = [f"observing/{kind}" for kind in chance.sample(KINDS, 2)]
        too_long: list[str] = []
        try:
            async with (
                a_role(interpreter, "simple_scheduler", str(TARGETS), str(notes), *paths) as scheduler,
                asyncio.TaskGroup() as group,
            ):
                assert await scheduler.line() == "ready"
                observing = group.create_task(observe(operator, scheduler, long_one))
                group.create_task(fail_in_main(operator, log, bad_wish))
                for slot in ADDED:
                    group.create_task(feed(operator, log, wishes(chance, notes, slot)))
                if outage:
                    group.create_task(lose_broker(operator, own_broker, outage, chance.randrange(3, 9)))
        except* AwayTooLong as away:
            too_long = [str(error) for error in away.exceptions]
        if too_long:
            pytest.skip(too_long[0])
        observed = observing.result()
        for place, index in enumerate(observed["targets"]):
            log.added[index] = Wish(paths[place % 2], notes / f"target{place}")
        for index in log.added:
            await gone(operator, index)

        assert (observed["good"], observed["at_once"], len(observed["targets"])) == (True, 1, TARGETS)
        assert_each_ended_once(operator, log)
        (bad,) = (index for index, wish in log.added.items() if wish is bad_wish)
        alarms, seen = await watcher.result(), await panel.result()
        if (silent_s := max(alarms["silent_s"], seen["silent_s"])) > SESSION_S:
            pytest.skip(f"on this machine a client heard nothing for {silent_s:.0f} s")
        failing = sorted(index for index, wish in log.added.items() if wish.ends == ScriptState.FAILED)
        assert (alarms["missed"], alarms["failed"]) == (0, failing)
        assert (alarms["stands"], alarms["states"]) == (0, [State.ENABLED])
        # An alarm that came and went before the watcher was back at the broker is not raised.
        assert alarms["raised"] == [bad] or (outage and alarms["raised"] == [])
        assert (alarms["lost"], seen["lost"]) == ((True, True) if outage else (False, False))
        last = {
            str(index): [data["scriptState"], data["processState"], data["timestampProcessEnd"]]
            for index, data in ((index, operator.script(index)) for index in log.added)
        }
        assert seen["last_shown"] == last
        assert seen["stale"] == []
        if not outage:
            assert seen["shown_running"] == sorted(log.added)
    assert_broker_is_clean(own_broker, names)
