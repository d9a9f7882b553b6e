# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that scripts print to.

The rules:

* Each launch has a file of its own, ``<state directory>/output/<SAL index>-<UTC
  time>-<end of the launch id>.log``, opened in append mode. The script writes
  to it directly, so nothing that happens to the service can disturb it.
* A file is kept below a size although its writer never asks anybody: when it
  has grown above it, the newest half is kept, after a line that says so. The
  writer, being in append mode, goes on after it. What it writes between the
  last read and the cut, two system calls in a row, is lost, and what it
  writes before the third, which puts the newest half back, comes first.
* How far a file may grow beyond its size meanwhile is what a script can write
  between two checks.
* Old files are removed, but never one that a living process still writes to.
  Every writer inherits a shared lock with its descriptor, so this also holds
  for processes that another service started.

Everything here blocks, and is called in threads.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import re
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..keeper.spawning import open_output

__all__ = ["OutputFolder", "OutputLimits", "readable", "tail"]

_DAY_S = 86_400.0

_FILE_NAME = re.compile(r"\d+-\d{8}T\d{6}Z-\w*\.log")

#: Colours and cursor movements, as terminals understand them.
_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")

#: How often a writer is followed before its file is cut; one that is still ahead loses a little.
_CATCH_UPS = 10

#: The longest encoding of a character, in bytes.
_MAX_ENCODED = 4


@dataclass(frozen=True, slots=True)
class OutputLimits:
    """How much output is kept.

    Attributes
    ----------
    max_bytes
        Size of one file.
    keep_days
        Age at which a file is removed.
    keep_bytes
        Size of all files together.
    keep_files
        Number of files.
    check_s
        Time from one check of the sizes to the next.
    sweep_launches
        Number of launches after which old files are looked for again.
    sweep_s
        Time after which they are, however few launches there were.
    """

    max_bytes: int = 10_000_000
    keep_days: float = 14.0
    keep_bytes: int = 1_000_000_000
    keep_files: int = 10_000
    check_s: float = 1.0
    sweep_launches: int = 100
    sweep_s: float = _DAY_S


class OutputFolder:
    """The output files of one service.

    Parameters
    ----------
    state_dir
        Where the service keeps its state.
    limits
        How much is kept.
    """

    def __init__(self, state_dir: str | os.PathLike[str], limits: OutputLimits) -> None:
        self.directory = pathlib.Path(os.path.abspath(state_dir)) / "output"
        self._limits = limits
        self._cutting = threading.Lock()

    def path_for(self, sal_index: int, launch_id: str) -> str:
        """Return the path for the output of a launch."""
        started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        end_of_id = re.sub(r"[^A-Za-z0-9]", "", launch_id)[-8:]
        return str(self.directory / f"{sal_index}-{started}-{end_of_id}.log")

    def create(self, sal_index: int, launch_id: str) -> tuple[int, str]:
        """Open the file of a launch; returns its descriptor and path.

        Raises
        ------
        OSError
            If it cannot be opened.
        """
        path = self.path_for(sal_index, launch_id)
        self.directory.mkdir(parents=True, exist_ok=True)
        return open_output(path), path

    def bound(self, paths: Iterable[str]) -> None:
        """Cut files that have grown too large down to their newest half; skip those that are gone.

        Raises
        ------
        OSError
            If a file cannot be read or written.
        """
        with self._cutting:
            for path in paths:
                with contextlib.suppress(FileNotFoundError):
                    if os.path.getsize(path) > self._limits.max_bytes:
                        _cut(path, self._limits.max_bytes // 2)

    def remove_old(self, in_use: Iterable[str]) -> None:
        """Remove what is too old or too much, the oldest first.

        Parameters
        ----------
        in_use
            Files that are kept in any case, beside those that are locked.

        Raises
        ------
        OSError
            If the folder cannot be read, or a file cannot be removed.
        """
        kept = frozenset(in_use)
        oldest_s = time.time() - self._limits.keep_days * _DAY_S
        total = 0
        for count, (modified_s, size, path) in enumerate(sorted(self._files(), reverse=True), start=1):
            total += size
            too_much = total > self._limits.keep_bytes or count > self._limits.keep_files
            if (too_much or modified_s < oldest_s) and path not in kept and not _is_locked(path):
                os.unlink(path)

    def _files(self) -> Iterator[tuple[float, int, str]]:
        """All output files: when they were last written to, size, path."""
        if not self.directory.is_dir():
            return
        with os.scandir(self.directory) as entries:
            for entry in entries:
                if _FILE_NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    yield status.st_mtime, status.st_size, entry.path


def tail(path: str, max_lines: int = 20, max_chars: int = 2000) -> str:
    """Return the last lines of a file in a form fit to be read by people.

    Only the end of the file is read. What is not UTF-8, escape sequences and
    control characters are left out or replaced; of a line that was written
    over, as progress bars are, only the last version counts.
    """
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            # Escape sequences and bars may take more room than text.
            file.seek(max(0, size - 4 * _MAX_ENCODED * max_chars))
            data = file.read()
    except FileNotFoundError:
        return ""
    return readable(data, max_lines, max_chars)


def readable(data: bytes, max_lines: int, max_chars: int) -> str:
    """Return the last lines of what a program has printed, cleaned as by `tail`."""
    text = _ESCAPE_SEQUENCE.sub("", data.decode(errors="replace"))
    lines = [_printable(line.rstrip("\r").rpartition("\r")[2]) for line in text.split("\n")]
    return "\n".join("\n".join(lines).rstrip().split("\n")[-max_lines:])[-max_chars:].strip("\n")


def _printable(line: str) -> str:
    return "".join(character for character in line if character.isprintable() or character == "\t").rstrip()


def _cut(path: str, keep: int) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "r+b", buffering=0) as file:
        size = os.fstat(descriptor).st_size
        newest = os.pread(descriptor, keep, size - keep)
        # Reading so much takes a while, in which the writer may have said its last words.
        for _ in range(_CATCH_UPS):
            newly = os.pread(descriptor, keep, size)
            if not newly:
                break
            size += len(newly)
            newest += newly
        newest = newest[newest.find(b"\n", max(0, len(newest) - keep)) + 1 :][-keep:]
        removed = size - len(newest)
        remark = f"[{removed} bytes of output were removed here, because the script printed too much]\n"
        shortened = remark.encode() + newest
        os.ftruncate(descriptor, 0)
        file.write(shortened)


def _is_locked(path: str) -> bool:
    """Whether a living process writes to the file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
