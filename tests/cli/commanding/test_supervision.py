# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with scripts, and what they use, as people and programs see it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lsst.ts.scriptqueue.cli.commanding.reports import report
from lsst.ts.scriptqueue.cli.commanding.slots import Slot
from lsst.ts.scriptqueue.cli.commanding.wording import process_lines, use_as_data
from lsst.ts.scriptqueue.sal.definitions import component
from lsst.ts.scriptqueue.sal.records import record_class

from .stage import PaperQueue, Stage

RUNS, WAITS, ENDED = 100_011, 100_012, 100_001
STOPPED = "its process is stopped since 21:04:11, by SIGSTOP or a debugger; it goes on after: kill -CONT 4711"
SERIAL = (Slot("main", active=(RUNS,), waiting=(WAITS,)),)


async def tell(queue: PaperQueue, *slots: Slot) -> None:
    queue.slots = slots
    queue.waiting, queue.past = [RUNS, WAITS], [ENDED]
    queue.words = {
        RUNS: {"slot": "main", "concern": STOPPED, "memory": 30_000_000, "cpuTime": 2.5},
        WAITS: {"slot": "main", "memory": 20_000_000, "cpuTime": 0.5},
    }
    await queue.tell_queue()


@pytest.mark.parametrize("slots", [SERIAL, (*SERIAL, Slot("utility"))], ids=["one slot", "two"])
async def test_what_is_wrong_is_shown(stage: Stage, slots: tuple[Slot, ...]) -> None:
    async with stage.queue() as queue:
        await tell(queue, *slots)
        text = report(await stage.do("show queue"), stage.boards[-1])
    line = next(line for line in text.out if "100011 standard" in line)
    assert f"BEWARE: {STOPPED}" in line
    assert "BEWARE" not in next(line for line in text.out if "100012 standard" in line)
    first = f"BEWARE   100011 track_100011.py in main: {STOPPED}"
    assert (first in text.out) is (len(slots) > 1), "where there are many lines it comes first"


@pytest.mark.parametrize("slots", [SERIAL, (*SERIAL, Slot("utility"))], ids=["one slot", "two"])
async def test_programs_get_what_each_script_uses(stage: Stage, slots: tuple[Slot, ...]) -> None:
    async with stage.queue() as queue:
        await tell(queue, *slots)
        text = report(await stage.do("show queue --json"), stage.boards[-1])
        asked = [data.scriptSalIndex for name, data in queue.seen if name == "showScript"]
    data = json.loads(text.out[0])
    if len(slots) > 1:
        (runs,), (waits,) = data["slots"][0]["active"], data["slots"][0]["waiting"]
    else:
        # Where there is only main nothing is said of slots.
        assert "slots" not in data
        runs, waits = data["scripts"]
    assert (runs["memory"], runs["cpuTime"], runs["concern"]) == (30_000_000, 2.5, STOPPED)
    assert (waits["memory"], waits["cpuTime"], waits["concern"]) == (20_000_000, 0.5, "")
    assert asked.count(RUNS) == asked.count(WAITS) == 1, "what is known may be old"


async def test_programs_get_what_one_script_uses(stage: Stage) -> None:
    async with stage.queue() as queue:
        await tell(queue, *SERIAL)
        text = report(await stage.do(f"show script {RUNS} --json"), stage.boards[-1])
    use = json.loads(text.out[0])["use"]
    assert use == {"memory": 30_000_000, "cpuTime": 2.5, "age": 0.0}


@pytest.mark.parametrize("slots", [SERIAL, (*SERIAL, Slot("utility"))], ids=["one slot", "two"])
async def test_people_are_shown_which_process_it_is_and_where_its_output_is(
    stage: Stage, slots: tuple[Slot, ...]
) -> None:
    async with stage.queue() as queue:
        await tell(queue, *slots)
        queue.words[RUNS] |= {"processId": 4711, "outputFile": "/state/output/100011.log"}
        text = report(await stage.do(f"show script {RUNS}"), stage.boards[-1])
        queue.words[RUNS] |= {"processId": 0, "outputFile": ""}
        nothing = report(await stage.do(f"show script {RUNS}"), stage.boards[-1])
    assert text.out[1:] == (
        "process  4711, 30 MB, 2.5 s of processor time",
        "output   /state/output/100011.log",
    )
    assert len(nothing.out) == 1, "one that has had no process, or an older queue"


@pytest.mark.parametrize(
    ("times", "said"),
    [
        pytest.param({"timestampProcessStart": 992.5}, "process  7, 7.5 s old", id="lives"),
        pytest.param(
            {"timestampProcessStart": 10.0, "timestampProcessEnd": 100.0},
            "process  7, has ended after 1:30 min",
            id="has ended",
        ),
    ],
)
def test_how_old_it_is_is_said(times: dict[str, Any], said: str) -> None:
    script = record_class(component("ScriptQueue").events["script"])(
        private_sndStamp=1000.0, processId=7, **times
    )
    assert process_lines(script) == [said]


@pytest.mark.parametrize(
    ("times", "age_s"),
    [
        pytest.param({}, 0.0, id="not started"),
        pytest.param({"timestampProcessStart": 900.0}, 100.0, id="lives"),
        pytest.param({"timestampProcessStart": 900.0, "timestampProcessEnd": 940.0}, 40.0, id="has ended"),
        pytest.param({"timestampProcessStart": 1001.0}, 0.0, id="a clock that was set back"),
    ],
)
def test_how_old_a_script_is(times: dict[str, Any], age_s: float) -> None:
    script = record_class(component("ScriptQueue").events["script"])(private_sndStamp=1000.0, **times)
    assert use_as_data(script)["age"] == age_s
