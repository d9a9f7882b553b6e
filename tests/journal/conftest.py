# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders in memory: nothing here depends on what a disk does, but much on how long it takes."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture
def tmp_path(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder in memory, or the usual one where there is none."""
    memory = pathlib.Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="scriptqueue-tests-", dir=memory) as folder:
        yield pathlib.Path(folder)
