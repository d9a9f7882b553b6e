# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen of the night, its lines and its summary: drawn from a recorded night."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from lsst.ts.scriptqueue.cli.night.looks import happening_line
from lsst.ts.scriptqueue.cli.night.picture import Picture
from lsst.ts.scriptqueue.cli.night.screen import SMALLEST, draw
from lsst.ts.scriptqueue.cli.night.sightings import ClaimSeen, Sighting
from lsst.ts.scriptqueue.cli.night.summary import summary
from lsst.ts.scriptqueue.cli.night.timeline import timeline
from lsst.ts.scriptqueue.cli.night.views import LineView, ScreenView, view
from lsst.ts.scriptqueue.sal.clock import SystemClock

from .demo_recording import SLEW, START_TAI, night, night_in_slots, queue_seen


def console(width: int = 80, height: int = 24, *, terminal: bool = True) -> Console:
    # The environment of whoever runs this may say what the terminal is like.
    return Console(
        file=io.StringIO(),
        width=width,
        height=height,
        record=True,
        force_terminal=terminal,
        _environ={"TERM": "xterm-256color"},
    )


def drawn(renderable: RenderableType, width: int = 80, height: int = 24) -> str:
    recording = console(width, height)
    recording.print(renderable)
    return recording.export_text()


def picture_until(at_s: float, seen: Callable[[], list[Sighting]] = night) -> Picture:
    picture = Picture(START_TAI)
    for sighting in seen():
        if sighting.at_tai <= START_TAI + at_s:
            picture.see(sighting)
    return picture


@pytest.mark.parametrize(
    ("at_s", "expected"),
    [
        pytest.param(
            0.0, ["not there yet", "starts scripts when it is ENABLED", "nothing waits"], id="no queue yet"
        ),
        pytest.param(0.9, ["ENABLED  running", "Nothing waits.", "enables the queue"], id="an empty queue"),
        pytest.param(
            1.5,
            ["The next script is not ready yet.", "next  2.0 s", "· 100002 warm_up"],
            id="scripts on their way",
        ),
        pytest.param(
            2.6, ["▸ running", "1.0 of 2.0 s", "checkpoint 1 of 2: slewing", "queue · 2"], id="one runs"
        ),
        pytest.param(
            4.7,
            ["‖ paused", "checkpoint 1 of 3: exposure 1", "✓ 100000 slew_and_track", "2.0 s"],
            id="one is paused",
        ),
        pytest.param(7.2, ["ENABLED  paused", "✗ failed", "no light", "history · 1"], id="one has failed"),
    ],
)
def test_the_screen_shows_how_things_stand(at_s: float, expected: list[str]) -> None:
    text = drawn(draw(picture_until(at_s), START_TAI + at_s, 80, 24))
    assert [words for words in expected if words not in text] == []


@pytest.mark.parametrize(("width", "height"), [SMALLEST, (80, 24), (120, 40), (250, 90)])
@pytest.mark.parametrize("at_s", [0.0, 2.6, 7.2])
def test_the_screen_fits_exactly(at_s: float, width: int, height: int) -> None:
    picture = picture_until(at_s)
    picture.see(queue_seen(8.0, current=SLEW, waiting=tuple(range(1, 100)), past=tuple(range(200, 300))))
    lines = drawn(draw(picture, START_TAI + 8, width, height), width, height).splitlines()
    assert len(lines) == height
    assert max(cell_len(line) for line in lines) <= width


@pytest.mark.parametrize(
    ("at_s", "expected"),
    [
        pytest.param(
            10.0, ["ENABLED  running", "main", "0 of 1", "utility", "0 of 4"], id="there is nothing in them"
        ),
        pytest.param(
            12.0,
            [
                "▸ 100000 slew_and_track",
                "▸ 100001 take_images",
                "○ 100004 slew  MTMount is held by 100000 (main) since 08:00:11",
            ],
            id="one waits for the mount",
        ),
        pytest.param(
            13.0,
            [
                "ENABLED  paused: calibration",
                "calibration  paused since 08:00:13, because 100001 failed: no light",
                "✗ 100001 take_images",
                "failed  2.0 s",
                "▸ 100000 slew_and_track",
            ],
            id="a failure has paused its own slot",
        ),
    ],
)
def test_the_screen_shows_what_each_slot_does(at_s: float, expected: list[str]) -> None:
    text = drawn(draw(picture_until(at_s, night_in_slots), START_TAI + at_s, 80, 24))
    assert [words for words in expected if words not in text] == []


@pytest.mark.parametrize(("width", "height"), [SMALLEST, (80, 24), (120, 40)])
def test_the_slots_fit_exactly(width: int, height: int) -> None:
    picture = picture_until(13.0, night_in_slots)
    lines = drawn(draw(picture, START_TAI + 13, width, height), width, height).splitlines()
    assert len(lines) == height
    assert max(cell_len(line) for line in lines) <= width


def test_the_timeline_shows_what_ran_beside_what() -> None:
    text = timeline(picture_until(20.0, night_in_slots), 58).plain
    assert text.splitlines() == [
        "slot        script                   11.0 s        16.0 s",
        "main        100000 slew_and_track    ████████████████",
        "calibration 100001 take_images       ████████",
        "utility     100003 set_summary_state █████",
        "            100004 slew                  ············████",
        "█ ran  · was ready, and waited",
    ]


def test_a_night_without_slots_has_no_timeline() -> None:
    assert timeline(picture_until(9.0), 80).plain == ""
    assert "slot" not in drawn(summary(picture_until(9.0), 100))


def test_the_summary_has_the_timeline() -> None:
    picture = picture_until(20.0, night_in_slots)
    picture.see(ClaimSeen(START_TAI, "the queue is empty", True))
    assert "utility     100003 set_summary_state" in drawn(summary(picture, 100), 100)


def test_what_does_not_fit_is_counted() -> None:
    picture = picture_until(0.9)
    picture.see(queue_seen(1.0, waiting=tuple(range(100_000, 100_030)), past=tuple(range(100_030, 100_040))))
    text = drawn(draw(picture, START_TAI + 1, 80, 24))
    assert "queue · 30" in text
    assert "and 24 more" in text
    assert "100000 " in text
    assert "100029" not in text


def test_the_expected_duration_never_fills_the_bar_before_the_end() -> None:
    late = drawn(draw(picture_until(2.6), START_TAI + 60, 80, 24))
    assert "58.4 of 2.0 s" in late
    assert "╺" in late or "╸" in late


def test_a_line_says_when_who_and_what() -> None:
    lines = [happening_line(h, START_TAI).plain for h in picture_until(0.7).happenings]
    assert lines == ["  0.5 s  queue     is STANDBY", "  0.6 s  operator  enables the queue"]


def test_lines_are_printed_whole() -> None:
    picture, recording = picture_until(0.7), console(width=20)
    shown = LineView(recording, picture)
    for happening in picture.happenings:
        shown.tell(happening)
    assert recording.export_text() == "  0.5 s  queue     is STANDBY\n  0.6 s  operator  enables the queue\n"


def test_the_summary_has_a_row_for_each_script() -> None:
    picture = picture_until(9.0)
    picture.see(ClaimSeen(START_TAI, "the queue is empty", True))
    rows = drawn(summary(picture, 100), 100).splitlines()
    assert any(
        row.split() == ["100000", "slew_and_track", "✓", "done", "2027-01-15T08:00:38.500", "0.6", "2.0"]
        for row in rows
    )
    assert any(row.split() == ["100002", "warm_up", "·", "loading", "-", "-", "-"] for row in rows)
    assert rows[-1] == "All 1 things looked at were as they should be."


def test_the_summary_says_what_was_not_as_it_should_be() -> None:
    picture = picture_until(9.0)
    picture.see(ClaimSeen(START_TAI, "the queue is empty", True))
    picture.see(ClaimSeen(START_TAI, "it failed", False))
    lines = drawn(summary(picture, 100), 100).splitlines()
    assert lines[-2:] == ["1 of 2 things were not as they should be:", "  ✗ it failed"]


@pytest.mark.parametrize(
    ("shown_at", "lines", "kind"),
    [
        pytest.param(console(), False, ScreenView, id="a terminal"),
        pytest.param(console(), True, LineView, id="lines were asked for"),
        pytest.param(console(terminal=False), False, LineView, id="no terminal"),
        pytest.param(console(height=10), False, LineView, id="a terminal too small"),
    ],
)
def test_how_the_night_is_shown(shown_at: Console, lines: bool, kind: type) -> None:
    assert type(view(shown_at, Picture(START_TAI), SystemClock(), lines=lines)) is kind


async def test_the_screen_is_left_as_it_was_found() -> None:
    shown_at = console()
    async with ScreenView(shown_at, picture_until(2.6), SystemClock()):
        pass
    assert isinstance(shown_at.file, io.StringIO)
    written = shown_at.file.getvalue()
    assert written.index("\x1b[?1049h") < written.index("\x1b[?1049l")
