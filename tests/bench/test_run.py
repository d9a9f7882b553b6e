# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark runs to its end and fills every line of its table that a quick run has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.local_kafka import KafkaMissing, check_programs

RUN = Path(__file__).parents[2] / "bench" / "run.py"

LIMIT_S = 280.0

WITH_TARGET = {
    "dds": {
        "ready_1",
        "ready_20",
        "ack",
        "handover",
        "slots_all",
        "slot_handover",
        "slot_free",
        "script_cpu",
        "script_rss",
        "queue_enabled",
        "queue_rss",
        "queue_idle",
    },
    "kafka": {"ready_1", "configured_20", "gone_20", "ack", "handover", "slot_handover", "slot_free", "end"},
}


@pytest.mark.system
@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("middleware", ["dds", "kafka"])
def test_quick_run_reports_floors_targets_and_readings(tmp_path: Path, middleware: str) -> None:
    if middleware == "kafka" and not os.environ.get("CI"):
        try:
            check_programs()
        except KafkaMissing as error:
            pytest.skip(str(error))
    report = tmp_path / "report.json"
    # What is deployed would take minutes more.
    environment = {name: value for name, value in os.environ.items() if name != "SALOBJ_PYTHON"}
    done = subprocess.run(
        [sys.executable, RUN, "--quick", "--only", middleware, "--json", report],
        capture_output=True,
        text=True,
        env=environment,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(report.read_text())[middleware]
    assert {key for key, figure in figures.items() if figure["target"] is not None} == WITH_TARGET[middleware]
    for key in WITH_TARGET[middleware]:
        assert figures[key]["floor"] is None or figures[key]["floor"] > 0, key
        assert all(reading > 0 for reading in figures[key]["readings"]), key
        assert figures[key]["title"] in done.stdout
