# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused: nothing has changed, and the answer says what would be right."""

from __future__ import annotations

from typing import Any

import pytest

from lsst.ts.scriptqueue.sal import AckError, SalRetCode

from .stage import Stage

# What is refused does not depend on the bus.
pytestmark = pytest.mark.virtual_time

ADD = {"isStandard": True, "path": "quick.py", "location": 2}


@pytest.mark.parametrize(
    ("command", "fields", "expected"),
    [
        ("add", {**ADD, "path": "quik.py"}, "quick.py"),
        ("add", {**ADD, "path": "../quick.py"}, r"\.\."),
        ("add", {**ADD, "path": "/bin/sh"}, "relative"),
        ("add", {**ADD, "path": ""}, "empty"),
        ("add", {**ADD, "isStandard": False}, "standard"),
        ("add", {**ADD, "location": 9}, "FIRST 1, LAST 2, BEFORE 3, AFTER 4"),
        ("add", {**ADD, "location": 3, "locationSalIndex": 7}, "7 is not waiting"),
        ("add", {**ADD, "config": "az: 1\nel: 2: 3"}, "line 2, column 6"),
        ("add", {**ADD, "config": "- 1"}, "must be a mapping"),
        pytest.param(
            "add",
            {**ADD, "config": "a: " + "[" * 200_000 + "]" * 200_000},
            # Newer YAML libraries have a limit of their own.
            "nested more than 100 levels|maximum nesting depth",
            id="deep",
        ),
        ("add", {**ADD, "pauseCheckpoint": "["}, r"pauseCheckpoint '\[' is not a regular expression"),
        ("add", {**ADD, "stopCheckpoint": "("}, "stopCheckpoint"),
        ("add", {**ADD, "block": "BLOCK-x", "startBlock": True, "blockSize": 1}, "BLOCK-<number>"),
        ("add", {**ADD, "block": "BLOCK-1", "startBlock": True}, "blockSize must be 1 to 400"),
        ("add", {**ADD, "block": "BLOCK-1"}, "startBlock"),
        ("move", {"scriptSalIndex": 5, "location": 1}, "no script 5"),
        ("requeue", {"scriptSalIndex": 5, "location": 1}, "no script 5"),
        ("stopScripts", {"length": 0}, "length must be 1 to 400"),
        ("stopScripts", {"length": 401}, "length must be 1 to 400"),
        ("showScript", {"scriptSalIndex": 5}, "no script 5"),
        ("showSchema", {"isStandard": True, "path": "absent.py"}, "absent.py"),
        ("start", {}, "start not allowed in state <State.ENABLED: 2>"),
    ],
)
async def test_refused(stage: Stage, command: str, fields: dict[str, Any], expected: str) -> None:
    before = stage.model.queue
    with pytest.raises(AckError, match=expected) as raised:
        await stage.command(command, **fields)
    assert raised.value.ackcmd.ack == SalRetCode.CMD_FAILED
    assert raised.value.ackcmd.result.startswith("Failed: ") or command == "start"
    assert stage.model.queue == before
    assert await stage.add("quick.py") == 100000
