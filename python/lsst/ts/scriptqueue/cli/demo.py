# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``bin/demo``: a night of the ScriptQueue, in half a minute.

It starts ScriptQueue:1, is its operator for a night, shows what happens, and
ends it. Everything it says is checked; the exit status is 0 if all was as it
should be, else 1. A signal at any time ends the night early and leaves no
process behind; the exit status is then 128 and the signal's number.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["Interruption", "main"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Turns signals into a cancellation of what can be cancelled.

    From `install` on, a signal raises nothing anywhere: until there is a task
    it is only kept in mind, then it cancels the task. Each further one cancels
    it again, which cuts its patience short.

    Attributes
    ----------
    signal_number
        The signal that came first, or None.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._task: asyncio.Task[bool] | None = None

    def install(self) -> None:
        """Take the signals over, for the rest of the process."""
        for number in _SIGNALS:
            signal.signal(number, self._come)

    def aim(self, task: asyncio.Task[bool]) -> None:
        """Say what is cancelled from now on; at once if a signal has come."""
        self._task = task
        if self.signal_number is not None:
            task.cancel()

    def _come(self, number: int, frame: FrameType | None) -> None:
        self.signal_number = self.signal_number or number
        if self._task is not None and not self._task.done():
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play a night; return the exit status."""
    interruption = Interruption()
    interruption.install()
    options = _parser().parse_args(arguments)

    # Imported so late because a signal during these imports would end in a traceback.
    import asyncio

    from rich.console import Console

    from ..bus import BusError, usual_kind
    from .night.kafka import KafkaMissing, clear_kafka, is_borrowed
    from .night.stage import alone, end_all, play

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a mark must not end the night.
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False, emoji=False, markup=False)

    async def run() -> bool:
        task = asyncio.create_task(play(console, bus, lines=options.lines), name="demo")
        interruption.aim(task)
        await asyncio.wait([task])
        return task.result()

    bus = options.bus or usual_kind()
    mark = alone(os.environ, bus)
    borrows_kafka = is_borrowed(bus)
    try:
        return 0 if asyncio.run(run()) else 1
    except asyncio.CancelledError:
        left = end_all(mark)
        pids = ", ".join(str(process.pid) for process in left)
        console.print(
            f"The night was ended early; {f'these are left: {pids}' if left else 'no process is left'}."
        )
        if borrows_kafka and (topics := clear_kafka()):
            console.print(f"demo: topics are left at the broker: {topics}", soft_wrap=True)
        return 128 + (interruption.signal_number or signal.SIGINT)
    except (BusError, KafkaMissing) as error:
        console.print(f"demo: {error}", soft_wrap=True)
        return 1
    finally:
        end_all(mark)
        if borrows_kafka:
            clear_kafka()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="demo",
        description="Plays a night of the ScriptQueue in the terminal: a queue in a process of its own, real"
        " scripts, and an operator. It takes about half a minute and needs no server.",
    )
    parser.add_argument(
        "--bus",
        choices=["dds", "kafka"],
        help="middleware (default: kafka if LSST_KAFKA_BROKER_ADDR is set, else dds). On kafka that broker is"
        " used, under topic names of its own; if none is set, one is started, which needs Java and Maven",
    )
    parser.add_argument("--lines", action="store_true", help="a line for each happening, instead of a screen")
    return parser


if __name__ == "__main__":
    sys.exit(main())
