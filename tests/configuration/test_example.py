# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packaged example, and the scripts that are deployed."""

from __future__ import annotations

import pathlib

import pytest

from lsst.ts.scriptqueue.configuration import Configuration, default_folder, explain_all, read_configuration
from lsst.ts.scriptqueue.core.resources import Claim
from lsst.ts.scriptqueue.resources import schema_path


def deployed() -> list[tuple[bool, str]]:
    """Whether a script is a standard one, and its path."""
    lines = pathlib.Path(__file__).with_name("data").joinpath("deployed_scripts.txt").read_text().splitlines()
    return [(kind == "standard", path) for kind, path in (line.split() for line in lines if line[0] != "#")]


@pytest.fixture(scope="module")
def example() -> Configuration:
    return read_configuration(default_folder(schema_path("examples", "observatory"), {}))


def claim(example: Configuration, script: str, config: str = "") -> Claim:
    kind, _, path = script.partition(":")
    assert (kind == "standard", path) in deployed()
    found = example.rule_on(kind == "standard", path, config).claim
    assert found is not None
    return found


def test_its_slots(example: Configuration) -> None:
    assert [slot.name for slot in example.layout.slots] == ["main", "calibration", "utility"]


def test_only_what_is_unclear_runs_alone(example: Configuration) -> None:
    said = explain_all(example, deployed())
    assert [f"{one.kind}:{one.path}" for one in said if one.is_exclusive] == [
        "standard:pause_queue.py",
        "standard:system_wide_shutdown.py",
        "external:auxtel/at_cam_take_image.py",
        "external:auxtel/functional_tests/quick_frame_measurement.py",
        "external:auxtel/make_latiss_bias.py",
        "external:auxtel/wep_checkout.py",
        "external:maintel/make_comcam_bias.py",
        "external:maintel/track_target_sched.py",
        "external:make_love_stress_tests.py",
        "external:make_love_uptime_tests.py",
    ]


def test_every_rule_is_for_a_script_that_is_deployed(example: Configuration) -> None:
    speaking = [example.rule_for(is_standard, path) for is_standard, path in deployed()]
    assert [rule for rule in example.rules if rule not in speaking] == []


def test_a_script_of_a_new_name_is_known_to_no_rule(example: Configuration) -> None:
    for path in ("new.py", "maintel/new.py", "auxtel/new.py", "maintel/new/new.py"):
        assert [example.rule_for(kind, path) for kind in (True, False)] == [None, None]


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("standard:maintel/mtdome/slew_dome.py", "standard:maintel/track_target.py", True),
        ("standard:maintel/take_image_lsstcam.py", "standard:maintel/stop_tracking.py", True),
        ("standard:maintel/track_target.py", "standard:auxtel/track_target.py", False),
        (
            "standard:auxtel/calibrations/run_calibration_sequence.py",
            "standard:maintel/track_target.py",
            False,
        ),
        (
            "standard:auxtel/calibrations/run_calibration_sequence.py",
            "standard:auxtel/enable_latiss.py",
            True,
        ),
        ("external:maintel/take_cbp_images_lsstcam.py", "standard:maintel/m1m3/raise_m1m3.py", True),
        ("standard:maintel/scheduler/stop.py", "standard:ocs/scheduler/stop.py", False),
        ("standard:sleep.py", "standard:system_wide_shutdown.py", False),
        ("standard:mute_alarms.py", "external:maintel/warmup_hexapod.py", True),
    ],
)
def test_what_gets_in_each_others_way(example: Configuration, one: str, other: str, overlap: bool) -> None:
    assert claim(example, one).overlaps(claim(example, other)) is overlap


@pytest.mark.parametrize(
    ("script", "config", "slot", "resources"),
    [
        (
            "set_summary_state.py",
            'data: [["ESS:101", ENABLED], ["ESS:102", ENABLED]]',
            "utility",
            "ESS:101,ESS:102",
        ),
        ("set_summary_state.py", 'data: [["MTPtg:0", STANDBY, ""]]', "utility", "MTPtg"),
        ("run_command.py", "{component: 'ESS:101', cmd: setLogLevel}", "", "ESS:101"),
    ],
)
def test_components_are_read_from_the_configuration(
    example: Configuration, script: str, config: str, slot: str, resources: str
) -> None:
    ruling = example.rule_on(True, script, config)
    assert (ruling.slot, str(ruling.claim), ruling.is_certain) == (slot, resources, True)
