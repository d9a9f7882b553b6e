# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten thousand scripts through eight slots: how quickly, and whether anything grows.

A whole queue on the memory bus with a clock that jumps; 40 scripts are in it
at a time. Every thousand: what this process holds (resident), what Python
holds (traced by tracemalloc, in a second run, which is slower), how many objects
there are, and how many scripts a second of CPU time went through.

    .venv/bin/python bench/bench_endless.py [--scripts 10000] [--traced]
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import psutil
from in_memory import Job, a_night

from lsst.ts.scriptqueue.testing import run

SLOTS = 8
MOST_LIVE = 40
PART = 1000

CONFIGURATION = "slots:\n  - name: main\n" + "".join(
    f"  - name: slot{number}\n    order: {'eager' if number % 2 else 'ordered'}\n"
    for number in range(1, SLOTS)
)


def jobs(scripts: int) -> list[Job]:
    """Every third needs what others need, too."""
    return [
        Job(
            "standard",
            "work.py",
            1.0 + number % 7,
            slot="main" if number % SLOTS == 0 else f"slot{number % SLOTS}",
            config=f"number: {number}",
            resources="MTMount" if number % 3 == 0 else f"ESS:{number % 50}",
        )
        for number in range(scripts)
    ]


async def endless(scripts: int, folder: Path, is_traced: bool) -> None:
    (folder / "config").mkdir()
    (folder / "config" / "_init.yaml").write_text(CONFIGURATION)
    process = psutil.Process()
    print("scripts   RSS MB   objects" + ("  traced MB" if is_traced else "  scripts/s of CPU"))
    async with a_night(jobs(scripts), folder / "config", folder) as night:
        if is_traced:
            tracemalloc.start()
        for until in range(PART, scripts + 1, PART):
            began = time.process_time()
            await night.go(MOST_LIVE, until)
            cpu_s = time.process_time() - began
            gc.collect()
            rate = tracemalloc.get_traced_memory()[0] / 1e6 if is_traced else PART / cpu_s
            rss_mb = process.memory_info().rss / 1e6
            print(f"{until:7}{rss_mb:9.1f}{len(gc.get_objects()):10}{rate:11.2f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scripts", type=int, default=10_000, help="how many")
    parser.add_argument("--traced", action="store_true", help="what Python holds instead of the rate")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scriptqueue-bench-") as folder:
        run(endless(options.scripts, Path(folder), options.traced))
    return 0


if __name__ == "__main__":
    sys.exit(main())
