# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control group in which memory runs out soon."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.launch import memory_kills

__all__ = ["narrow"]

_LIMIT_BYTES = 200_000_000


@pytest.fixture
def narrow() -> Iterator[Path]:
    """The folder of a control group that has little memory; skips where none can be made."""
    own = memory_kills._count_file(os.getpid())
    folder = Path(own).parent / f"scriptqueue_test_{os.getpid()}_{os.urandom(4).hex()}"
    limit = "memory.max" if own.endswith("memory.events") else "memory.limit_in_bytes"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        try:
            (folder / limit).write_text(str(_LIMIT_BYTES))
        except OSError as error:
            pytest.skip(f"memory cannot be limited here: {error}")
        for swap in ("memory.swap.max", "memory.swappiness"):
            with contextlib.suppress(OSError):
                (folder / swap).write_text("0")
        yield folder
    finally:
        folder.rmdir()
