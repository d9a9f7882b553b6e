# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in one shot: what the queue is told, what is said of it, and the exit status."""

from __future__ import annotations

import asyncio
import json

import pytest

from lsst.ts.scriptqueue.cli.commanding.client import HEARING_S
from lsst.ts.scriptqueue.cli.commanding.feed import Board
from lsst.ts.scriptqueue.cli.commanding.outcomes import Exit
from lsst.ts.scriptqueue.cli.commanding.reports import report
from lsst.ts.scriptqueue.cli.commanding.waiting import GONE_S
from lsst.ts.scriptqueue.sal.enums import SalRetCode, State
from lsst.ts.scriptqueue.sal.enums import ScriptProcessState as P
from lsst.ts.scriptqueue.sal.enums import ScriptState as S

from .stage import SCRIPT, Stage, refusal

SLEW = "add external slew.py 'az: 10'"


async def test_the_queue_is_given_what_was_typed(stage: Stage) -> None:
    async with stage.queue() as queue:
        outcome = await stage.do(f"{SLEW} --location first")
    ((name, data),) = queue.seen
    assert (name, data.path, data.config, data.isStandard, data.location) == (
        "add",
        "slew.py",
        "az: 10",
        False,
        1,
    )
    assert (outcome.exit, outcome.result) == (Exit.COMPLETE, str(SCRIPT))


async def test_only_the_result_goes_to_stdout(stage: Stage) -> None:
    async with stage.queue():
        text = report(await stage.do(f"{SLEW} --wait running"), Board())
    assert text.out == (str(SCRIPT),)
    assert stage.said == [
        f"script {SCRIPT} is {name}" for name in ("LOADING", "UNCONFIGURED", "CONFIGURED", "RUNNING")
    ]


async def test_a_program_gets_one_object(stage: Stage) -> None:
    async with stage.queue():
        text = report(await stage.do(f"{SLEW} --wait done --json"), Board())
    (line,) = text.out
    data = json.loads(line)
    assert (data["command"], data["ack"], data["ackName"], data["error"]) == ("add", 303, "CMD_COMPLETE", 0)
    assert (data["result"], data["exit"]) == (str(SCRIPT), 0)
    assert data["outcome"] == {
        "scriptSalIndex": SCRIPT,
        "goal": "done",
        "reached": True,
        "scriptState": "DONE",
        "processState": "RUNNING",
        "reason": "",
    }
    assert text.err == ()


async def test_a_refusal_is_told_in_the_queue_s_words(stage: Stage) -> None:
    async with stage.queue() as queue:
        queue.replies["add"] = refusal("no script 'slew.py'; did you mean slow.py?")
        outcome = await stage.do(SLEW)
    assert outcome.exit is Exit.REFUSED
    assert report(outcome, Board()).err == ("add was refused: no script 'slew.py'; did you mean slow.py?",)
    assert outcome.as_data()["ack"] == SalRetCode.CMD_FAILED


async def test_no_queue_is_said_and_how_to_start_one(stage: Stage) -> None:
    began = asyncio.get_running_loop().time()
    outcome = await stage.do("pause")
    assert outcome.exit is Exit.NO_ANSWER
    assert "no ScriptQueue:1 is heard from" in outcome.result
    assert "run_script_queue 1 --state enabled" in outcome.result
    assert asyncio.get_running_loop().time() - began == pytest.approx(HEARING_S)
    assert outcome.as_data()["ackName"] == "CMD_NOACK"


async def test_what_a_dead_queue_left_behind_is_no_sign_of_life(stage: Stage) -> None:
    async with stage.queue():
        pass
    stage.clock.step(60)
    assert "no ScriptQueue:1 is heard from" in (await stage.do("pause")).result


async def test_the_time_limit_is_said(stage: Stage) -> None:
    async with stage.queue() as queue:
        queue.held.clear()
        outcome = await stage.do("pause --timeout 2.5")
    assert outcome.exit is Exit.NO_ANSWER
    assert "did not answer within 2.5 s (it is alive)" in outcome.result
    assert outcome.as_data()["ackName"] == "CMD_NOACK"


@pytest.mark.parametrize(
    ("line", "event", "printed"),
    [
        ("show queue", "queue", "ScriptQueue:1 is ENABLED, running"),
        ("show script 100005", "script", "100005 standard track_100005.py CONFIGURED"),
        ("show schema external slew.py", "configSchema", "type: object"),
        ("show available", "availableScripts", "standard slew.py"),
    ],
)
async def test_show_prints_the_event_that_answers(stage: Stage, line: str, event: str, printed: str) -> None:
    async with stage.queue():
        outcome = await stage.do(line)
    assert outcome.event is not None
    assert outcome.event.name == event
    assert printed in report(outcome, stage.boards[-1]).out[0]


async def test_an_answer_to_somebody_else_is_none(stage: Stage) -> None:
    async with stage.queue() as queue:
        queue.foreign_path = "other.py"
        outcome = await stage.do("show schema external slew.py")
    assert outcome.event is not None
    assert outcome.event.data.path == "slew.py"


async def test_the_queue_is_shown_with_the_paths_of_its_scripts(stage: Stage) -> None:
    async with stage.queue() as queue:
        queue.waiting, queue.past = [100_002, 100_003], [100_001]
        await queue.tell_queue()
        outcome = await stage.do("show queue")
        lines = report(outcome, stage.boards[-1]).out
    assert lines == (
        "ScriptQueue:1 is ENABLED, running",
        "waiting  100002 standard track_100002.py CONFIGURED",
        "waiting  100003 standard track_100003.py CONFIGURED",
        "ended    100001 standard track_100001.py CONFIGURED",
    )


async def test_a_script_that_fails_misses_its_goal_for_its_own_reason(stage: Stage) -> None:
    async with stage.queue() as queue, stage.script() as script:
        queue.life = [(S.CONFIGURED, P.CONFIGURED), (S.RUNNING, P.RUNNING), (S.FAILED, P.DONE)]
        await script.events["state"].set_write(state=S.FAILED, reason="the dome is stuck")
        outcome = await stage.do(f"{SLEW} --wait done")
    assert outcome.exit is Exit.SCRIPT_ENDED
    assert report(outcome, Board()).err == (
        f"script {SCRIPT} did not become DONE; it is FAILED: the dome is stuck",
    )
    assert report(outcome, Board()).out == (str(SCRIPT),)


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ((S.FAILED, P.DONE), "its process ended by itself; the queue's log says how"),
        ((S.UNKNOWN, P.LOADFAILED), "it could not be loaded; the queue's log says why"),
        ((S.CONFIGURED, P.TERMINATED), "it was ended on request"),
    ],
)
async def test_a_script_that_says_nothing_itself(stage: Stage, last: tuple[S, P], reason: str) -> None:
    async with stage.queue() as queue:
        queue.life = [(S.UNKNOWN, P.LOADING), last]
        outcome = await stage.do(f"{SLEW} --wait running")
    assert outcome.exit is Exit.SCRIPT_ENDED
    assert outcome.script is not None
    assert outcome.script.reason == reason


async def test_waiting_has_a_time_limit(stage: Stage) -> None:
    async with stage.queue() as queue:
        queue.life = [(S.CONFIGURED, P.CONFIGURED)]
        outcome = await stage.do(f"{SLEW} --wait running --wait-timeout 20")
    assert outcome.exit is Exit.WAIT_TIMEOUT
    assert outcome.script is not None
    assert outcome.script.reason == "the time limit of 20 s is over"
    assert outcome.script.script_state == S.CONFIGURED


async def test_it_is_said_why_a_script_does_not_start(stage: Stage) -> None:
    async with stage.queue() as queue, asyncio.TaskGroup() as group:
        queue.life, queue.running = [(S.CONFIGURED, P.CONFIGURED)], False
        doing = group.create_task(stage.do(f"{SLEW} --wait running"))
        await stage.says(f"script {SCRIPT} is CONFIGURED")
        queue.running = True
        await queue.tell_queue()
        await queue.tell_script(SCRIPT, S.RUNNING, P.RUNNING)
        await doing
    assert stage.said == [
        "ScriptQueue:1 is paused; it starts no script before resume",
        f"script {SCRIPT} is CONFIGURED",
        "ScriptQueue:1 goes on",
        f"script {SCRIPT} is RUNNING",
    ]


async def test_waiting_ends_when_the_queue_falls_silent(stage: Stage) -> None:
    async with stage.queue() as queue, asyncio.TaskGroup() as group:
        queue.life = [(S.CONFIGURED, P.CONFIGURED)]
        doing = group.create_task(stage.do(f"{SLEW} --wait done"))
        await stage.says(f"script {SCRIPT} is CONFIGURED")
        await queue.close()
        outcome = await doing
    assert outcome.exit is Exit.WAIT_TIMEOUT
    assert outcome.script is not None
    assert outcome.script.reason == f"ScriptQueue:1 has been silent for {GONE_S:g} s"


async def test_waiting_ends_when_the_queue_goes_offline(stage: Stage) -> None:
    async with stage.queue() as queue, asyncio.TaskGroup() as group:
        queue.life = [(S.CONFIGURED, P.CONFIGURED)]
        doing = group.create_task(stage.do(f"{SLEW} --wait done"))
        await stage.says(f"script {SCRIPT} is CONFIGURED")
        await queue.events["summaryState"].set_write(summaryState=State.OFFLINE)
        outcome = await doing
    assert outcome.script is not None
    assert outcome.script.reason == "ScriptQueue:1 has gone OFFLINE"


async def test_an_answer_that_is_no_index_is_not_waited_for(stage: Stage) -> None:
    async with stage.queue() as queue:
        queue.replies["requeue"] = "Done"
        outcome = await stage.do("requeue 100001 --wait done")
    assert outcome.exit is Exit.NO_ANSWER
    assert "'Done', which is no index" in outcome.result


async def test_a_command_goes_straight_to_a_script(stage: Stage) -> None:
    seen: list[tuple[str, str]] = []
    async with stage.queue() as queue, stage.script() as script:
        script.commands["setCheckpoints"].callback = lambda data: seen.append((data.pause, data.stop))
        outcome = await stage.do(f"script setCheckpoints {SCRIPT} --pause exp.*")
    assert (outcome.exit, seen, queue.seen) == (Exit.COMPLETE, [("exp.*", "")], [])


async def test_a_script_that_is_not_there(stage: Stage) -> None:
    async with stage.queue():
        outcome = await stage.do(f"script stop {SCRIPT} --timeout 1")
    assert outcome.exit is Exit.NO_ANSWER
    assert outcome.result.startswith(f"Script:{SCRIPT} did not answer within 1 s")


async def test_a_script_of_another_queue(stage: Stage) -> None:
    async with stage.queue():
        outcome = await stage.do("script stop 200001")
    assert outcome.exit is Exit.USAGE
    assert "100000 to 199999" in outcome.result
