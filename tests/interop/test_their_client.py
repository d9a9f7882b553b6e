# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client on salobj does all that a client can do to our ScriptQueue."""

from __future__ import annotations

import asyncio
import logging
import pathlib
from typing import Any

import yaml

from lsst.ts.scriptqueue.sal import Location, ScriptProcessState, ScriptState, State

from .our_queue import our_queue
from .peer import PATIENCE_S, Client, a_client

FIRST = 100_000

#: Events that a ScriptQueue writes, whatever comes.
AT_ONCE = {"logLevel", "softwareVersions", "simulationMode", "summaryState", "errorCode", "rootDirectories"}


async def configured(client: Client, *indices: int) -> None:
    for index in indices:
        await client.until(
            f"{index} configured",
            lambda index=index: client.script(index).get("processState") == ScriptProcessState.CONFIGURED,  # type: ignore[misc]
        )


async def waiting(client: Client, *indices: int) -> None:
    await client.until(f"{indices} waiting", lambda: client.waiting == list(indices))


def sent(data: dict[str, Any]) -> dict[str, Any]:
    """An event as it was sent."""
    return {name: value for name, value in data.items() if name != "private_rcvStamp"}


async def test_the_states(salobj_python: str, tmp_path: pathlib.Path) -> None:
    async with (
        a_client(salobj_python) as client,
        our_queue(tmp_path, salobj_python, state="standby") as process,
    ):
        names = await client.open("queue", "ScriptQueue", 1)
        await client.until("a queue event", lambda: client.seen("queue"))
        assert {name for _, name, _ in client.heard} >= AT_ONCE

        for command in sorted(set(names["commands"]) - {"start", "exitControl", "setLogLevel", "pause"}):
            assert "not allowed in state <State.STANDBY: 5>" in await client.refused(command)
        for command in ("start", "enable", "disable", "enable"):
            await client.command(command)
        assert "not allowed in state <State.ENABLED: 2>" in await client.refused("standby")
        await client.command("setLogLevel", level=logging.DEBUG)
        await client.until("the level", lambda: client.last("logLevel")["level"] == logging.DEBUG)
        for command in ("disable", "standby", "exitControl"):
            assert (await client.command(command))["result"] == "Done"

        await client.until("OFFLINE", lambda: client.last("summaryState")["summaryState"] == State.OFFLINE)
        states = [State(data["summaryState"]) for data in client.seen("summaryState")]
        assert [state.name for state in states] == [
            *("STANDBY", "DISABLED", "ENABLED", "DISABLED", "ENABLED", "DISABLED", "STANDBY", "OFFLINE")
        ]
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0


async def test_the_queue(salobj_python: str, tmp_path: pathlib.Path) -> None:
    async with our_queue(tmp_path, salobj_python), a_client(salobj_python) as client:
        await client.open("queue", "ScriptQueue", 1)
        available = client.last("availableScripts")
        assert (available["standard"], available["external"]) == ("probe.py", "")
        await client.command("pause")

        for location, beside, expected in (
            (Location.LAST, 0, [0]),
            (Location.FIRST, 0, [1, 0]),
            (Location.BEFORE, FIRST, [1, 2, 0]),
            (Location.AFTER, FIRST + 1, [1, 3, 2, 0]),
        ):
            await client.add(
                "probe.py",
                f"note: {tmp_path / 'note'}\nmetadata: {{who: someone}}",
                location=location,
                locationSalIndex=beside,
                descr="a probe",
                logLevel=15,
                pauseCheckpoint="en.",
                stopCheckpoint="never",
            )
            await waiting(client, *(FIRST + offset for offset in expected))
        await client.command("move", scriptSalIndex=FIRST, location=Location.FIRST)
        await client.command(
            "move", scriptSalIndex=FIRST + 1, location=Location.AFTER, locationSalIndex=FIRST + 2
        )
        await waiting(client, FIRST, FIRST + 3, FIRST + 2, FIRST + 1)
        await configured(client, *client.waiting)
        await client.stop(client.waiting[1:])
        await waiting(client, FIRST)

        await client.open("script", "Script", FIRST)
        await client.command("resume")
        await client.until(
            "a pause at the second checkpoint",
            lambda: client.last("state", "script").get("state") == ScriptState.PAUSED,
        )
        assert client.last("state", "script")["lastCheckpoint"] == "end"
        assert client.last("logLevel", "script")["level"] == 15
        await client.command("resume", remote="script")
        await client.until("its end", lambda: client.script(FIRST)["timestampProcessEnd"] > 0)
        assert client.past[0] == FIRST
        assert client.script(FIRST)["scriptState"] == ScriptState.DONE

        await client.command("pause")
        for command, fields, event in (
            ("showQueue", {}, "queue"),
            ("showScript", {"scriptSalIndex": FIRST}, "script"),
            ("showAvailableScripts", {}, "availableScripts"),
            ("showSchema", {"isStandard": True, "path": "probe.py"}, "configSchema"),
        ):
            before = len(client.seen(event))
            await client.command(command, **fields)
            await client.until(event, lambda: len(client.seen(event)) > before)  # noqa: B023
        assert "note" in yaml.safe_load(client.last("configSchema")["configSchema"])["properties"]

        ack = await client.command("requeue", scriptSalIndex=FIRST, location=Location.LAST)
        assert int(ack["result"]) == FIRST + 4
        await waiting(client, FIRST + 4)


async def test_refusals(salobj_python: str, tmp_path: pathlib.Path) -> None:
    async with our_queue(tmp_path, salobj_python), a_client(salobj_python) as client:
        await client.open("queue", "ScriptQueue", 1)
        probe = {"isStandard": True, "path": "probe.py", "location": Location.LAST}
        for command, fields, reason in (
            ("add", probe | {"path": "prob.py"}, "probe.py"),
            ("add", probe | {"path": "../probe.py"}, ".."),
            ("add", probe | {"location": 25}, "location 25"),
            ("add", probe | {"location": Location.AFTER, "locationSalIndex": 4321}, "4321"),
            ("add", probe | {"config": "a: ["}, "YAML"),
            ("add", probe | {"pauseCheckpoint": "("}, "regular expression"),
            ("add", probe | {"block": "BLOCK-1"}, "startBlock"),
            ("add", probe | {"block": "SITCOM-1", "startBlock": True, "blockSize": 1}, "BLOCK-"),
            ("move", {"scriptSalIndex": FIRST, "location": Location.FIRST}, str(FIRST)),
            ("requeue", {"scriptSalIndex": FIRST, "location": Location.FIRST}, str(FIRST)),
            ("stopScripts", {"length": 0}, "length"),
            ("stopScripts", {"length": 401}, "400"),
            ("showScript", {"scriptSalIndex": FIRST}, str(FIRST)),
            ("showSchema", {"isStandard": False, "path": "probe.py"}, "probe.py"),
        ):
            assert reason in await client.refused(command, **fields)
        await client.command("pause")
        assert await client.add("probe.py") == FIRST


async def test_a_late_joiner_is_told_all_that_is(salobj_python: str, tmp_path: pathlib.Path) -> None:
    async with our_queue(tmp_path, salobj_python), a_client(salobj_python) as client:
        await client.open("early", "ScriptQueue", 1)
        await client.open("queue", "ScriptQueue", 1)
        index = await client.add("probe.py", "wait: true")
        await client.command("showSchema", isStandard=True, path="probe.py")
        waiting = await client.add("probe.py", "fail: true")
        await client.until("a visit", lambda: client.seen("nextVisit"))
        await configured(client, waiting)
        await client.until("a second visit", lambda: len(client.seen("nextVisit")) == 2)
        await client.stop([waiting])
        await client.until("a visit canceled", lambda: client.seen("nextVisitCanceled"))

        await client.open("late", "ScriptQueue", 1)
        await client.open("scripts", "Script", 0)
        told = {name for tag, name, _ in client.heard if tag == "early"}
        late = {name for tag, name, _ in client.heard if tag == "late"}
        assert late >= told - {"heartbeat"}
        assert late >= AT_ONCE | {"queue", "script", "configSchema", "nextVisit", "nextVisitCanceled"}
        for name in late - {"heartbeat", "logMessage"}:
            assert sent(client.seen(name, "late")[0]) == sent(client.last(name, "early")), name
        states = {data["salIndex"]: data["state"] for data in client.seen("state", "scripts")}
        assert states == {index: ScriptState.RUNNING, waiting: ScriptState.CONFIGURED}
        await client.stop([index])
