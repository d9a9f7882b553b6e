# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a keeper is found: its lock, its socket and its log, in the state directory.

The path of a socket may have 107 bytes, that of a state directory more. So the
socket is named by way of an open descriptor of the directory.
"""

from __future__ import annotations

import fcntl
import os
import time

__all__ = ["ANOTHER_RUNS", "Log", "open_directory", "lock", "socket_address"]

#: Exit status of a keeper that finds another one in its place; of one that cannot run there it is 1.
ANOTHER_RUNS = 3

_LOCK, _SOCKET, _LOG = "keeper.lock", "keeper.sock", "keeper.log"

#: A log that has grown beyond this is set aside, in place of the one set aside before.
_MAX_LOG_BYTES = 1_000_000


def open_directory(state_dir: str) -> int:
    """Open the state directory, for `socket_address`."""
    return os.open(state_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def socket_address(directory: int) -> str:
    """Return the address of the keeper's socket, good for this process while `directory` is open."""
    return f"/proc/self/fd/{directory}/{_SOCKET}"


def lock(state_dir: str) -> int | str:
    """Lock a state directory for this process.

    Returns
    -------
    lock
        A descriptor that holds the lock, or the process id of who holds it.
    """
    descriptor = os.open(os.path.join(state_dir, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(descriptor, 100, 0).decode(errors="replace").strip()
        os.close(descriptor)
        return owner or "not known"
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return descriptor


class Log:
    """The log of a keeper, which is also its stdout and stderr.

    Parameters
    ----------
    state_dir
        Where it is.
    is_stderr
        Whether what is said goes to stderr alone, and to no file.
    """

    def __init__(self, state_dir: str, *, is_stderr: bool) -> None:
        self._path = None if is_stderr else os.path.join(state_dir, _LOG)
        self._open()

    def say(self, text: str) -> None:
        """Write a line; where that is not possible, nothing is said."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        try:
            if self._path is not None and os.fstat(2).st_size > _MAX_LOG_BYTES:
                os.replace(self._path, f"{self._path}.1")
                self._open()
            os.write(2, f"{stamp} keeper {os.getpid()}: {text}\n".encode(errors="backslashreplace"))
        except OSError:
            pass

    def _open(self) -> None:
        if self._path is None:
            return
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for standard in (1, 2):
            os.dup2(descriptor, standard)
        os.close(descriptor)
