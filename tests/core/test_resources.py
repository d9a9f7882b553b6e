# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of resources: what they stand for, and which are none."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core.refusals import Refused
from lsst.ts.scriptqueue.core.resources import Catalogue, Resource

CATALOGUE = Catalogue(groups={"MTCS": (Resource("MTDome"), Resource("MTMount"))}, capacities={"archive": 3})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ESS:3", "ESS:3"),
        ("ESS:0", "ESS"),
        ("ESS:*", "ESS"),
        ("MTCS, ESS:1", "ESS:1,MTDome,MTMount"),
        ("none", "none"),
        ("*, !ESS", "*,!ESS"),
    ],
)
def test_names_of_resources(text: str, expected: str) -> None:
    assert str(CATALOGUE.parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "'' is no resource; write Component"),
        ("ESS:", "'ESS:' is no resource; write Component"),
        ("ESS:x", "'ESS:x' is no resource; write Component"),
        ("archive:1", "archive:1 cannot be: archive is shared by number"),
        ("MTCS:1", "MTCS:1 cannot be: MTCS is a group, so it has no index"),
        ("none, ESS", "'none' stands alone"),
        ("!ESS", "'!ESS' means all but ESS, so it needs '\\*' beside it"),
    ],
)
def test_what_is_no_resource(text: str, expected: str) -> None:
    with pytest.raises(Refused, match=f"^{expected}"):
        CATALOGUE.parse(text)


@pytest.mark.parametrize(
    ("mine", "theirs", "both"),
    [
        ("A,B:1,D", "B,E", "B:1"),
        ("A,B", "B:1,B:2,A", "A,B:1,B:2"),
        ("*", "A,B", "A,B"),
        ("*,!A", "A,B", "B"),
        ("*,!A", "*,!B", "*,!A,!B"),
        ("A", "B", "none"),
    ],
)
def test_what_two_claims_share(mine: str, theirs: str, both: str) -> None:
    one, other = CATALOGUE.parse(mine), CATALOGUE.parse(theirs)
    assert str(one.shared_with(other)) == both
    assert str(other.shared_with(one)) == both
    assert one.overlaps(other) is (both != "none")
