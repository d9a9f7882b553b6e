# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten thousand scripts through eight slots: how quickly, and whether anything grows.

A whole queue on the memory bus with a clock that jumps; 40 scripts are in it
at a time. After every thousand it is let run empty, and then: what this
process holds (resident), how many objects the garbage collector knows and how
large they are (with their tables, without the text and numbers in them), how
many blocks of memory Python has given out (text and numbers, too), and how
many scripts went through in a second of CPU time. The scripts that are still
to come are part of all that.

    .venv/bin/python bench/bench_endless.py [--scripts 10000] [--part 1000]
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from pathlib import Path

import psutil
from in_memory import Job, a_night

from lsst.ts.scriptqueue.testing import pass_time, run

SLOTS = 8
MOST_LIVE = 40

#: Longer than any timer of a queue that is empty (seconds).
QUIET_S = 600.0

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


async def endless(scripts: int, part: int, folder: Path) -> None:
    (folder / "config").mkdir()
    (folder / "config" / "_init.yaml").write_text(CONFIGURATION)
    process = psutil.Process()
    print("scripts   RSS MB   objects       kB   blocks  scripts/s")
    async with a_night(jobs(scripts), folder / "config", folder) as night:
        for done in range(part, scripts + 1, part):
            began = time.process_time()
            await night.go(part, MOST_LIVE)
            rate = part / (time.process_time() - began)
            await pass_time(QUIET_S)
            night.forget()
            gc.collect()
            rss_mb = process.memory_info().rss / 1e6
            blocks = sys.getallocatedblocks()
            sizes = [sys.getsizeof(thing) for thing in gc.get_objects()]
            print(
                f"{done:7}{rss_mb:9.1f}{len(sizes):10}{sum(sizes) / 1e3:9.1f}{blocks:9}{rate:11.1f}",
                flush=True,
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scripts", type=int, default=10_000, help="how many")
    parser.add_argument("--part", type=int, default=1000, help="how many from one look to the next")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scriptqueue-bench-") as folder:
        run(endless(options.scripts, options.part, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
