# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is lost: a queue that is killed again and again while clients command it, with real scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.local_kafka import KafkaMissing, check_programs

RUN = Path(__file__).parents[2] / "bench" / "run_chaos.py"


def chaos(tmp_path: Path, *options: str, limit_s: float) -> None:
    done = subprocess.run(
        [sys.executable, RUN, "--folder", tmp_path, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=limit_s,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.system
@pytest.mark.timeout(180)
def test_a_few_kills_lose_nothing(tmp_path: Path) -> None:
    chaos(tmp_path, "--kills", "6", "--seconds", "15", limit_s=170)


@pytest.mark.system
@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("bus", ["dds", "kafka"])
def test_many_kills_lose_nothing(tmp_path: Path, bus: str) -> None:
    if bus == "kafka" and not os.environ.get("CI"):
        try:
            check_programs()
        except KafkaMissing as error:
            pytest.skip(str(error))
    chaos(tmp_path, "--kills", "40", "--outages", "2", "--bus", bus, limit_s=1400)
