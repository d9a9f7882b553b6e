# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program behind ``bin/kafka``."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from .artifacts import KafkaMissing, check_programs, must_be_fetched
from .server import Server, bring_back, ended, running, start, stop, take_away

__all__ = ["main"]

_ACTIONS = """actions:
  start    start both, if they do not run, and print the environment to export
  status   print it again; if not both run, say which, with exit status 1
  stop     stop both, remove their data, and print what to take back
  run      start both, print the environment, and stop both at Ctrl-C or SIGTERM
  away     end the broker alone and keep its data, to try what that does
  crash    the same, by SIGKILL
  back     start it again

Use them with:  eval "$(bin/kafka start)"       and in the end:  eval "$(bin/kafka stop)"
With SASL:      eval "$(bin/kafka start --sasl)"

Needs Java 17 or newer and, for the first start, Maven and its repository."""

_SECURITY = ("LSST_KAFKA_SECURITY_USERNAME", "LSST_KAFKA_SECURITY_PASSWORD")
_VARIABLES = ("LSST_KAFKA_BROKER_ADDR", "LSST_SCHEMA_REGISTRY_URL", "LSST_TOPIC_SUBNAME", *_SECURITY)
_SUBNAME = "local"


class _Told(BaseException):
    """A signal has come; its number is the argument."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _told)
    try:
        return _do(options.action, options.state_dir.resolve(), sasl=options.sasl, registry=options.registry)
    except (KafkaMissing, OSError) as error:
        _say(str(error))
        return 1
    except _Told as told:
        return 128 + int(told.args[0])


def _do(action: str, folder: Path, *, sasl: bool, registry: str) -> int:
    match action:
        case "start":
            _say_what_takes_long()
            _print_exports(start(folder, registry_url=registry), sasl=sasl)
        case "run":
            return _run(folder, sasl=sasl)
        case "away":
            take_away(folder)
        case "crash":
            take_away(folder, signal.SIGKILL)
        case "back":
            bring_back(folder)
        case "stop":
            if not stop(folder):
                _say("nothing ran")
            _print(f"unset {' '.join(_VARIABLES)}")
        case "status":
            server = running(folder)
            if server is None:
                _say(_why_not(ended(folder)))
                return 1
            _print_exports(server, sasl=sasl)
    return 0


def _why_not(ended: tuple[str, ...]) -> str:
    match ended:
        case ("broker",):
            return (
                "the broker has ended, and the registry runs; start the broker again with its data:"
                " bin/kafka back, or both anew: bin/kafka start"
            )
        case ("registry",):
            return (
                "the registry has ended, and the broker runs; the schemas are lost, so start both anew:"
                " bin/kafka start"
            )
        case ():
            return "does not run; start it with: bin/kafka start"
        case _:
            return "both have ended by themselves; start them anew: bin/kafka start"


def _run(folder: Path, *, sasl: bool) -> int:
    """Own both: they live no longer than this process, and have its environment."""
    if running(folder) is not None:
        _say(f"they run in {folder} already, and are not this program's to stop")
        return 1
    _say_what_takes_long()
    try:
        server = start(folder, os.environ)
        _print_exports(server, sasl=sasl)
        _end_stdout()
        pid, _ = os.wait()
        _say(f"the {'broker' if pid == next(iter(server.pids)) else 'registry'} has ended by itself")
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stop(folder)


def _told(number: int, frame: FrameType | None) -> None:
    raise _Told(number)


def _say_what_takes_long() -> None:
    check_programs()
    if must_be_fetched():
        _say("fetching a broker and a registry with Maven (once, 150 MB)")


def _print_exports(server: Server, *, sasl: bool) -> None:
    environment: Mapping[str, str] = server.sasl_environment if sasl else server.environment
    if stale := [name for name in _SECURITY if name in os.environ and name not in environment]:
        _print(f"unset {' '.join(stale)}")
    subname = os.environ.get("LSST_TOPIC_SUBNAME") or _SUBNAME
    for name, value in {**environment, "LSST_TOPIC_SUBNAME": subname}.items():
        _print(f"export {name}={shlex.quote(value)}")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _end_stdout() -> None:
    """Let whoever reads know, by the end of the text, that both answer."""
    sys.stdout.flush()
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 1)


def _say(text: str) -> None:
    sys.stderr.write(f"kafka: {text}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kafka",
        description="A Kafka broker and a schema registry on this machine, to try things with.",
        epilog=_ACTIONS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["start", "stop", "status", "run", "away", "crash", "back"])
    parser.add_argument(
        "--sasl", action="store_true", help="print the environment of the listener with password"
    )
    parser.add_argument(
        "--registry", default="", metavar="URL", help="a registry that runs already, for start"
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=_state_dir(),
        help="where data and logs are kept (default: %(default)s)",
    )
    return parser


def _state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base, "ts_scriptqueue", "kafka")


if __name__ == "__main__":
    sys.exit(main())
