# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""One queue for each journal: a locked file says which.

The kernel drops the lock with the process, however that ends; the file stays.
"""

from __future__ import annotations

import fcntl
import os
import pathlib

from .faults import JournalError, JournalInUseError

__all__ = ["JournalLock"]


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
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            number = os.read(file, 20).decode(errors="replace").strip()
            return int(number) if number.isdecimal() else 0
        finally:
            os.close(file)
        return None

    def release(self) -> None:
        """Give the lock back, if it was taken."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
