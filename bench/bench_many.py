# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten thousand scripts through a real queue on DDS: whether its processes or its files grow.

A service of its own, with its keeper, its journal on disk, and a process for
each script. Most of these are programs that end at once, as a script does
that cannot be loaded; the others are loaded, configured and run. After every
thousand the queue is let run empty, and then it is counted: memory (resident,
and the share of it, PSS), threads and descriptors of service and keeper, what
CPU they took for each script, the journal with what is beside it, the files of
the state directory, and what is in memory of it. In the end the history is
asked, as an operator would.

    .venv/bin/python bench/bench_many.py [--scripts 10000] [--part 1000] [--real 30]
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from children import cpu_of, memory_of
from interruption import interruptible
from middleware import dds
from run import free_domain
from service import INDEX, Service, running_service

from lsst.ts.scriptqueue.journal.margin import margin_path
from lsst.ts.scriptqueue.sal import AckTimeoutError

#: So many are in the queue at a time.
MOST_LIVE = 100

#: For a machine that is held still meanwhile: nothing here is timed by the clock of the wall.
LIMIT_S = 120.0

QUIET_S = 3.0

#: What an operator asks -> the arguments.
QUESTIONS = {
    "all": ("--limit", "0"),
    "all, --json": ("--limit", "0", "--json"),
    "--since 10m": ("--since", "10m", "--limit", "0"),
    "--state done": ("--state", "done", "--limit", "0"),
    "--state failed --limit 20": ("--state", "failed", "--limit", "20"),
    "one, with its story": ("--story", "--script", str(INDEX * 100_000 + 100)),
}


class Live:
    """The scripts that wait or run, as the queue was published last.

    Where a machine was held still for long, DDS may lose what was published meanwhile, but not the latest.

    Parameters
    ----------
    service
        The service.
    """

    def __init__(self, service: Service) -> None:
        self._indices = frozenset[int]()
        self._news = asyncio.Event()
        service.remote.evt_queue.callback = self._heard

    async def lost(self, index: int) -> None:
        """Wait until a script that was there is none of them."""
        while index in self._indices:
            self._news.clear()
            await self._news.wait()

    def _heard(self, data: Any) -> None:
        self._indices = frozenset((data.currentSalIndex, *data.salIndices[: data.length]))
        self._news.set()


class Taken:
    """CPU time that the processes have taken since this was last asked.

    Parameters
    ----------
    pids
        The processes, by name.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._before = {name: cpu_of(pid) for name, pid in pids.items()}

    def ms(self, count: int) -> dict[str, float]:
        """Return it for each of so many (milliseconds)."""
        now = {name: cpu_of(pid) for name, pid in self._pids.items()}
        before, self._before = self._before, now
        return {name: (now[name] - before[name]) / count * 1e3 for name in now}


async def many(scripts: int, part: int, real: int, folder: Path) -> None:
    standard = folder / "standard"
    standard.mkdir()
    (standard / "wait.py").symlink_to(Path(__file__).parent / "scripts" / "wait.py")
    ends = standard / "ends.sh"
    ends.write_text("#!/bin/sh\nexit 1\n")
    ends.chmod(0o755)
    middleware = dds(free_domain())
    state = folder / "queue"
    async with (
        middleware.domain() as domain,
        running_service(middleware, domain, standard, state, limit_s=LIMIT_S) as service,
    ):
        live = Live(service)
        pids = {"queue": service.pid, "keeper": int((state / "keeper.lock").read_text())}
        print(_HEADER)
        _count(0, pids, dict.fromkeys(pids, 0.0), state)
        taken = Taken(pids)
        for done in range(part, scripts + 1, part):
            await _let_through(service, live, range(done - part, done), part // real if real else 0)
            # What is written a moment later, and sent once a second, is over then.
            await asyncio.sleep(QUIET_S)
            _count(done, pids, taken.ms(part), state)
        for title, question in QUESTIONS.items():
            _ask(title, question, state)


async def _let_through(service: Service, live: Live, numbers: range, every: int) -> None:
    """Add scripts, each as soon as there is room, and wait until all have gone."""
    room = asyncio.Semaphore(MOST_LIVE)

    async def one(number: int) -> None:
        async with room:
            is_real = every and number % every == 0
            try:
                index = await service.add(
                    "wait.py" if is_real else "ends.sh", "duration: 0" if is_real else ""
                )
            except AckTimeoutError as error:
                print(error, file=sys.stderr)
            else:
                await live.lost(index)

    await asyncio.gather(*map(one, numbers))


_HEADER = (
    "scripts    queue: RSS   PSS MB  threads  fds  ms each   keeper: RSS   PSS MB  threads  fds  ms each"
    "   journal   -wal MB   files   in memory kB"
)


def _count(done: int, pids: Mapping[str, int], taken_ms: Mapping[str, float], state: Path) -> None:
    line = f"{done:7}"
    for name, width in (("queue", 14), ("keeper", 14)):
        process, memory = psutil.Process(pids[name]), memory_of(pids[name])
        line += f"{memory.rss_mb:{width}.1f}{memory.pss_mb:9.1f}{process.num_threads():9}"
        line += f"{process.num_fds():5}{taken_ms[name]:9.2f}"
    journal, beside = (state / f"journal.sqlite{suffix}" for suffix in ("", "-wal"))
    line += f"{_mb(journal):10.1f}{_mb(beside):10.1f}"
    margin = margin_path(state)
    files = sum(1 for path in state.rglob("*") if path.is_file())
    line += f"{files:8}{margin.stat().st_size / 1e3 if margin.exists() else 0:15.0f}"
    print(line, flush=True)


def _mb(path: Path) -> float:
    return path.stat().st_size / 1e6 if path.exists() else 0.0


def _ask(title: str, question: tuple[str, ...], state: Path) -> None:
    program = [sys.executable, "-m", "lsst.ts.scriptqueue.cli.command_script_queue", str(INDEX), "history"]
    began = time.perf_counter()
    asked = subprocess.run(
        [*program, "--state-dir", str(state), *question], stdout=subprocess.PIPE, check=True
    )
    took_s = time.perf_counter() - began
    print(f"history, {title}: {took_s:.2f} s, {len(asked.stdout.splitlines())} lines", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scripts", type=int, default=10_000, help="how many")
    parser.add_argument("--part", type=int, default=1000, help="how many from one look to the next")
    parser.add_argument("--real", type=int, default=30, help="how many of each part are real ones")
    options = parser.parse_args()
    try:
        with (
            interruptible() as interruption,
            tempfile.TemporaryDirectory(prefix="scriptqueue-bench-") as folder,
        ):
            work = many(options.scripts, options.part, options.real, Path(folder))
            asyncio.run(interruption.during(work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("bench: given up; all its processes have ended", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
