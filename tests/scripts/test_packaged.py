# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every packaged script does what it says, in no time."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from lsst.ts.scriptqueue.sal import (
    AckError,
    Controller,
    Domain,
    MetadataCoordSys,
    MetadataDome,
    ScriptState,
)
from lsst.ts.scriptqueue.testing import script_case

from .packaged import PACKAGED, script_class

S = ScriptState

#: Configurations without which a script is not content.
NEEDED: dict[str, dict[str, Any]] = {
    "standard/set_summary_state.py": {"data": [["ESS:1", "ENABLED"], ["MTMount", "standby"]]},
    "standard/slew_and_track.py": {"az": 10, "el": 60},
    "standard/focus_sweep.py": {"center": 1.5},
    "standard/run_command.py": {"component": "ScriptQueue:1", "command": "pause"},
}

#: Those that do not end DONE, and those that speak to a queue or end the process.
ENDS = {"external/fails_while_running.py": S.FAILED, "external/cannot_configure.py": S.CONFIGURE_FAILED}
COMMANDING = ("standard/pause_queue.py", "standard/run_command.py")
DEADLY = "external/dies_while_running.py"
BLOCKING = "external/blocks_the_loop.py"


class Queue(Controller):
    """A queue that can be paused."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain, "ScriptQueue", 1)
        self.pauses = 0

    async def do_pause(self, data: Any) -> None:
        self.pauses += 1


def test_there_are_enough_for_a_night() -> None:
    assert len(PACKAGED) >= 12
    assert "standard/maintel/slew.py" in PACKAGED


@pytest.mark.parametrize("name", PACKAGED)
def test_the_file_is_a_program(name: str) -> None:
    path = PACKAGED[name]
    assert path.stat().st_mode & stat.S_IXUSR
    assert path.read_text().startswith("#!/usr/bin/env python3\n")


@pytest.mark.system
@pytest.mark.parametrize("name", PACKAGED)
def test_its_schema_is_a_schema_and_needs_no_middleware(name: str) -> None:
    asked = subprocess.run(
        [sys.executable, "-X", "importtime", PACKAGED[name], "0", "--schema"],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    imported = set(re.findall(r"\|\s+([\w.]+)$", asked.stderr, re.MULTILINE))
    assert "lsst.ts.scriptqueue.sal.controller" in imported
    assert not [module for module in imported if "bus.dds" in module or "cyclonedds" in module]
    schema = yaml.safe_load(asked.stdout)
    assert schema == script_class(name).get_schema()
    if schema is not None:
        Draft7Validator.check_schema(schema)
        assert schema["additionalProperties"] is False
        assert all(entry["description"].endswith(".") for entry in schema["properties"].values())


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", sorted(PACKAGED.keys() - {DEADLY, BLOCKING, *COMMANDING, *ENDS}))
async def test_it_does_well_and_as_announced(name: str) -> None:
    async with script_case(script_class(name)) as case:
        await case.configure(NEEDED.get(name, ""))
        began = case.clock.tai()
        assert await case.run() is S.DONE
        assert case.clock.tai() - began == pytest.approx(case.metadata.duration, rel=0.01)
        assert len(case.checkpoints) == case.metadata.totalCheckpoints
        assert len(set(case.checkpoints)) == len(case.checkpoints), "each checkpoint has a name of its own"


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", sorted(PACKAGED.keys() - {DEADLY, BLOCKING, *COMMANDING, *ENDS}))
async def test_it_can_be_stopped(name: str) -> None:
    async with script_case(script_class(name)) as case:
        await case.configure(NEEDED.get(name, ""))
        await case.start_run()
        assert await case.stop() is S.STOPPED


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("name", "config", "complaint"),
    [
        ("standard/sleep.py", {"duration": -1}, "duration: -1 is less than the minimum of 0"),
        ("standard/slew_and_track.py", {"az": 10}, "fits none of the alternatives"),
        ("standard/slew_and_track.py", {"az": 10, "el": 5}, "el: 5 is less than the minimum of 15"),
        ("standard/take_images.py", {"exposure": 3}, "unknown key 'exposure'; there are exposures"),
        ("standard/take_flats.py", {"filters": ["x"]}, r"filters\[0\]: 'x' is not one of"),
        ("standard/set_summary_state.py", "", "'data' is missing"),
        (
            "standard/set_summary_state.py",
            {"data": [["ESS:1", "RUNNING"]]},
            "no state 'RUNNING'; there are OFF",
        ),
        ("standard/set_summary_state.py", {"data": [["ESS one", "ENABLED"]]}, "'ESS one' is no component"),
        ("standard/home_dome.py", {"az": 1}, "this script takes no configuration, but was given az"),
        (
            "standard/run_command.py",
            {"component": "MTMount", "command": "park"},
            "no SAL component 'MTMount'",
        ),
        (
            "standard/run_command.py",
            {"component": "ScriptQueue:1", "command": "x"},
            "no command 'x'; there are",
        ),
        ("external/cannot_configure.py", "", "Polaris never rises here"),
    ],
)
async def test_what_it_refuses(name: str, config: str | dict[str, Any], complaint: str) -> None:
    async with script_case(script_class(name)) as case:
        with pytest.raises(AckError, match=complaint):
            await case.configure(config)
        assert await case.end() is S.CONFIGURE_FAILED


@pytest.mark.virtual_time
async def test_a_failing_script_cleans_up() -> None:
    async with script_case(script_class("external/fails_while_running.py")) as case:
        await case.configure()
        assert await case.run() is S.FAILED
        assert case.reason == "run failed: RuntimeError: the mirror covers do not open"
        assert "The mirror covers are released." in case.log


@pytest.mark.virtual_time
async def test_the_next_visit_is_told_of_images() -> None:
    async with script_case(script_class("standard/take_images.py")) as case:
        await case.configure({"exposures": 5, "filter": "r", "instrument": "LATISS"})
        metadata = case.metadata
        assert (metadata.nimages, metadata.filters, metadata.instrument) == (5, "r", "LATISS")
        assert metadata.dome == MetadataDome.OPEN
        await case.run("g")
        assert case.log[-1] == "Took an image of group g#5."


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("config", "system", "position"),
    [
        ({"az": 10, "el": 60}, MetadataCoordSys.OBSERVED, (10, 60)),
        ({"ra": 12.5, "dec": -30}, MetadataCoordSys.ICRS, (187.5, -30)),
    ],
)
async def test_the_next_visit_is_told_of_a_position(
    config: dict[str, float], system: MetadataCoordSys, position: tuple[float, float]
) -> None:
    async with script_case(script_class("standard/slew_and_track.py")) as case:
        await case.configure(config)
        assert case.metadata.coordinateSystem == system
        assert case.metadata.position == position


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", COMMANDING)
async def test_it_commands_a_queue(name: str) -> None:
    async with script_case(script_class(name)) as case, Queue(case.domain) as queue:
        await case.configure(NEEDED.get(name, ""))
        assert await case.run() is S.DONE
        assert queue.pauses == 1


@pytest.mark.virtual_time
async def test_a_queue_that_is_away_fails_the_script_that_commands_it() -> None:
    async with script_case(script_class("standard/pause_queue.py")) as case:
        await case.configure()
        assert await case.run() is S.FAILED
        assert "AckTimeoutError" in case.reason


def test_the_folder_holds_nothing_else() -> None:
    folders = {path.parent for path in PACKAGED.values()}
    strays = [
        name for folder in folders for name in os.listdir(folder) if not name.endswith((".py", "pycache__"))
    ]
    assert set(strays) <= {"maintel"}
