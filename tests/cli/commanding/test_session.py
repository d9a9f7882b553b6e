# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines carried out one after the other, as from a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lsst.ts.scriptqueue.cli.commanding.client import connect
from lsst.ts.scriptqueue.cli.commanding.kinds import Loudness
from lsst.ts.scriptqueue.cli.commanding.outcomes import Exit
from lsst.ts.scriptqueue.cli.commanding.session import Session
from lsst.ts.scriptqueue.sal.enums import ScriptProcessState as P
from lsst.ts.scriptqueue.sal.enums import ScriptState as S
from lsst.ts.scriptqueue.sal.enums import State

from .stage import SCRIPT, SOON_S, PaperQueue, Stage, refusal


class Terminal:
    """Where a session prints."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.err: list[str] = []


@contextlib.asynccontextmanager
async def open_session(stage: Stage, **given: Any) -> AsyncIterator[tuple[Session, PaperQueue, Terminal]]:
    terminal = Terminal()
    async with asyncio.timeout(SOON_S), stage.queue() as queue, connect(stage.client()) as client:
        yield Session(client, terminal.out.append, terminal.err.append, given=given), queue, terminal


async def lines(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def test_lines_are_carried_out_in_order(stage: Stage) -> None:
    async with open_session(stage) as (session, queue, terminal):
        status = await session.run(lines("pause", "", "# a remark", "  add standard slew.py", "resume"))
    assert status is Exit.COMPLETE
    assert [name for name, _ in queue.seen] == ["pause", "add", "resume"]
    assert terminal.out == ["Done", str(SCRIPT), "Done"]
    assert terminal.err == []


@pytest.mark.parametrize(
    ("line", "status", "part"),
    [
        ("move 100001 first", Exit.REFUSED, "move was refused: 100001 runs already"),
        ("mvoe 100001 first", Exit.USAGE, "did you mean move"),
        ("add 'standard", Exit.USAGE, "a quote is not closed"),
        ("help mvoe", Exit.USAGE, "did you mean move"),
    ],
)
async def test_one_that_fails_is_told_and_the_others_go_on(
    stage: Stage, line: str, status: Exit, part: str
) -> None:
    async with open_session(stage) as (session, queue, terminal):
        queue.replies["move"] = refusal("100001 runs already")
        assert await session.run(lines(line, "resume")) is status
    assert part in terminal.err[0]
    assert queue.seen[-1][0] == "resume"


async def test_nothing_is_done_after_quit(stage: Stage) -> None:
    async with open_session(stage) as (session, queue, _):
        assert await session.run(lines("quit", "pause")) is Exit.COMPLETE
    assert session.has_ended
    assert queue.seen == []


async def test_programs_get_an_object_a_line(stage: Stage) -> None:
    async with open_session(stage, json=True) as (session, _, terminal):
        await session.run(lines("pause", "show queue"))
    paused, shown = (json.loads(line) for line in terminal.out)
    assert (paused["command"], paused["ack"]) == ("pause", 303)
    assert shown["event"]["data"]["running"] is True


async def test_help(stage: Stage) -> None:
    async with open_session(stage) as (session, _, terminal):
        assert await session.run(lines("help", "help move", "move --help", "?")) is Exit.COMPLETE
    assert "requeue" in terminal.out[0]
    assert terminal.out[1] == terminal.out[2]
    assert terminal.out[3] == terminal.out[0]


@pytest.mark.parametrize(
    ("which", "shown"),
    [("none", []), ("brief", ["summaryState"]), ("all", ["queue", "summaryState"])],
)
async def test_events_are_shown_as_chosen(stage: Stage, which: str, shown: list[str]) -> None:
    async with open_session(stage) as (session, queue, terminal):
        with session.showing_events():
            await session.run_line(f"events {which}")
            await queue.tell_queue()
            await queue.events["summaryState"].set_write(summaryState=State.DISABLED)
            await session.run_line("pause")
    assert [line.split()[2].rstrip(":") for line in terminal.out if "ScriptQueue:1" in line] == shown


async def test_what_is_known_is_no_news(stage: Stage) -> None:
    async with open_session(stage) as (session, queue, terminal), stage.script() as script:
        with session.showing_events():
            session.loudness = Loudness.BRIEF
            await queue.tell_queue()
            queue.running = False
            for _ in range(2):
                await queue.tell_queue()
            for states in ((S.UNKNOWN, P.LOADING), (S.RUNNING, P.CONFIGURED), (S.RUNNING, P.RUNNING)):
                await queue.tell_script(SCRIPT, *states)
            await queue.tell_script(SCRIPT, S.RUNNING, P.TERMINATED)
            for state, checkpoint in (
                (S.RUNNING, ""),
                (S.RUNNING, "one"),
                (S.PAUSED, "one"),
                (S.RUNNING, "two"),
            ):
                await script.events["state"].set_write(state=state, lastCheckpoint=checkpoint)
            await session.run_line("pause")
    told = [line.split(" ", 1)[1] for line in terminal.out if ":" in line]
    assert told == [
        "ScriptQueue:1 queue: enabled, paused; current none; waiting none; 0 ended",
        f"ScriptQueue:1 script: {SCRIPT} standard track_{SCRIPT}.py: LOADING",
        f"ScriptQueue:1 script: {SCRIPT} standard track_{SCRIPT}.py: RUNNING",
        f"ScriptQueue:1 script: {SCRIPT} standard track_{SCRIPT}.py: RUNNING (TERMINATED)",
        f"Script:{SCRIPT} state: RUNNING at checkpoint 'one'",
        f"Script:{SCRIPT} state: RUNNING at checkpoint 'two'",
    ]


async def test_events_are_lines_of_json_for_programs(stage: Stage) -> None:
    async with open_session(stage, json=True) as (session, queue, terminal):
        with session.showing_events():
            await session.run_line("events brief")
            await queue.events["summaryState"].set_write(summaryState=State.DISABLED)
            await session.run_line("pause")
    told = [json.loads(line) for line in terminal.out]
    assert [line.get("topic") for line in told] == ["logevent_summaryState", None]
