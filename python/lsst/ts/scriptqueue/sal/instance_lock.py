# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""One CSC of a name and index on a machine: a locked file says who it is.

The kernel drops the lock with the process, however that ends; the file stays.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from .errors import DuplicateError

__all__ = ["InstanceLock"]


class InstanceLock:
    """The lock of one component.

    Parameters
    ----------
    directory
        Where the file is; made if it does not exist.
    title
        Name and index of the component, such as ``ScriptQueue:1``.
    """

    def __init__(self, directory: Path, title: str) -> None:
        self.path = directory / f"{title.replace(':', '-')}.lock"
        self._title = title
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises
        ------
        DuplicateError
            If another process has it, or another component of this one.
        OSError
            If the file cannot be made.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 20).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise DuplicateError(
                f"{self._title} runs already on this machine: process {holder} holds {self.path}"
            ) from None
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def release(self) -> None:
        """Give the lock back, if it was taken."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
