# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every test has its place in the order in which workers run them, the long ones in front of a share."""

from __future__ import annotations

from typing import cast

import pytest

from ..order import long_ones_first


class Item:
    """As much of a test as its place depends on."""

    def __init__(self, nodeid: str, limit_s: float | None = None, *fixtures: str) -> None:
        self.nodeid, self._limit_s, self.fixturenames = nodeid, limit_s, fixtures

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        if name != "timeout" or self._limit_s is None:
            return None
        return pytest.mark.timeout(self._limit_s).mark


ITEMS = [
    Item("a.py::1"),
    Item("a.py::2"),
    Item("b.py::1", 20.0),
    Item("c.py::1"),
    Item("d.py::1", 200.0),
    Item("d.py::2"),
    Item("e.py::1", 120.0, "own_broker"),
    Item("f.py::1"),
    Item("g.py::1", 100.0, "own_broker"),
    Item("g.py::2"),
]


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        (1, "e1 g1 d1 d2 a1 a2 b1 c1 f1 g2"),
        (2, "e1 g1 a1 a2 b1 d1 d2 c1 f1 g2"),
        (3, "e1 g1 a1 d1 d2 a2 b1 c1 f1 g2"),
    ],
)
def test_what_is_long_is_in_front_of_a_share_with_its_file_or_its_broker(workers: int, expected: str) -> None:
    ordered = long_ones_first(cast("list[pytest.Item]", ITEMS), workers, 60.0)
    assert " ".join(item.nodeid.replace(".py::", "") for item in ordered) == expected
