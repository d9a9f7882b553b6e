# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Partitions, and the settings that name them."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.scriptqueue.bus import BusError, IndexRange, connect
from lsst.ts.scriptqueue.bus.dds.partition import partition_of, pattern_of

INDICES = st.integers(0, 2**31 - 1)


@pytest.mark.parametrize(
    ("indices", "pattern"),
    [
        (IndexRange.one(100001), "sal/100001"),
        (IndexRange.one(0), "sal/0"),
        (IndexRange(100000, 199999), "sal/1?????"),
        (IndexRange(100100, 100199), "sal/1001??"),
        (IndexRange(100000, 299999), "sal/??????"),
        (IndexRange(1, 99), "sal/*"),
        (IndexRange.every(), "sal/*"),
    ],
    ids=str,
)
def test_a_range_is_read_by_the_tightest_pattern(indices: IndexRange, pattern: str) -> None:
    assert pattern_of("sal", indices) == pattern


@given(INDICES, INDICES, INDICES)
def test_a_pattern_covers_all_of_its_range(one: int, two: int, three: int) -> None:
    first, index, last = sorted((one, two, three))
    assert fnmatchcase(partition_of("sal", index), pattern_of("sal", IndexRange(first, last)))


@pytest.mark.parametrize("subname", ["*", "sal*", "s?l", "a/b", "a b", "[s]al", "ü", "x" * 101])
def test_a_subname_that_would_reach_others_is_refused(subname: str) -> None:
    with pytest.raises(BusError, match=r"LSST_TOPIC_SUBNAME is .* it may only have letters, digits"):
        connect("dds", {"LSST_TOPIC_SUBNAME": subname})


@pytest.mark.parametrize("domain", ["231", "-1", "x", "1.5", "²"])
def test_a_domain_that_is_none_is_refused(domain: str) -> None:
    with pytest.raises(BusError, match="it must be a number from 0 to 230"):
        connect("dds", {"LSST_DDS_DOMAIN_ID": domain})
