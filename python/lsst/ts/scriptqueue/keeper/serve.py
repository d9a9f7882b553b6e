# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that the keeper is while it runs; ``__main__`` becomes it when all is prepared.

It is run as a file, without the ``site`` module, because looking through all that
is installed would make it larger by half. Its arguments are made by `command`.
"""

from __future__ import annotations

import os
import sys

if not __package__:
    sys.path.append(os.path.abspath(f"{__file__}/../../../../.."))

import signal
import socket
from collections.abc import Callable, Sequence

from lsst.ts.scriptqueue.keeper.place import ANOTHER_RUNS, Log, lock, open_directory, socket_address
from lsst.ts.scriptqueue.keeper.poll import Poll
from lsst.ts.scriptqueue.keeper.queue_process import QueueProcess
from lsst.ts.scriptqueue.keeper.service import Service, Stage

__all__ = ["READY", "command", "main"]

#: What is written to the descriptor that waits for it when the keeper can be asked.
READY = b"ready\n"

#: More than could be waiting: one that finds no place is not told so by every event loop.
_BACKLOG = 128


def command(state_dir: str, ready: int | None, queue: Sequence[str]) -> list[str]:
    """Return the command that runs this program.

    Parameters
    ----------
    state_dir
        The state directory, an absolute path.
    ready
        Descriptor that waits for `READY`, or for the reason why not; None
        if the keeper runs in the foreground, and logs to stderr.
    queue
        The command of the queue that it starts, or nothing.
    """
    python = [sys.executable, "-I", "-S", "-X", "utf8", os.path.abspath(__file__)]
    return [*python, state_dir, "-" if ready is None else str(ready), *queue]


def main(arguments: Sequence[str]) -> int:
    """Run the keeper; returns its exit status."""
    state_dir, ready, *queue = arguments
    waiting = None if ready == "-" else int(ready)
    _close_inherited(waiting)
    try:
        os.makedirs(state_dir, exist_ok=True)
        held = lock(state_dir)
        if isinstance(held, str):
            _say_why(waiting, f"another keeper, process {held}, runs in {state_dir}; one is enough")
            return ANOTHER_RUNS
        log = Log(state_dir, is_stderr=waiting is None)
        directory = open_directory(state_dir)
        listener = _listen(directory)
    except OSError as error:
        _say_why(waiting, f"no keeper can run in {state_dir}: {error.strerror or error}")
        return 1
    poll = Poll()
    service = Service(poll, listener, log.say, is_lasting=waiting is None)
    child = QueueProcess(queue, poll, service, log.say) if queue else None
    _hear_signals(poll, service, child, log.say)
    log.say(f"is ready, and owns the scripts of the state directory {state_dir}")
    if waiting is not None:
        os.chdir("/")
        os.write(waiting, READY)
        os.close(waiting)
    if child is not None:
        child.start()
    while (
        service.stage is not Stage.CLOSED or service.is_connected or (child is not None and not child.is_over)
    ):
        poll.wait()
    os.unlink(socket_address(directory))
    log.say("has ended")
    return 0 if child is None else child.status


def _say_why(waiting: int | None, why: str) -> None:
    os.write(2 if waiting is None else waiting, f"{why}\n".encode())


def _close_inherited(waiting: int | None) -> None:
    """Close what whoever started this process has left open, so that no script inherits it."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != waiting:
            try:
                os.close(int(name))
            except OSError:
                # The descriptor of the listing itself.
                pass
    if waiting is not None:
        os.set_inheritable(waiting, False)


def _listen(directory: int) -> socket.socket:
    address = socket_address(directory)
    try:
        # Of a keeper that was killed; the lock says that it is not in use.
        os.unlink(address)
    except FileNotFoundError:
        pass
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    before = os.umask(0o177)
    try:
        listener.bind(address)
    finally:
        os.umask(before)
    listener.listen(_BACKLOG)
    return listener


def _hear_signals(
    poll: Poll, service: Service, child: QueueProcess | None, say: Callable[[str], None]
) -> None:
    """Have signals heard by `poll`."""
    heard, wakeup = socket.socketpair()
    heard.setblocking(False)
    wakeup.setblocking(False)

    def hear() -> None:
        numbers = heard.recv(1024)
        if signal.SIGCHLD in numbers:
            service.children.reap_orphans()
        if signal.SIGTERM in numbers and child is not None:
            say("it got SIGTERM: the queue is told to make its planned stop")
            child.stop()
        elif signal.SIGTERM in numbers:
            service.close(service.kill_after_s, "it got SIGTERM")

    poll.watch(heard.fileno(), hear)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    signal.set_wakeup_fd(wakeup.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        # What is to be done is done when the wakeup is read.
        signal.signal(number, lambda *_: None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
