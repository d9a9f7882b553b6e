# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock that nobody sets, and that goes on while the machine sleeps."""

from __future__ import annotations

import time

__all__ = ["boot_s"]


def boot_s() -> float:
    """Return how long ago the machine was started (seconds)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
