# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slots as clients see them: configured, added to, paused, and configured anew, on every bus."""

from __future__ import annotations

import json
import pathlib
from collections.abc import AsyncIterator

import pytest

from lsst.ts.scriptqueue.configuration import ConfigurationFolder
from lsst.ts.scriptqueue.sal import AckError, Location, ScriptState

from .stage import Buses, Stage, a_stage

CONFIGURATION = """
slots:
  - name: main
  - name: calibration
  - name: utility
    capacity: 4
    order: eager
    on_failure: continue
rules:
  - script: "standard:quick.py"
    slot: utility
    resources_from: "data[*][0]"
  - script: "standard:until_stopped.py"
    resources: [MTMount]
"""


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> ConfigurationFolder:
    path = tmp_path / "config"
    path.mkdir()
    (path / "_init.yaml").write_text(CONFIGURATION)
    (path / "serial.yaml").write_text("slots: [{name: main}]\nrules: []\n")
    (path / "wrong.yaml").write_text("slots: [{name: main, capacity: 2}]\n")
    return ConfigurationFolder(path)


@pytest.fixture
async def slotted(buses: Buses, tmp_path: pathlib.Path, folder: ConfigurationFolder) -> AsyncIterator[Stage]:
    async with a_stage(buses, tmp_path, configurations=folder) as stage:
        yield stage


async def test_unrelated_scripts_run_side_by_side_and_others_say_why_they_wait(slotted: Stage) -> None:
    mount = await slotted.add("until_stopped.py")
    await slotted.current(mount)
    calibration = await slotted.add("checkpoints.py", slot="calibration", resources="MTMount")
    ess = await slotted.add("quick.py", 'data: [["ESS:1", "ENABLED"]]')
    last = await slotted.gone(ess)
    assert (last.slot, last.resources, last.scriptState) == ("utility", "ESS:1", ScriptState.DONE)
    await slotted.until("its reason", lambda: "held by" in slotted.shown[calibration].waitingFor)
    assert slotted.shown[calibration].waitingFor.startswith(f"MTMount is held by {mount} (main) since ")
    slots = slotted.queue.evt_slots.get()
    assert slots.names == "main:calibration:utility"
    assert (list(slots.capacity[:3]), list(slots.eager[:3])) == ([1, 1, 4], [False, False, True])
    await slotted.stop([mount])
    assert (await slotted.gone(calibration)).waitingFor == ""


async def test_pausing_a_slot_names_who_paused_and_leaves_the_others(slotted: Stage) -> None:
    await slotted.command("pause", slot="utility")
    waiting = await slotted.add("quick.py", 'data: [["ESS:1", "ENABLED"]]')
    running = await slotted.add("checkpoints.py", resources="none")
    await slotted.gone(running)
    slots = slotted.queue.evt_slots.get()
    assert list(slots.running[:3]) == [True, True, False]
    reason = json.loads(slots.pauseReasons)["utility"]
    assert reason.startswith("paused since ")
    assert "on request by " in reason
    ack = await slotted.command("resume")
    assert ack.result == f"Done; still paused: slot utility {reason}"
    await slotted.command("resume", slot="utility")
    assert (await slotted.gone(waiting)).slot == "utility"


@pytest.mark.virtual_time
async def test_what_cannot_be_is_refused_with_what_can(slotted: Stage) -> None:
    an_add = {"isStandard": True, "path": "quick.py", "location": Location.LAST}
    refused: list[tuple[str, dict[str, object], str]] = [
        (
            "add",
            {**an_add, "slot": "calib"},
            "there is no slot 'calib'; there are main, calibration, utility",
        ),
        ("add", {**an_add, "resources": "MT Mount"}, "'MT Mount' is no resource"),
        ("pause", {"slot": "x"}, "there is no slot 'x'"),
    ]
    for name, fields, says in refused:
        with pytest.raises(AckError) as caught:
            await slotted.command(name, **fields)
        assert says in caught.value.ackcmd.result


@pytest.mark.virtual_time
async def test_a_configuration_that_makes_no_sense_to_a_rule_runs_alone_in_main(slotted: Stage) -> None:
    index = await slotted.add("quick.py", "data: [[7, ENABLED]]")
    last = await slotted.gone(index)
    assert (last.slot, last.resources) == ("main", "*")


@pytest.mark.virtual_time
async def test_start_reads_a_configuration_and_refuses_a_wrong_one(slotted: Stage) -> None:
    applied = slotted.queue.evt_configurationApplied.get()
    assert (applied.configurations, applied.schemaVersion) == ("_init.yaml", "v1")
    assert slotted.queue.evt_configurationsAvailable.get().overrides == "serial.yaml,wrong.yaml"
    await slotted.command("disable")
    await slotted.command("standby")
    with pytest.raises(AckError) as caught:
        await slotted.command("start", configurationOverride="wrong")
    assert "wrong.yaml, line 1, slots.0.capacity" in caught.value.ackcmd.result
    await slotted.command("start", configurationOverride="serial")
    assert slotted.queue.evt_slots.get().names == "main"
    assert slotted.queue.evt_configurationApplied.get().configurations == "_init.yaml,serial.yaml"


@pytest.mark.virtual_time
async def test_a_slot_with_scripts_is_not_configured_away(slotted: Stage) -> None:
    index = await slotted.add("until_stopped.py", slot="calibration")
    await slotted.reached(index, ScriptState.RUNNING)
    await slotted.command("disable")
    await slotted.command("standby")
    with pytest.raises(AckError) as caught:
        await slotted.command("start", configurationOverride="serial")
    assert f"slot calibration is not in the new configuration, but has scripts: {index}" in (
        caught.value.ackcmd.result
    )
    await slotted.command("start")
    assert slotted.queue.evt_slots.get().names == "main:calibration:utility"


@pytest.mark.virtual_time
async def test_without_a_configuration_there_is_one_slot(stage: Stage) -> None:
    index = await stage.add("quick.py")
    last = await stage.gone(index)
    assert (last.slot, last.exitReason) == ("main", "")
    slots = stage.queue.evt_slots.get()
    assert (slots.length, slots.names, slots.pauseReasons) == (1, "main", "")
