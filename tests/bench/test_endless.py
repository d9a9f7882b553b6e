# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""After six thousand scripts a queue holds what it held after four thousand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "bench" / "bench_endless.py"

SCRIPTS = 2000


@pytest.mark.system
@pytest.mark.long
@pytest.mark.timeout(600)
def test_nothing_grows_with_the_scripts_that_have_gone() -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, "--scripts", str(3 * SCRIPTS), "--part", str(SCRIPTS)],
        capture_output=True,
        text=True,
        timeout=580,
    )
    assert done.returncode == 0, done.stderr
    # What is kept of the last thousands has to fill up first.
    _, before, after = (line.split() for line in done.stdout.splitlines()[1:])
    assert (int(before[0]), int(after[0])) == (2 * SCRIPTS, 3 * SCRIPTS)
    # Less than one object for ten scripts, eight bytes for each, and one number or text for four.
    assert int(after[2]) - int(before[2]) < SCRIPTS // 10, done.stdout
    assert float(after[3]) - float(before[3]) < 8 * SCRIPTS / 1e3, done.stdout
    assert int(after[4]) - int(before[4]) < SCRIPTS // 4, done.stdout
