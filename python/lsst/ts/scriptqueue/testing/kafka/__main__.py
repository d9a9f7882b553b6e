# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program behind ``bin/kafka``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from .artifacts import KafkaMissing
from .server import Server, running, start, stop


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="kafka",
        description="A Kafka broker and a schema registry on this machine, to try things with.",
        epilog='Use it with: eval "$(bin/kafka start)"',
    )
    parser.add_argument("action", choices=["start", "stop", "status"])
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=_state_dir(),
        help="where data and logs are kept (default: %(default)s)",
    )
    chosen = parser.parse_args()
    try:
        return {"start": _start, "stop": _stop, "status": _status}[chosen.action](chosen.state_dir.resolve())
    except KafkaMissing as error:
        sys.stderr.write(f"kafka: {error}\n")
        return 1


def _start(folder: Path) -> int:
    _print(running(folder) or start(folder))
    return 0


def _stop(folder: Path) -> int:
    if not stop(folder):
        sys.stderr.write("kafka: nothing ran\n")
    return 0


def _status(folder: Path) -> int:
    server = running(folder)
    if server is None:
        sys.stderr.write("kafka: does not run; start it with: bin/kafka start\n")
        return 1
    _print(server)
    return 0


def _print(server: Server) -> None:
    environment = server.environment | {"LSST_TOPIC_SUBNAME": "local"}
    for name, value in environment.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


def _state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base, "ts_scriptqueue", "kafka")


if __name__ == "__main__":
    sys.exit(main())
