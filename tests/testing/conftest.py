# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests here may be marked ``virtual_time``."""

from lsst.ts.scriptqueue.testing.pytest_plugin import pytest_asyncio_loop_factories, pytest_configure

__all__ = ["pytest_asyncio_loop_factories", "pytest_configure"]
