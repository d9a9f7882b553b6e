# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""One queue for each journal: a locked file says which.

The kernel drops the lock with the process, however that ends; the file stays.
It is a lock of the open file (``F_OFD_SETLK``), because of such a one the
kernel tells whether it is held without taking it: who asks never stands in
the way of a queue that starts.
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import struct

from .faults import JournalError, JournalInUseError

__all__ = ["JournalLock"]

#: ``struct flock`` of Linux: type, whence, start, length, pid.
_FLOCK = struct.Struct("hhqqi4x")


class JournalLock:
    """The lock of the journal in a directory.

    Parameters
    ----------
    directory
        The directory, which is there.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        self.path = directory / "journal.lock"
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises
        ------
        JournalInUseError
            If another process has it, or another journal of this one.
        JournalError
            If the file cannot be made.
        """
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise JournalError(f"the lock {self.path} cannot be made: {error.strerror}") from None
        try:
            _do(file, fcntl.F_OFD_SETLK)
        except BlockingIOError:
            holder = os.read(file, 20).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise JournalInUseError(
                f"process {holder} writes the journal in {self.path.parent}; stop that queue, or give this "
                "one another state directory"
            ) from None
        try:
            # In one write of the same place, so that a reader never sees a part, nor a full disk matters.
            os.pwrite(file, f"{os.getpid():<20}".encode(), 0)
        except OSError:
            # Without room for it nobody learns the number; the lock holds all the same.
            os.ftruncate(file, 0)
        self._file = file

    def holder(self) -> int | None:
        """Return the process that has the lock; None if nobody has it, 0 if that is not known.

        Raises
        ------
        JournalError
            If that cannot be looked up.
        """
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise JournalError(f"the lock {self.path} cannot be read: {error.strerror}") from None
        try:
            if _do(file, fcntl.F_OFD_GETLK) == fcntl.F_UNLCK:
                return None
            number = os.read(file, 20).decode(errors="replace").strip()
            return int(number) if number.isdecimal() else 0
        finally:
            os.close(file)

    def release(self) -> None:
        """Give the lock back, if it was taken."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _do(file: int, command: int) -> int:
    """Ask for the lock of the whole file, to write; return the type of the lock that the kernel tells of."""
    wanted = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind: int = _FLOCK.unpack(fcntl.fcntl(file, command, wanted))[0]
    return kind
