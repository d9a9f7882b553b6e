# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of ``bin/chaos``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import pathlib
import random
import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence

from interruption import interruptible
from middleware import Middleware, dds, kafka

from .awake import AwakeLoop
from .night import Night
from .stage import Stage

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit status is 0 if nothing is wrong, 1 if something is, and 2 if it could not be run."""
    options = _parser().parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    print(f"chaos: --bus {options.bus} --kills {options.kills} --seed {seed}", flush=True)
    with contextlib.ExitStack() as stack:
        middleware: Middleware | str
        if options.bus == "kafka":
            middleware = stack.enter_context(kafka({}))
        else:
            middleware = dds(secrets.choice(range(10, 101)))
        if isinstance(middleware, str):
            print(f"chaos: {middleware}", file=sys.stderr)
            return 2
        folder = pathlib.Path(tempfile.mkdtemp(prefix="scriptqueue-chaos-", dir=options.folder))
        night = Night(
            Stage(folder),
            middleware,
            random.Random(seed),
            kills=options.kills,
            outages=options.outages,
            limit_s=options.seconds,
        )
        interruption = stack.enter_context(interruptible())
        loop = AwakeLoop()
        runner = stack.enter_context(asyncio.Runner(loop_factory=lambda: loop))
        is_right = False
        try:
            said = runner.run(interruption.during(night.run()))
            print(f"chaos: {said}", flush=True)
            if loop.stood_still_s:
                print(
                    f"chaos: nothing moved for {loop.stood_still_s:.0f} s in all; no limit counts them",
                    flush=True,
                )
            is_right = not night.model.faults
        finally:
            if is_right:
                shutil.rmtree(folder)
            else:
                print(f"chaos: WRONG with --seed {seed}; logs and state are kept in {folder}", flush=True)
    for fault in night.model.faults:
        print(f"chaos:   {fault}", flush=True)
    return 0 if is_right else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chaos",
        description="Kill a ScriptQueue again and again while clients command it, and see whether anything "
        "is lost or done twice.",
    )
    parser.add_argument("--kills", type=int, default=200, help="how often (default: 200)")
    parser.add_argument("--seed", type=int, help="what decides; the same seed makes the same plans")
    parser.add_argument("--bus", choices=("dds", "kafka"), default="dds", help="middleware (default: dds)")
    parser.add_argument(
        "--outages", type=int, default=0, help="how many times no queue is there for a minute (default: 0)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=math.inf,
        help="after this nothing is killed any more (default: for ever)",
    )
    parser.add_argument(
        "--folder", type=pathlib.Path, help="where logs and state are kept if something is wrong"
    )
    return parser
