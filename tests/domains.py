# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""DDS domains for tests: no two test processes of a run share one.

Under different topic subnames nothing is heard of each other in a shared
domain, but its well-known ports are few.
"""

from __future__ import annotations

import random

__all__ = ["a_domain", "take_share"]

#: Low domains may be somebody's; those above 100 have ports that the kernel gives to anybody.
_ALL = range(10, 101)

_share: list[int] = list(_ALL)


def take_share(process: int, count: int) -> None:
    """From now on give only domains of one of so many test processes (``process`` from 0)."""
    _share[:] = _ALL[process::count]


def a_domain() -> int:
    """Return a domain of this test process."""
    return random.choice(_share)
