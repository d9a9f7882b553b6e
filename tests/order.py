# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order the tests run, where several workers share them.

Each worker begins with a share of neighbours and, once it has done them, takes
half of what another still has to do, from the end. So whatever is long comes
first in a share: whoever found it at the end would run alone meanwhile. Long
is what has a longer time limit than usual. Files stay together, and so do the
tests that take their broker away, as it is one a worker.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence

import pytest

__all__ = ["long_ones_first"]


def long_ones_first(items: Sequence[pytest.Item], workers: int, usual_limit_s: float) -> list[pytest.Item]:
    """Return the tests in shares of neighbours, one for each worker, each with what is long in front.

    Parameters
    ----------
    items
        The tests.
    workers
        How many workers there are.
    usual_limit_s
        Time limit of a test that is not long (seconds).
    """
    groups: dict[str, list[pytest.Item]] = defaultdict(list)
    limits_s: dict[str, float] = defaultdict(float)
    for item in items:
        group = (
            "own_broker"
            if "own_broker" in getattr(item, "fixturenames", ())
            else item.nodeid.partition("::")[0]
        )
        groups[group].append(item)
        limit_s = _limit_s(item)
        limits_s[group] += limit_s if limit_s > usual_limit_s else 0.0
    long: list[list[str]] = [[] for _ in range(workers)]
    for group in sorted(groups, key=lambda group: -limits_s[group]):
        if limits_s[group]:
            min(long, key=lambda share: sum(limits_s[name] for name in share)).append(group)
    others = itertools.chain(*(tests for group, tests in groups.items() if not limits_s[group]))
    ordered: list[pytest.Item] = []
    for share, names in enumerate(long):
        # As xdist divides them.
        size = (len(items) - len(ordered)) // (workers - share)
        tests = [test for name in names for test in groups[name]]
        ordered += tests + list(itertools.islice(others, max(0, size - len(tests))))
    return [*ordered, *others]


def _limit_s(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    if marker is None or item.get_closest_marker("skip"):
        return 0.0
    return float(marker.args[0])
