# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the night: what is concluded from what was seen."""

from __future__ import annotations

import logging

import pytest

from lsst.ts.scriptqueue.cli.commanding.slots import Slot
from lsst.ts.scriptqueue.cli.night.outcomes import Outcome, outcome
from lsst.ts.scriptqueue.cli.night.picture import QUEUE, Picture
from lsst.ts.scriptqueue.cli.night.sightings import ClaimSeen, GroupIdSeen, Sighting, SlotsSeen
from lsst.ts.scriptqueue.sal.enums import ScriptProcessState, ScriptState, State

from .demo_recording import (
    IMAGES,
    MOUNT,
    SLEW,
    START_TAI,
    WARMUP,
    night,
    night_in_slots,
    queue_seen,
    script_seen,
    state_seen,
)


def picture_of(*sightings: Sighting) -> Picture:
    picture = Picture(START_TAI)
    for sighting in sightings:
        picture.see(sighting)
    return picture


def told(picture: Picture) -> list[tuple[float, str, str]]:
    return [(round(h.at_tai - START_TAI, 1), h.who, h.text) for h in picture.happenings]


def test_a_night_is_told_once_and_in_order() -> None:
    assert told(picture_of(*night())) == [
        (0.5, "queue", "is STANDBY"),
        (0.6, "operator", "enables the queue"),
        (0.8, "queue", "is ENABLED"),
        (1.0, "operator", "adds three scripts"),
        (1.0, "100000", "slew_and_track loading"),
        (1.1, "100001", "take_images loading"),
        (1.2, "100002", "warm_up loading"),
        (1.3, "100000", "slew_and_track configuring"),
        (1.4, "100000", "slew_and_track ready"),
        (1.5, "100000", "is next, with group id 2027-01-15T08:00:38.500"),
        (1.6, "100000", "slew_and_track running"),
        (1.7, "100001", "take_images ready"),
        (2.6, "100000", "checkpoint 1 of 2: slewing"),
        (3.6, "100000", "slew_and_track done"),
        (3.7, "100001", "take_images running"),
        (4.7, "100001", "checkpoint 1 of 3: exposure 1"),
        (4.7, "100001", "take_images paused at exposure 1"),
        (6.7, "100001", "take_images goes on"),
        (7.0, "100001", "log: the shutter did not open"),
        (7.2, "100001", "take_images failed: no light"),
        (7.2, "queue", "is paused"),
    ]


def test_what_is_seen_twice_is_no_news() -> None:
    picture = picture_of(*night())
    repeated = [sighting for sighting in night()[-3:] if picture.see(sighting)]
    assert repeated == []


def test_the_picture_after_the_night() -> None:
    picture = picture_of(*night())
    assert picture.state is State.ENABLED
    assert not picture.running
    assert (picture.current, picture.waiting, picture.past) == (IMAGES, (WARMUP,), (SLEW,))
    slew, images, warm_up = picture.scripts
    assert (slew.outcome, images.outcome, warm_up.outcome) == (Outcome.DONE, Outcome.FAILED, Outcome.LOADING)
    assert slew.group_id == "2027-01-15T08:00:38.500"
    assert images.reason == "no light\nat all"


@pytest.mark.parametrize(
    ("index", "wait_s", "run_s"),
    [
        pytest.param(SLEW, 0.6, 2.0, id="a script that is done"),
        pytest.param(IMAGES, 2.6, 3.5, id="one that was paused meanwhile"),
        pytest.param(WARMUP, None, None, id="one that never ran"),
    ],
)
def test_waits_and_runs(index: int, wait_s: float | None, run_s: float | None) -> None:
    script = picture_of(*night()).script(index)
    assert script.wait_s == (None if wait_s is None else pytest.approx(wait_s, abs=0.01))
    assert script.run_s == (None if run_s is None else pytest.approx(run_s, abs=0.01))


@pytest.mark.parametrize(
    ("seen_s", "now_s", "progress_s"),
    [
        pytest.param(3.7, 4.2, 0.5, id="it grows while the script runs"),
        pytest.param(4.7, 6.0, 1.0, id="it stands still while the script is paused"),
        pytest.param(6.7, 7.0, 1.3, id="it grows on after the pause"),
        pytest.param(7.2, 60.0, 1.5, id="it stays when the script has ended"),
    ],
)
def test_progress_counts_work_only(seen_s: float, now_s: float, progress_s: float) -> None:
    seen = [sighting for sighting in night() if sighting.at_tai <= START_TAI + seen_s]
    script = picture_of(*seen).script(IMAGES)
    assert script.progress_s(START_TAI + now_s) == pytest.approx(progress_s, abs=0.01)


@pytest.mark.parametrize("state_first", [True, False], ids=["script's word first", "queue's word first"])
def test_the_order_of_two_topics_does_not_matter(state_first: bool) -> None:
    words: list[Sighting] = [
        state_seen(2.0, SLEW, ScriptState.RUNNING),
        script_seen(2.0, SLEW, ScriptProcessState.RUNNING, ScriptState.RUNNING, run_start_s=2.0),
        queue_seen(2.0, current=SLEW),
    ]
    script = picture_of(*(words if state_first else words[::-1])).script(SLEW)
    assert script.outcome is Outcome.RUNNING
    assert script.path == "slew_and_track.py"
    assert script.progress_s(START_TAI + 3.0) == pytest.approx(1.0)


def test_a_killed_script_has_failed_though_it_never_said_so() -> None:
    picture = picture_of(
        state_seen(2.0, SLEW, ScriptState.RUNNING),
        script_seen(3.0, SLEW, ScriptProcessState.DONE, ScriptState.FAILED, run_start_s=2.0),
    )
    assert picture.script(SLEW).outcome is Outcome.FAILED
    assert picture.happenings[-1].level == logging.ERROR


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        pytest.param((1, 2, 3), (3, 1, 2), "has a new order: 3, 1, 2", id="one was moved"),
        pytest.param((1, 2, 3), (2, 3), None, id="the first was taken"),
        pytest.param((1, 2, 3), (1, 3, 4), None, id="one was stopped and one added"),
        pytest.param((1, 2, 3), (4, 1, 2, 3), None, id="one was added in front"),
    ],
)
def test_a_new_order_is_told_only_if_a_script_was_moved(
    before: tuple[int, ...], after: tuple[int, ...], text: str | None
) -> None:
    picture = picture_of(queue_seen(1.0, waiting=before))
    news = [happening.text for happening in picture.see(queue_seen(2.0, waiting=after))]
    assert news == ([] if text is None else [text])


def test_a_group_id_taken_back_is_told() -> None:
    (happening,) = Picture(START_TAI).see(GroupIdSeen(START_TAI, SLEW, "now", canceled=True))
    assert (happening.who, happening.text) == (str(SLEW), "is not next any more, and loses group id now")


def test_a_group_id_taken_back_by_the_script_is_gone() -> None:
    picture = picture_of(
        state_seen(1.0, SLEW, ScriptState.CONFIGURED, group_id="one"),
        state_seen(2.0, SLEW, ScriptState.CONFIGURED),
    )
    assert picture.script(SLEW).group_id == ""


@pytest.mark.parametrize(("held", "level"), [(True, logging.INFO), (False, logging.ERROR)])
def test_a_claim_is_kept_and_told(held: bool, level: int) -> None:
    claim = ClaimSeen(START_TAI, "the queue is empty", held)
    picture = Picture(START_TAI)
    (happening,) = picture.see(claim)
    assert picture.claims == [claim]
    assert happening.level == level
    assert "the queue is empty" in happening.text


def test_the_queue_pausing_and_going_on_is_told() -> None:
    picture = picture_of(queue_seen(1.0), queue_seen(2.0, running=False), queue_seen(3.0))
    assert told(picture) == [(2.0, QUEUE, "is paused"), (3.0, QUEUE, "goes on")]


def test_slots_are_told_and_why_who_waits() -> None:
    picture = picture_of(*night_in_slots())
    of_slots = [row for row in told(picture) if "slot" in row[2] or "waits" in row[2]]
    assert of_slots == [
        (10.0, QUEUE, "has 3 slots: main, calibration, utility"),
        (12.0, str(MOUNT), "waits: MTMount is held by 100000 (main) since 08:00:11"),
        (13.0, QUEUE, "slot calibration is paused since 08:00:13, because 100001 failed: no light"),
        (15.5, QUEUE, "slot calibration goes on"),
    ]
    assert picture.reasons(MOUNT) == ("MTMount is held by 100000 (main) since 08:00:11",)
    assert picture.reasons(SLEW) == ()


def test_the_order_of_several_slots_is_no_order_of_the_queue() -> None:
    picture = picture_of(*night_in_slots()[:7], queue_seen(11.1, waiting=(IMAGES, MOUNT)))
    assert picture.see(queue_seen(11.2, waiting=(MOUNT, IMAGES), running=False)) == ()


def test_main_alone_is_no_news() -> None:
    alone = SlotsSeen(START_TAI, (Slot("main", is_running=False, pause_reason="paused"),))
    picture = picture_of(alone)
    assert not picture.has_slots
    assert told(picture) == []


def test_a_slot_that_is_not_there_has_no_place() -> None:
    slot = Picture(START_TAI).slot("calibration")
    assert (slot.capacity, slot.is_running) == (0, False)


@pytest.mark.parametrize(
    ("process", "told_state", "reported", "expected"),
    [
        (ScriptProcessState.LOADING, ScriptState.UNKNOWN, ScriptState.UNKNOWN, Outcome.LOADING),
        (ScriptProcessState.LOADING, ScriptState.UNKNOWN, ScriptState.UNCONFIGURED, Outcome.CONFIGURING),
        (ScriptProcessState.RUNNING, ScriptState.PAUSED, ScriptState.RUNNING, Outcome.RUNNING),
        (ScriptProcessState.RUNNING, ScriptState.RUNNING, ScriptState.PAUSED, Outcome.PAUSED),
        (ScriptProcessState.RUNNING, ScriptState.DONE, ScriptState.RUNNING, Outcome.DONE),
        (ScriptProcessState.CONFIGURED, ScriptState.CONFIGURED, ScriptState.UNCONFIGURED, Outcome.READY),
        (ScriptProcessState.LOADFAILED, ScriptState.UNKNOWN, ScriptState.UNKNOWN, Outcome.NOT_LOADED),
        (
            ScriptProcessState.CONFIGURE_FAILED,
            ScriptState.CONFIGURE_FAILED,
            ScriptState.CONFIGURE_FAILED,
            Outcome.NOT_CONFIGURED,
        ),
        (ScriptProcessState.TERMINATED, ScriptState.CONFIGURED, ScriptState.CONFIGURED, Outcome.STOPPED),
        (ScriptProcessState.DONE, ScriptState.STOPPED, ScriptState.STOPPED, Outcome.STOPPED),
        (ScriptProcessState.DONE, ScriptState.FAILED, ScriptState.RUNNING, Outcome.FAILED),
    ],
)
def test_how_a_script_stands(
    process: ScriptProcessState, told_state: ScriptState, reported: ScriptState, expected: Outcome
) -> None:
    assert outcome(process, told_state, reported) is expected
