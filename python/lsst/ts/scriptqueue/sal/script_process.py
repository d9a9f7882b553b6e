# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of a script, from its command line to its exit code.

SIGTERM and SIGINT end it without a final state and without `cleanup`, with
exit code 1. The author's code is cancelled; whatever it then does, and even
if it blocks, the process is gone after a short time. The same holds once the
final state was reported, for a thread that the author has left running.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import gc
import io
import logging
import os
import signal
import sys
import threading
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..bus.contract import BusError
from .script_command_line import ScriptOptions, script_options
from .stall import StallWatch

if TYPE_CHECKING:
    from .base_script import BaseScript

__all__ = ["run_process"]

#: How long the author's code may go on after a signal, and how long threads
#: may hold up the exit (seconds).
ABORT_LIMIT_S = 2.0
EXIT_LIMIT_S = 1.0

#: What comes after the final state takes a processor that the next script needs to start (seconds).
_GIVE_WAY_S = 0.03

#: Files that keep something back until there is more of it.
_BUFFERED = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def run_process(
    script_class: type[BaseScript], kwargs: dict[str, Any], *, is_whole_process: bool = False
) -> None:
    """Run a script as its command line says.

    Parameters
    ----------
    script_class
        The script.
    kwargs
        What the class takes besides ``index``.
    is_whole_process
        Shall the process end with it, whatever else is in it?

    Raises
    ------
    SystemExit
        If the script does not end well.
    """
    if "index" in kwargs:
        raise TypeError("index comes from the command line and cannot be an argument")
    options = script_options(script_class.__name__, sys.argv[1:])
    if options.is_schema_wanted:
        _print_schema(script_class)
        return
    # Before it ends the interpreter looks through all objects, several times, for what nobody will miss.
    # Through these it need not look, nor need `_leave`.
    gc.freeze()
    atexit.register(_leave)
    logging.basicConfig(
        level=options.log_level, format="%(asctime)s %(levelname)-8s %(name)s: %(message)s", stream=sys.stderr
    )
    try:
        exit_code = await _live(script_class(index=options.index, **kwargs), options, is_whole_process)
    except BusError as error:
        sys.exit(str(error))
    if exit_code:
        sys.exit(exit_code)


async def _live(script: BaseScript, options: ScriptOptions, is_whole_process: bool) -> int:
    """See a script through its life, and return its exit code."""
    script.log.setLevel(options.log_level)
    try:
        with _ended_by_signals():
            async with script.domain, StallWatch(script.log):
                await script.start_task
                await script.done_task
                await asyncio.sleep(_GIVE_WAY_S)
    finally:
        if is_whole_process:
            _end_within(EXIT_LIMIT_S, script.exit_code)
    return script.exit_code


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Cancel the current task when told to end, and see that the process ends.

    Raises
    ------
    SystemExit
        If it was told to end.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    told: list[int] = []

    # Not a handler of the loop: it must work while the loop is blocked.
    def abort(signum: int, frame: types.FrameType | None) -> None:
        if not told:
            _end_within(ABORT_LIMIT_S, 1)
            loop.call_soon_threadsafe(task.cancel)
        told.append(signum)

    before = {signum: signal.signal(signum, abort) for signum in _SIGNALS}
    try:
        yield
    except asyncio.CancelledError:
        if told:
            sys.exit(1)
        raise
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _leave() -> None:
    """Have written what the script has left in files that it did not close; nothing else is missed."""
    for found in gc.get_objects():
        if issubclass(type(found), _BUFFERED):
            # It may be closed, or its disk full.
            with contextlib.suppress(OSError, ValueError):
                found.flush()
    gc.freeze()


def _end_within(limit_s: float, code: int) -> None:
    timer = threading.Timer(limit_s, _end_now, (code,))
    timer.daemon = True
    timer.start()


def _end_now(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _print_schema(script_class: type[BaseScript]) -> None:
    schema = script_class.get_schema()
    if schema is not None:
        import yaml

        sys.stdout.write(yaml.safe_dump(schema, sort_keys=False))
