# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``run_script_queue INDEX``: the service, from start to staged stop."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import gc
import logging
import pathlib
import signal
import sys
from collections.abc import Sequence
from typing import Any

from .. import __version__
from ..bus import BusError
from ..bus.choice import BUS_KINDS
from ..configuration import ConfigurationError
from ..csc.assembly import QueueOptions, script_queue
from ..csc.settings import Settings, SettingsError, read_settings
from ..journal import JournalError
from ..sal.enums import State
from ..sal.errors import DuplicateError
from .check_config import check_config
from .service_control import KEEP_SCRIPTS, check, stop
from .state_dir import default_state_dir

__all__ = ["main"]

logger = logging.getLogger(__name__)

#: The indices of its scripts, 100,000 for each queue, must fit into 32 bits.
_MAX_INDEX = 21_473

#: The garbage collector looks at new objects when there are so many.
_YOUNG_OBJECTS = 10_000

_STATES = {state.name.lower(): state for state in (State.STANDBY, State.DISABLED, State.ENABLED)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a ScriptQueue until it is sent to OFFLINE or told to end.

    Returns
    -------
    int
        Exit status: 0 when it has ended as it should, 1 when it could not
        start, with the reason on stderr.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.check_config:
        return _check_config(parser, options)
    index = _index(parser, options.words)
    state_dir = options.state_dir or default_state_dir(index)
    if options.keep_scripts and not options.stop:
        parser.error("--keep-scripts goes with --stop")
    if options.stop and options.check:
        parser.error("--stop and --check do not go together")
    if options.stop or options.check:
        try:
            is_well, text = (
                stop(state_dir, keeps_scripts=options.keep_scripts)
                if options.stop
                else check(index, state_dir, options.bus)
            )
        except JournalError as error:
            is_well, text = False, str(error)
        print(text if is_well else f"run_script_queue: {text}", file=sys.stdout if is_well else sys.stderr)
        return 0 if is_well else 1
    logging.basicConfig(
        level=options.loglevel,
        format="%(asctime)s %(levelname)-8s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    if options.verbose:
        logging.getLogger("lsst.ts.scriptqueue").setLevel(logging.DEBUG)
    try:
        settings = read_settings(options.config) if options.config else Settings()
        if options.resume_after_restart:
            settings = dataclasses.replace(settings, resume_after_restart=True)
        asyncio.run(
            _serve(
                QueueOptions(
                    index=index,
                    state_dir=state_dir,
                    standard=options.standard,
                    external=options.external,
                    bus=options.bus,
                    initial_state=_STATES[options.state],
                    settings=settings,
                    config_dir=options.config_dir,
                )
            )
        )
    except (BusError, ConfigurationError, DuplicateError, SettingsError) as error:
        print(f"run_script_queue: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(options: QueueOptions) -> None:
    loop = asyncio.get_running_loop()
    told_to_end: asyncio.Future[signal.Signals] = loop.create_future()

    def end(signum: signal.Signals) -> None:
        if not told_to_end.done():
            told_to_end.set_result(signum)

    for signum in (signal.SIGTERM, signal.SIGINT, KEEP_SCRIPTS):
        loop.add_signal_handler(signum, end, signum)
    # A terminal that goes away is no reason to end the night.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # To read back a night makes many objects, and none that goes.
    gc.disable()
    async with script_queue(options) as csc:
        print(f"ScriptQueue:{options.index} is {csc.summary_state.name}", flush=True)
        # What is there by now stays. To look through all of it for garbage again and again would
        # hold everything up, each time for tens of milliseconds.
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        gc.enable()
        ends: tuple[asyncio.Future[Any], ...] = (told_to_end, csc.done_task)
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if csc.done_task.done():
            csc.done_task.result()
        else:
            told = told_to_end.result()
            how = f"{told.name}, --keep-scripts" if told is KEEP_SCRIPTS else told.name
            await csc.end(f"the service was told to end by {how}", leaves_scripts=told is KEEP_SCRIPTS)
    logger.info("ScriptQueue:%d has ended", options.index)


def _index(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    if len(words) != 1:
        parser.error(f"one SAL index is needed, not {len(words)}")
    if not _is_index(words[0]):
        parser.error(f"{words[0]!r} is no SAL index: a whole number from 1 to {_MAX_INDEX}")
    return int(words[0])


def _is_index(word: str) -> bool:
    return word.isdecimal() and 1 <= int(word) <= _MAX_INDEX


def _check_config(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    # Whoever puts it behind the command line of a service leaves the index there.
    words = options.words[1:] if options.words and _is_index(options.words[0]) else options.words
    if len(words) > 1:
        parser.error(f"one override can be checked at a time, not {', '.join(words)}")
    is_right, text = check_config(options.config_dir, words[0] if words else "")
    print(text, file=sys.stdout if is_right else sys.stderr)
    return 0 if is_right else 1


def _directory(text: str) -> pathlib.Path:
    path = pathlib.Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a directory")
    return path.absolute()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_script_queue",
        usage="%(prog)s [options] INDEX\n"
        "       %(prog)s --stop [--keep-scripts] INDEX\n"
        "       %(prog)s --check INDEX\n"
        "       %(prog)s --check-config [--config-dir DIR] [OVERRIDE]",
        description="Run a ScriptQueue.",
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="INDEX",
        help="SAL index: 1 main telescope, 2 auxiliary telescope, 3 OCS",
    )
    parser.add_argument("--standard", type=_directory, help="directory of the standard scripts")
    parser.add_argument("--external", type=_directory, help="directory of the external scripts")
    parser.add_argument(
        "--bus",
        choices=BUS_KINDS,
        help="middleware (default: kafka if LSST_KAFKA_BROKER_ADDR is set, else dds)",
    )
    parser.add_argument("--state", choices=_STATES, default="standby", help="summary state to start in")
    parser.add_argument("--state-dir", type=pathlib.Path, help="where to keep what must outlive the service")
    parser.add_argument("--config", type=pathlib.Path, help="YAML file of settings")
    parser.add_argument(
        "--config-dir",
        type=_directory,
        metavar="DIR",
        help="configuration directory (default: that of the ScriptQueue below TS_CONFIG_OCS_DIR, "
        "else one serial slot)",
    )
    parser.add_argument(
        "--stop",
        action="store_true",
        help="end the service of that index on this machine as planned, with its scripts, and wait for it",
    )
    parser.add_argument(
        "--keep-scripts",
        action="store_true",
        help="with --stop: leave the scripts to the next service, for an upgrade",
    )
    parser.add_argument(
        "--check", action="store_true", help="exit with 0 if the service of that index is well, else with 1"
    )
    parser.add_argument(
        "--resume-after-restart",
        action="store_true",
        help="go on by itself after a crash, instead of with all slots paused",
    )
    parser.add_argument(
        "--check-config",
        action="store_true",
        help="check the configuration, with an override if one is named, say what it is, and end",
    )
    parser.add_argument("--loglevel", type=int, default=logging.INFO, help="level of the log on stderr")
    parser.add_argument("--verbose", action="store_true", help="log everything of the queue itself")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


if __name__ == "__main__":
    sys.exit(main())
