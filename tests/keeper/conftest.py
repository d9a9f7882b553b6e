# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A keeper for each test that asks for one, ended after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ..launch.conftest import gate, news
from .talk import Talk, end_keeper, start_keeper

__all__ = ["gate", "news"]


@pytest.fixture
async def state_dir(tmp_path: Path) -> AsyncIterator[Path]:
    """A state directory, whose keeper, if there is one, is ended after the test."""
    state_dir = tmp_path / "state"
    yield state_dir
    await end_keeper(state_dir)


@pytest.fixture
async def talk(state_dir: Path) -> AsyncIterator[Talk]:
    """A connection to a keeper that was just started."""
    start_keeper(state_dir)
    async with Talk(state_dir) as talk:
        await talk.hello()
        yield talk
