# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marker ``virtual_time``: an asynchronous test in which waiting costs nothing.

Put ``pytest_plugins = ["lsst.ts.scriptqueue.testing.pytest_plugin"]`` into the
topmost ``conftest.py``. It works by a hook of pytest-asyncio, from 1.4 on. Then::

    @pytest.mark.virtual_time
    async def test_patience():
        await asyncio.sleep(3600)

Fixtures of such a test run on its loop, too. All other tests get the loop they
always had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from .virtual_time import VirtualTimeLoop

__all__ = ["pytest_asyncio_loop_factories", "pytest_configure"]

MARKER = "virtual_time"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", f"{MARKER}: the clock of the test's event loop jumps over waiting")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Choose the loop of a test."""
    if item.get_closest_marker(MARKER):
        return {MARKER: VirtualTimeLoop}
    return {"real_time": asyncio.new_event_loop}
