# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The margin of the journal: what has happened that is not on the disk yet.

A note in it outlives the process, however that ends, but not the machine. It
is made in memory, in a file of a file system that has no disk, so that it
waits for none, whatever is wrong with it. Each note says after which entry of
the journal it goes on, so that one that was overtaken by the journal is known
to be of no use any more.

Two notes are kept in turn: one that was torn while it was made leaves the one
before it. Before them stands whose margin it is, so that one whose state
directory has gone can be removed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import stat
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from .records import Entry, Mark
from .rows import chained, entry_values

__all__ = ["MEMORY", "Margin", "margin_path"]

#: A file system in memory, which lives as long as the machine does.
MEMORY = pathlib.Path("/dev/shm")

#: How much the name of the state directory may take (bytes).
_NAME_ROOM = 4096

#: How much one of the two notes may take (bytes).
_ROOM = 64 * 1024

_MAGIC = b"TSQM\x00\x01"

#: Magic, number of the note, length and CRC of what follows.
_HEAD = struct.Struct("<6sQII")


def margin_path(directory: pathlib.Path, memory: pathlib.Path = MEMORY) -> pathlib.Path:
    """Where the margin of a state directory is."""
    place = directory.stat()
    return memory / f"ts_scriptqueue-{os.geteuid()}-{place.st_dev:x}-{place.st_ino:x}"


@dataclass(frozen=True, slots=True)
class _Note:
    count: int
    mark: Mark
    entries: tuple[Entry, ...]


class Margin:
    """The margin of one journal; made by `open`."""

    def __init__(self, path: pathlib.Path, file: io.FileIO) -> None:
        self._path = path
        self._file = file
        self._latest = max(filter(None, map(self._read, (0, 1))), key=lambda note: note.count, default=None)

    @classmethod
    def open(cls, directory: pathlib.Path, memory: pathlib.Path = MEMORY) -> Self:
        """Open the margin of a state directory, or make it.

        Parameters
        ----------
        directory
            The state directory.
        memory
            Where it is.

        Raises
        ------
        OSError
            If that cannot be done.
        """
        path = margin_path(directory, memory)
        _remove_forsaken(memory)
        with contextlib.ExitStack() as stack:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            file = stack.enter_context(io.FileIO(descriptor, "r+"))
            found = os.fstat(descriptor)
            if found.st_uid != os.geteuid() or not stat.S_ISREG(found.st_mode):
                raise PermissionError(f"{path} is somebody else's")
            os.pwrite(descriptor, os.fsencode(directory.absolute()).ljust(_NAME_ROOM, b"\0"), 0)
            # A note must not fail for want of room.
            size = max(found.st_size, _NAME_ROOM)
            os.pwrite(descriptor, bytes(max(0, _NAME_ROOM + 2 * _ROOM - size)), size)
            margin = cls(path, file)
            stack.pop_all()
        return margin

    def note(self, mark: Mark, entries: Sequence[Entry]) -> bool:
        """Note what comes next in the journal, instead of what was noted before.

        Parameters
        ----------
        mark
            How far the journal is known to be written.
        entries
            What has happened since.

        Returns
        -------
        bool
            Whether it has been noted. It is not if there is too much of it, or
            the file has gone.
        """
        body = json.dumps(
            [[mark.number, mark.chain, mark.snapshot], [entry_values(entry) for entry in entries]],
            separators=(",", ":"),
        ).encode()
        count = 1 if self._latest is None else self._latest.count + 1
        note = _HEAD.pack(_MAGIC, count, len(body), zlib.crc32(body)) + body
        if len(note) > _ROOM:
            return False
        try:
            descriptor = self._file.fileno()
            written = os.pwrite(descriptor, note, _offset(count))
            if written != len(note) or not os.fstat(descriptor).st_nlink:
                return False
        except (OSError, ValueError):
            # There is no memory left, or the journal has just been closed.
            return False
        self._latest = _Note(count, mark, tuple(entries))
        return True

    def after(self, mark: Mark) -> tuple[Entry, ...]:
        """What is noted and not in the journal.

        Parameters
        ----------
        mark
            How far the journal is written.
        """
        note = self._latest
        if note is None or note.mark.snapshot != mark.snapshot:
            return ()
        number, chain = note.mark.number, note.mark.chain
        for position, entry in enumerate(note.entries):
            if (number, chain) == (mark.number, mark.chain):
                return note.entries[position:]
            number += 1
            chain = chained(chain, number, entry_values(entry))
        return ()

    def close(self, mark: Mark) -> None:
        """Close the file, and remove it if the journal has all that is in it.

        Parameters
        ----------
        mark
            How far the journal is written.
        """
        if not self.after(mark):
            # Somebody may have removed it.
            self._path.unlink(missing_ok=True)
        self._file.close()

    def _read(self, half: int) -> _Note | None:
        """Read one of the two notes; None if there is none, it was torn, or another program made it."""
        data = os.pread(self._file.fileno(), _ROOM, _offset(half))
        magic, count, length, crc = _HEAD.unpack_from(data.ljust(_HEAD.size, b"\0"))
        body = data[_HEAD.size : _HEAD.size + length]
        if magic != _MAGIC or zlib.crc32(body) != crc:
            return None
        try:
            mark, entries = json.loads(body)
            return _Note(count, Mark(*mark), tuple(Entry(*values) for values in entries))
        except (TypeError, ValueError):
            return None


def _offset(count: int) -> int:
    """Where the note of that number is."""
    return _NAME_ROOM + count % 2 * _ROOM


def _remove_forsaken(memory: pathlib.Path) -> None:
    """Remove margins of this user whose state directory has gone."""
    for path in memory.glob(f"ts_scriptqueue-{os.geteuid()}-*"):
        # Another service may be doing the same.
        with contextlib.suppress(OSError):
            with path.open("rb") as file:
                directory = file.read(_NAME_ROOM).rstrip(b"\0")
            if directory and not os.path.isdir(directory):
                path.unlink()
