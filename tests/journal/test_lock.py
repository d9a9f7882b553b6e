# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""One queue for each journal, and who asks which it is disturbs nobody."""

from __future__ import annotations

import os
import pathlib

import pytest

from lsst.ts.scriptqueue.journal import JournalInUseError, JournalLock


@pytest.fixture
def stale(tmp_path: pathlib.Path) -> pathlib.Path:
    """A state directory with the file of a process that has gone."""
    (tmp_path / "journal.lock").write_text(f"{99:<20}")
    return tmp_path


def test_nobody_has_it(tmp_path: pathlib.Path, stale: pathlib.Path) -> None:
    assert JournalLock(tmp_path / "nowhere").holder() is None
    assert JournalLock(stale).holder() is None


def test_who_has_it_is_known_and_keeps_others_away(stale: pathlib.Path) -> None:
    lock = JournalLock(stale)
    lock.acquire()
    assert JournalLock(stale).holder() == os.getpid()
    with pytest.raises(JournalInUseError, match=f"process {os.getpid()} writes the journal in {stale}"):
        JournalLock(stale).acquire()
    lock.release()
    assert JournalLock(stale).holder() is None


def test_it_can_be_taken_while_somebody_asks_who_has_it(
    stale: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, starting = JournalLock(stale), JournalLock(stale)

    def close(file: int) -> None:
        monkeypatch.undo()
        starting.acquire()
        os.close(file)

    # What the question has done to the file lasts until then.
    monkeypatch.setattr(os, "close", close)
    assert asking.holder() is None
    assert JournalLock(stale).holder() == os.getpid()
    starting.release()
