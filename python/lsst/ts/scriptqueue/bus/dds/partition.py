# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which DDS partition a message goes to, and which a reader listens to.

Each SAL index has a partition of its own below the subname: ``sal/100001``.
So a command for one script neither wakes nor burdens the others. A reader of
several indices listens by a wildcard and drops what it did not want.
"""

from __future__ import annotations

import re

from ..contract import BusError, IndexRange

__all__ = ["checked_subname", "partition_of", "pattern_of"]

_SUBNAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


def checked_subname(subname: str) -> str:
    """Return the subname.

    Raises
    ------
    BusError
        If it has characters that mean something in a partition.
    """
    if not _SUBNAME.fullmatch(subname):
        raise BusError(
            f"LSST_TOPIC_SUBNAME is {subname!r}; it may only have letters, digits and . _ -"
            " (a wildcard would mix systems that must not meet)"
        )
    return subname


def partition_of(subname: str, index: int) -> str:
    """Return the partition of a SAL index."""
    return f"{subname}/{index}"


def pattern_of(subname: str, indices: IndexRange) -> str:
    """Return the tightest single pattern for a range of SAL indices.

    Examples
    --------
    >>> pattern_of("sal", IndexRange(100000, 199999))
    'sal/1?????'
    >>> pattern_of("sal", IndexRange.every())
    'sal/*'
    """
    first, last = str(indices.first), str(indices.last)
    if len(first) != len(last):
        return f"{subname}/*"
    same = 0
    while same < len(first) and first[same] == last[same]:
        same += 1
    return f"{subname}/{first[:same]}{'?' * (len(first) - same)}"
