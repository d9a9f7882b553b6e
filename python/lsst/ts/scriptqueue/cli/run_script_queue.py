# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``run_script_queue INDEX``: the service, from start to staged stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import pathlib
import signal
import sys
from collections.abc import Sequence

from .. import __version__
from ..bus import BusError
from ..bus.choice import BUS_KINDS
from ..configuration import ConfigurationError
from ..csc.assembly import QueueOptions, script_queue
from ..csc.settings import Settings, SettingsError, read_settings
from ..sal.enums import State
from ..sal.errors import DuplicateError
from .check_config import check_config
from .state_dir import default_state_dir

__all__ = ["main"]

#: The indices of its scripts, 100,000 for each queue, must fit into 32 bits.
_MAX_INDEX = 21_473

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
    logging.basicConfig(
        level=options.loglevel,
        format="%(asctime)s %(levelname)-8s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    if options.verbose:
        logging.getLogger("lsst.ts.scriptqueue").setLevel(logging.DEBUG)
    try:
        settings = read_settings(options.config) if options.config else Settings()
        asyncio.run(
            _serve(
                QueueOptions(
                    index=index,
                    state_dir=options.state_dir or default_state_dir(index),
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
    told_to_end: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not told_to_end.done():
            told_to_end.set_result(None)

    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, end)
    async with script_queue(options) as csc:
        print(f"ScriptQueue:{options.index} is {csc.summary_state.name}", flush=True)
        await asyncio.wait([told_to_end, csc.done_task], return_when=asyncio.FIRST_COMPLETED)
        if csc.done_task.done():
            csc.done_task.result()


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
        usage="%(prog)s [options] INDEX\n       %(prog)s --check-config [--config-dir DIR] [OVERRIDE]",
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
