# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue of several slots, as an operator sees it; and one that tells of none."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

import pytest

from lsst.ts.scriptqueue.cli.commanding.client import connect
from lsst.ts.scriptqueue.cli.commanding.feed import Board, Event
from lsst.ts.scriptqueue.cli.commanding.interactive import toolbar
from lsst.ts.scriptqueue.cli.commanding.news import News
from lsst.ts.scriptqueue.cli.commanding.outcomes import Exit
from lsst.ts.scriptqueue.cli.commanding.reports import report
from lsst.ts.scriptqueue.cli.commanding.slot_wording import slot_lines
from lsst.ts.scriptqueue.cli.commanding.slots import Slot, slots_in
from lsst.ts.scriptqueue.cli.commanding.wording import event_line
from lsst.ts.scriptqueue.sal.definitions import component
from lsst.ts.scriptqueue.sal.enums import ScriptProcessState as P
from lsst.ts.scriptqueue.sal.enums import ScriptState as S
from lsst.ts.scriptqueue.sal.enums import State
from lsst.ts.scriptqueue.sal.records import Record, record_class
from lsst.ts.scriptqueue.testing.clock import DEFAULT_START_TAI, FakeClock

from .stage import SCRIPT, PaperQueue, Stage, slots_fields

FLATS, SLEW, IMAGES, ESS = 100_011, 100_012, 100_013, 100_014

SINCE = "paused since 21:04:11, because 100011 failed: the lamp is out"
HELD = "MTMount is held by 100011 (calibration) since 21:02:40, which has failed"
NEWLINE = "\n"
EXIT = f"the lamp is out{NEWLINE}Traceback"
TURN = "its turn in slot main has not come"

CALIBRATION = Slot("calibration", is_running=False, pause_reason=SINCE, active=(FLATS,))
NIGHT = (
    Slot("main", waiting=(SLEW, IMAGES)),
    CALIBRATION,
    Slot("utility", capacity=4, is_eager=True, active=(ESS,)),
)


async def tell_night(queue: PaperQueue, *, waiting: tuple[int, ...] = (SLEW, IMAGES, FLATS, ESS)) -> None:
    """A calibration has failed and holds the mount, which the next script of main needs."""
    queue.slots = NIGHT
    queue.waiting, queue.past = list(waiting), [100_001]
    queue.words = {
        FLATS: {"slot": "calibration", "resources": "MTMount", "exitReason": EXIT},
        SLEW: {"slot": "main", "resources": "MTMount,MTDome", "waitingFor": HELD},
        IMAGES: {"slot": "main", "resources": "*", "waitingFor": TURN},
        ESS: {"slot": "utility", "resources": "none"},
    }
    await queue.tell_queue()


SHOWN = (
    "ScriptQueue:1 is ENABLED, 1 of 3 slots paused",
    f"PAUSED   slot calibration is {SINCE}",
    f"HELD UP  100012 track_100012.py in main: {HELD}",
    "main: 0 of 1 taken, 2 waiting",
    f"  waiting  100012 standard track_100012.py CONFIGURED; needs MTMount,MTDome; waits: {HELD}",
    f"  waiting  100013 standard track_100013.py CONFIGURED; needs everything; waits: {TURN}",
    "calibration PAUSED: 1 of 1 taken",
    "  current  100011 standard track_100011.py CONFIGURED the lamp is out; needs MTMount",
    "utility: 1 of 4 taken",
    "  current  100014 standard track_100014.py CONFIGURED; needs nothing",
    "ended    100001 standard track_100001.py CONFIGURED",
)


async def test_what_is_stuck_comes_first_and_why(stage: Stage) -> None:
    async with stage.queue() as queue:
        await tell_night(queue)
        text = report(await stage.do("show queue"), stage.boards[-1])
    assert text.out == SHOWN


async def test_scripts_that_the_queue_event_lists_as_ended_or_not_at_all_are_shown(stage: Stage) -> None:
    """A queue configured for clients that know of no slots lists scripts beside main elsewhere."""
    async with stage.queue() as queue:
        await tell_night(queue, waiting=(SLEW, IMAGES))
        queue.past = [ESS, 100_001]
        text = report(await stage.do("show queue"), stage.boards[-1])
    assert text.out == SHOWN


async def test_programs_get_the_slots(stage: Stage) -> None:
    async with stage.queue() as queue:
        await tell_night(queue)
        text = report(await stage.do("show queue --json"), stage.boards[-1])
    data = json.loads(text.out[0])
    assert data["event"]["topic"] == "logevent_queue"
    main, calibration, utility = data["slots"]
    assert (calibration["name"], calibration["running"], calibration["pauseReason"]) == (
        "calibration",
        False,
        SINCE,
    )
    assert [script["scriptSalIndex"] for script in calibration["active"]] == [FLATS]
    assert calibration["active"][0]["exitReason"] == EXIT
    assert (main["capacity"], main["eager"], main["heldUp"]) == (1, False, [SLEW])
    assert main["waiting"][0] == {
        "scriptSalIndex": SLEW,
        "isStandard": True,
        "path": "track_100012.py",
        "scriptState": "CONFIGURED",
        "processState": "CONFIGURED",
        "resources": "MTMount,MTDome",
        "waitingFor": HELD,
        "exitReason": "",
        "concern": "",
        "processId": 0,
        "outputFile": "",
        "memory": 0,
        "cpuTime": 0.0,
        "age": 0.0,
    }
    assert (utility["capacity"], utility["eager"], utility["waiting"]) == (4, True, [])


@pytest.mark.parametrize(
    ("state", "slots", "first"),
    [
        (State.ENABLED, NIGHT[::2], "ScriptQueue:1 is ENABLED, running"),
        (State.ENABLED, (CALIBRATION, CALIBRATION), "ScriptQueue:1 is ENABLED, all slots paused"),
        (State.DISABLED, NIGHT, "ScriptQueue:1 is DISABLED, nothing starts"),
    ],
)
def test_the_first_line(state: State, slots: tuple[Slot, ...], first: str) -> None:
    board = Board()
    board.take(an_event("summaryState", summaryState=state))
    board.take(an_event("queue", enabled=state is State.ENABLED, running=True))
    board.take(an_event("slots", **slots_fields(*slots)))
    assert slot_lines(board)[0] == first


async def test_a_script_is_shown_with_its_slot(stage: Stage) -> None:
    async with stage.queue() as queue:
        await tell_night(queue)
        text = report(await stage.do(f"show script {SLEW}"), stage.boards[-1])
    assert text.out == (
        f"100012 standard track_100012.py CONFIGURED, in slot main; needs MTMount,MTDome; waits: {HELD}",
    )


async def test_a_script_alone_is_shown_with_the_whole_of_why_it_ended(stage: Stage) -> None:
    async with stage.queue() as queue:
        await tell_night(queue)
        text = report(await stage.do(f"show script {FLATS}"), stage.boards[-1])
    assert text.out == (
        "100011 standard track_100011.py CONFIGURED, in slot calibration "
        f"{EXIT.replace(NEWLINE, ' ')}; needs MTMount",
    )


async def test_where_there_is_only_main_nothing_is_said_of_slots(stage: Stage) -> None:
    async with stage.queue() as queue:
        await tell_night(queue, waiting=(SLEW,))
        queue.slots = (Slot("main", waiting=(SLEW,)),)
        queue.words[SLEW]["exitReason"] = "killed"
        lines = report(await stage.do("show queue"), stage.boards[-1]).out
        (line,) = report(await stage.do(f"show script {SLEW}"), stage.boards[-1]).out
        (data,) = report(await stage.do("show queue --json"), stage.boards[-1]).out
    assert lines == (
        "ScriptQueue:1 is ENABLED, running",
        "waiting  100012 standard track_100012.py CONFIGURED killed",
        "ended    100001 standard track_100001.py CONFIGURED",
    )
    assert line == "100012 standard track_100012.py CONFIGURED killed"
    assert "slots" not in json.loads(data)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("resume calibration", "slot"),
        ("add external slew.py --slot main --resources none", "slot and resources"),
    ],
)
async def test_an_older_queue_is_not_told_what_it_would_take_for_all_of_it(
    stage: Stage, line: str, told: str
) -> None:
    async with stage.queue() as queue:
        outcome = await stage.do(line)
    assert (outcome.exit, queue.seen) == (Exit.USAGE, [])
    assert outcome.result == f"ScriptQueue:1 tells of no slots, it is an older one; leave out {told}"


async def test_slots_that_a_newer_queue_left_behind_are_none(stage: Stage) -> None:
    async with stage.queue() as newer:
        await tell_night(newer)
    async with stage.queue() as older:
        older.waiting = [SLEW]
        await older.tell_queue()
        text = report(await stage.do("show queue"), stage.boards[-1])
    assert text.out[1:] == ("waiting  100012 standard track_100012.py CONFIGURED",)


@pytest.mark.parametrize("line", ["pause main", "resume calibration", "move 100012 first --slot utility"])
async def test_a_queue_with_slots_is_told_which(stage: Stage, line: str) -> None:
    async with stage.queue() as queue:
        await tell_night(queue)
        outcome = await stage.do(line)
    assert outcome.exit is Exit.COMPLETE
    ((_, data),) = queue.seen
    assert data.slot in line


async def test_what_stays_paused_is_printed(stage: Stage) -> None:
    still = f"Done; still paused: slot calibration {SINCE}"
    async with stage.queue() as queue:
        queue.replies["resume"] = still
        assert report(await stage.do("resume"), Board()).out == (still,)


async def test_who_waits_is_told_why(stage: Stage) -> None:
    async with stage.queue() as queue, asyncio.TaskGroup() as group:
        queue.life, queue.running = [(S.UNCONFIGURED, P.LOADING)], False
        queue.slots = NIGHT
        queue.words = {SCRIPT: {"waitingFor": "configuring since 21:05:00"}}
        doing = group.create_task(stage.do("add standard slew.py --wait running"))
        await stage.says(f"script {SCRIPT} is UNCONFIGURED")
        queue.words = {SCRIPT: {"waitingFor": HELD}}
        await queue.tell_script(SCRIPT, S.CONFIGURED, P.CONFIGURED)
        queue.slots = (dataclasses.replace(NIGHT[0], active=(SCRIPT,)), *NIGHT[1:])
        queue.words = {SCRIPT: {"waitingFor": "starts now"}}
        await stage.says(f"script {SCRIPT} waits: {HELD}")
        await queue.tell_queue()
        await queue.tell_script(SCRIPT, S.CONFIGURED, P.CONFIGURED)
        await queue.tell_script(SCRIPT, S.RUNNING, P.RUNNING)
        assert (await doing).exit is Exit.COMPLETE
    assert stage.said == [
        f"script {SCRIPT} is UNCONFIGURED",
        f"script {SCRIPT} is CONFIGURED",
        f"script {SCRIPT} waits: {HELD}",
        f"script {SCRIPT} is RUNNING",
    ]


async def test_the_queue_says_why_a_script_has_ended(stage: Stage) -> None:
    async with stage.queue() as queue:
        queue.life = [(S.RUNNING, P.RUNNING), (S.FAILED, P.DONE)]
        queue.words = {SCRIPT: {"exitReason": "it was killed by SIGKILL; it printed last: oh"}}
        outcome = await stage.do("add standard slew.py --wait done")
    assert outcome.script is not None
    assert outcome.script.reason == "it was killed by SIGKILL; it printed last: oh"


async def test_the_toolbar_shows_the_slots_those_first_that_are_paused(stage: Stage) -> None:
    async with stage.queue() as queue, connect(stage.client()) as client:
        with client.feed.listening() as events:
            await tell_night(queue)
            while (await events.get()).name != "slots":
                pass
        assert (
            toolbar(client.feed.board) == "ENABLED | calibration PAUSED | main 0/1, 2 waiting | utility 1/4"
        )


def an_event(name: str, **fields: Any) -> Event:
    topic = component("ScriptQueue").events[name]
    return Event(topic, record(name, salIndex=1, private_sndStamp=DEFAULT_START_TAI, **fields))


def record(name: str, **fields: Any) -> Record:
    return record_class(component("ScriptQueue").events[name])(**fields)


async def test_events_in_words() -> None:
    script = an_event(
        "script", scriptSalIndex=SLEW, path="a.py", slot="main", waitingFor=HELD, exitReason="killed"
    )
    assert event_line(an_event("slots", **slots_fields(*NIGHT)), FakeClock()) == (
        f"00:00:00.000 ScriptQueue:1 slots: main 0/1, 2 waiting; calibration PAUSED, {SINCE}; utility 1/4"
    )
    assert event_line(script, FakeClock()) == (
        "00:00:00.000 ScriptQueue:1 script: 100012 external a.py: UNKNOWN; killed"
    )
    assert event_line(script, FakeClock(), has_slots=True) == (
        f"00:00:00.000 ScriptQueue:1 script: 100012 external a.py: UNKNOWN in main; waits: {HELD}; killed"
    )


async def test_a_long_reason_is_cut_off_where_there_is_one_line() -> None:
    script = an_event("script", scriptSalIndex=SLEW, path="a.py", exitReason="x" * 500)
    assert event_line(script, FakeClock(), has_slots=True).endswith(f"; {'x' * 119}…")


def test_a_pause_is_news_and_a_script_that_comes_is_none() -> None:
    news = News(Board())
    running = (NIGHT[0], Slot("calibration"))
    told = [running, (Slot("main"), Slot("calibration")), (NIGHT[0], CALIBRATION), (NIGHT[0], CALIBRATION)]
    assert [news.is_news(an_event("slots", **slots_fields(*slots))) for slots in told] == [
        True,
        False,
        True,
        False,
    ]
    assert not news.is_news(an_event("slots", **slots_fields(Slot("main"))))


@pytest.mark.parametrize(
    ("slot", "held_up"),
    [
        (Slot("a", waiting=(1, 2)), (1,)),
        (Slot("a", waiting=(1, 2), is_eager=True), (1, 2)),
        (Slot("a", active=(3,), waiting=(1, 2)), ()),
        (Slot("a", waiting=(1, 2), is_running=False), ()),
        (Slot("a", capacity=2, active=(3,), waiting=(1, 2)), (1,)),
    ],
)
def test_who_is_held_up(slot: Slot, held_up: tuple[int, ...]) -> None:
    assert slot.held_up == held_up


@pytest.mark.parametrize("garbage", ["{", "[]", "null"])
def test_reasons_that_cannot_be_read_are_none(garbage: str) -> None:
    fields = {**slots_fields(CALIBRATION), "pauseReasons": garbage}
    (slot,) = slots_in(record("slots", **fields))
    assert slot.pause_reason == "paused"


def test_slots_come_back_as_they_were_told() -> None:
    assert slots_in(record("slots", **slots_fields(*NIGHT))) == NIGHT
