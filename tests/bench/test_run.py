# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark runs to its end and fills every line of its table that a quick run has."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "bench" / "run.py"

LIMIT_S = 280.0


@pytest.mark.system
@pytest.mark.long
@pytest.mark.timeout(300)
def test_quick_run_reports_floors_targets_and_readings(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, RUN, "--quick", "--json", report], capture_output=True, text=True, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(report.read_text())["figures"]
    with_target = {key for key, figure in figures.items() if figure["target"] is not None}
    assert with_target == {
        "ready_1",
        "ready_20",
        "ack",
        "handover",
        "script_cpu",
        "script_rss",
        "queue_enabled",
        "queue_rss",
        "queue_idle",
    }
    for key in with_target:
        assert figures[key]["floor"] > 0, key
        assert all(reading > 0 for reading in figures[key]["readings"]), key
        assert figures[key]["title"] in done.stdout
