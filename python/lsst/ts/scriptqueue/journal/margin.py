# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The margin of the journal: what has happened that is not on the disk yet.

A note in it is the kernel's as soon as it is made. It outlives the process,
however that ends, but not the machine; and to make it takes no longer than to
copy it. Each note says after which entry of the journal it goes on, so that
one that was overtaken by the journal is known to be of no use any more.

Two notes are kept in turn: one that was torn while it was made leaves the one
before it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from .records import Entry, Mark
from .rows import chained, entry_values

__all__ = ["NAME", "Margin"]

#: Name of the file.
NAME = "journal.margin"

#: How much one of the two notes may take (bytes).
_ROOM = 64 * 1024

_MAGIC = b"TSQM\x00\x01"

#: Magic, number of the note, length and CRC of what follows.
_HEAD = struct.Struct("<6sQII")


@dataclass(frozen=True, slots=True)
class _Note:
    count: int
    mark: Mark
    entries: tuple[Entry, ...]


class Margin:
    """The margin of one journal; made by `open`."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._latest = max(filter(None, map(self._read, (0, 1))), key=lambda note: note.count, default=None)
        self._count = self._latest.count if self._latest is not None else 0

    @classmethod
    def open(cls, directory: pathlib.Path) -> Self:
        """Open the margin in a state directory, or make it.

        Raises
        ------
        OSError
            If that cannot be done.
        """
        path = directory / NAME
        path.touch(mode=0o600)
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(io.FileIO(path, "r+"))
            # A note must not fail for want of room.
            missing = 2 * _ROOM - path.stat().st_size
            if missing > 0:
                os.pwrite(file.fileno(), bytes(missing), 2 * _ROOM - missing)
            margin = cls(file)
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
            Whether it has been noted. It is not if there is too much of it, or the file
            cannot be written.
        """
        body = json.dumps(
            [[mark.number, mark.chain, mark.snapshot], [entry_values(entry) for entry in entries]],
            separators=(",", ":"),
        ).encode()
        note = _HEAD.pack(_MAGIC, self._count + 1, len(body), zlib.crc32(body)) + body
        if len(note) > _ROOM:
            return False
        try:
            written = os.pwrite(self._file.fileno(), note, (self._count + 1) % 2 * _ROOM)
        except (OSError, ValueError):
            # The disk is full or broken, or the journal has just been closed.
            return False
        if written != len(note):
            return False
        self._count += 1
        return True

    def after(self, mark: Mark) -> tuple[Entry, ...]:
        """What was noted when this was opened and is not in the journal.

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

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, half: int) -> _Note | None:
        """Read one of the two notes; None if there is none, or it was torn."""
        data = os.pread(self._file.fileno(), _ROOM, half * _ROOM)
        magic, count, length, crc = _HEAD.unpack_from(data.ljust(_HEAD.size, b"\0"))
        body = data[_HEAD.size : _HEAD.size + length]
        if magic != _MAGIC or zlib.crc32(body) != crc:
            return None
        mark, entries = json.loads(body)
        return _Note(count, Mark(*mark), tuple(Entry(*values) for values in entries))
