# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stage for each test that asks for one, closed after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.launch.kept import KeptLauncher
from lsst.ts.scriptqueue.launch.local import LocalLauncher

from .fifo import Fifo
from .stage import Kind, Stage


@pytest.fixture(params=[LocalLauncher, KeptLauncher], ids=["local", "kept"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Who owns the children: this process, or the keeper."""
    kind: Kind = request.param
    return kind


@pytest.fixture
async def stage(tmp_path: Path, kind: Kind) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path, kind)
    yield stage
    await stage.launcher.aclose()


@pytest.fixture
async def local_stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    await stage.launcher.aclose()


@pytest.fixture
async def news(tmp_path: Path) -> AsyncIterator[Fifo]:
    """A fifo that scripts write to."""
    async with Fifo(tmp_path / "news") as fifo:
        yield fifo


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Fifo]:
    """A fifo that scripts read from, and so wait at."""
    async with Fifo(tmp_path / "gate") as fifo:
        yield fifo
