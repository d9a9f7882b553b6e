# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal in the memory of the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from lsst.ts.scriptqueue.journal import Entry, Happening, JournalError, JournalFullError, Mark, ScriptRow

__all__ = ["FakeJournal"]


class FakeJournal:
    """A journal in memory that can be full, or want a snapshot."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.rows: list[ScriptRow] = []
        self.happenings: list[Happening] = []
        self.snapshots: list[str] = []
        self.is_full = False
        self.is_held = False
        self.can_jot = True
        self.wants_snapshot = False
        self._asked = asyncio.Event()
        self.has_room_again = asyncio.Event()
        self.has_snapshot = asyncio.Event()
        self._held: asyncio.Future[Mark] | None = None
        self._asked_for: list[Entry] = []
        self.jotted: tuple[Mark, list[Entry]] | None = None

    async def asked(self) -> None:
        """Wait until it is asked to write while it is held."""
        await self._asked.wait()

    def let_go(self, error: Exception | None = None) -> None:
        """Let what it was asked for fail, or be done."""
        assert self._held is not None
        self.is_held = False
        if error is not None:
            self._held.set_exception(error)
            return
        self.entries += self._asked_for
        self._held.set_result(self.mark)

    @property
    def mark(self) -> Mark:
        return Mark(len(self.entries), 0, len(self.snapshots))

    def jot(self, mark: Mark, entries: Sequence[Entry]) -> bool:
        self.jotted = (mark, list(entries))
        return self.can_jot

    def write(
        self,
        entries: Iterable[Entry] = (),
        scripts: Iterable[ScriptRow] = (),
        happenings: Iterable[Happening] = (),
    ) -> asyncio.Future[Mark]:
        done: asyncio.Future[Mark] = asyncio.get_running_loop().create_future()
        if self.is_held:
            self._held = done
            self._asked_for += entries
            self._asked.set()
            return done
        if self.is_full or self.wants_snapshot:
            done.set_exception(
                JournalError("it goes on after a snapshot")
                if self.wants_snapshot
                else JournalFullError("disk full")
            )
            return done
        self.entries += entries
        if self.entries:
            self.has_room_again.set()
        self.rows += scripts
        self.happenings += happenings
        done.set_result(self.mark)
        return done

    def write_snapshot(self, body: str) -> asyncio.Future[Mark]:
        done: asyncio.Future[Mark] = asyncio.get_running_loop().create_future()
        if self.is_held:
            return done
        if self.is_full:
            done.set_exception(JournalError("disk full"))
            return done
        self.wants_snapshot = False
        self.snapshots.append(body)
        self.has_snapshot.set()
        done.set_result(self.mark)
        return done

    async def aclose(self) -> None:
        if self.is_held:
            await asyncio.get_running_loop().create_future()
