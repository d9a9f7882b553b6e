# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the keeper of a state directory: ``python -m lsst.ts.scriptqueue.keeper``.

This process reads the arguments, makes itself the one to which orphans fall,
leaves its session where that is asked for, and then becomes ``serve``.
"""

from __future__ import annotations

import os
import sys

if not __package__:
    sys.path.append(os.path.abspath(f"{__file__}/../../../../.."))

import argparse
import ctypes
import signal

from lsst.ts.scriptqueue.keeper.serve import READY, command

__all__ = ["main"]

_PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Start the keeper; returns an exit status only if it is detached, or cannot be started."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.init and not arguments.queue:
        parser.error("--init needs the command of the queue: --init STATE_DIR -- run_script_queue 1")
    if arguments.queue and not arguments.init:
        parser.error("a command is started with --init only")
    state_dir = os.path.abspath(arguments.state_dir)
    if arguments.detach:
        return _detach(state_dir)
    _take_orphans()
    to_run = command(state_dir, None, arguments.queue)
    os.execv(to_run[0], to_run)


def _detach(state_dir: str) -> int:
    """Start the keeper in a session of its own, and return when it can be asked."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        for number in (signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        _take_orphans()
        os.set_inheritable(writing, True)
        to_run = command(state_dir, writing, ())
        os.execv(to_run[0], to_run)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read()
    if said == READY:
        return 0
    sys.stderr.write(said.decode(errors="replace") or "the keeper ended unheard\n")
    _, status = os.waitpid(child, 0)
    return max(1, os.waitstatus_to_exitcode(status))


def _take_orphans() -> None:
    """Have this process, also as another program, be the parent of what scripts leave behind."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lsst.ts.scriptqueue.keeper",
        description="Own the processes of a ScriptQueue's scripts, and outlive the queue.",
    )
    parser.add_argument("state_dir", metavar="STATE_DIR", help="state directory of the queue")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--detach", action="store_true", help="leave the session; return when the keeper can be asked"
    )
    how.add_argument(
        "--init", action="store_true", help="start the queue as well, and start it again when it fails"
    )
    parser.add_argument("queue", metavar="COMMAND", nargs="*", help="with --init, after --: the queue")
    return parser


if __name__ == "__main__":
    sys.exit(main())
