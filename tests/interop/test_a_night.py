# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night with the clients of the observatory, each a process on salobj."""

from __future__ import annotations

import pathlib

from lsst.ts.scriptqueue.sal import Location, ScriptState, State

from .our_queue import our_queue
from .peer import PATIENCE_S, a_client
from .role import a_role, held_up


async def test_a_night(salobj_python: str, tmp_path: pathlib.Path) -> None:
    async with (
        our_queue(tmp_path, salobj_python),
        a_client(salobj_python) as operator,
        a_role(salobj_python, "panel") as panel,
        a_role(salobj_python, "watcher") as watcher,
        a_role(salobj_python, "scheduler", "probe.py") as scheduler,
    ):
        await operator.open("queue", "ScriptQueue", 1)
        for role in (panel, watcher, scheduler):
            assert await role.line() == "ready"
        # The operator puts in a script that fails, before whatever the Scheduler has in the queue.
        await operator.until("the Scheduler's first", lambda: operator.last("queue").get("length"))
        failing = await operator.add("probe.py", "fail: true", location=Location.FIRST)
        await held_up(operator, failing)
        await operator.until(
            "its state", lambda: operator.script(failing).get("scriptState") == ScriptState.FAILED
        )
        again = int((await operator.command("requeue", scriptSalIndex=failing, location=2))["result"])
        await operator.stop([again])
        await operator.command("resume")

        observed = await scheduler.result(2 * PATIENCE_S)
        first, second = observed["blocks"]
        assert observed["good"]
        assert [first, second] == [list(range(block[0], block[0] + 3)) for block in (first, second)]
        assert failing not in {*first, *second}
        await operator.until("an idle queue", lambda: operator.last("queue")["currentSalIndex"] == 0)
        await operator.until(
            "the last one gone", lambda: operator.script(second[-1])["timestampProcessEnd"] > 0
        )

        alarms = await watcher.result()
        assert (alarms["raised"], alarms["failed"], alarms["stands"]) == ([failing], [failing], 0)
        assert (alarms["missed"], alarms["states"], alarms["lost"]) == (0, [State.ENABLED], False)
        seen = await panel.result()
        assert (seen["stale"], seen["lost"]) == ([], False)
        assert {seen["shown"][str(index)] for index in (*first, *second)} == {ScriptState.DONE}
        assert seen["shown"][str(failing)] == ScriptState.FAILED
        assert set(seen["names"].values()) == {"Probe"}
