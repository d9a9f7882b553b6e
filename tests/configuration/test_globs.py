# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Globs: what they match, and what the search for an uncovered path claims of them."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.scriptqueue.configuration import globs
from lsst.ts.scriptqueue.configuration.globs import Glob, GlobError, uncovered


@pytest.mark.parametrize(
    ("glob", "matching", "others"),
    [
        ("sleep.py", ["sleep.py"], ["a/sleep.py", "sleep_py", "sleep.pyc", "Sleep.py"]),
        ("*.py", ["a.py", ".py"], ["a/b.py", "a.sh"]),
        ("*", ["a", "a.py"], ["a/b"]),
        ("a?.py", ["ab.py"], ["a.py", "abc.py", "a/.py"]),
        ("maintel/**", ["maintel/a", "maintel/m1m3/a.py"], ["maintel", "maintel2/a", "x/maintel/a"]),
        ("**", ["a", "a/b/c"], []),
        ("**/a.py", ["a.py", "b/a.py", "b/c/a.py"], ["ba.py", "a.py/b"]),
        ("a/**/b.py", ["a/b.py", "a/c/b.py", "a/c/d/b.py"], ["ab.py", "a/cb.py"]),
        ("**/take_*", ["take_a", "x/take_a.py"], ["x/take_a/b", "retake_a"]),
        ("*/a", ["b/a"], ["a", "b/c/a"]),
        ("a+(b).py", ["a+(b).py"], ["aab.py"]),
    ],
)
def test_what_globs_match(glob: str, matching: list[str], others: list[str]) -> None:
    parsed = Glob.parse(glob)
    assert [path for path in [*matching, *others] if parsed.matches(path)] == matching


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a path is missing, such as maintel/** or sleep.py"),
        ("/a.py", "a path is relative to the directory of scripts: leave out the first slash"),
        ("maintel/", "a folder is no script; maintel/** is all below it"),
        ("a//b", "'' is no name of a folder; write a plain path"),
        ("../a", "'..' is no name of a folder; write a plain path"),
        ("a**.py", "** stands alone between slashes, not in 'a**.py'"),
        ("[ab].py", "'[' means nothing here; there are *, ? and, between slashes, **"),
        ("a:b", "':' means nothing here; there are *, ? and, between slashes, **"),
        ("_a.py", "no script has a name that begins with '_', as '_a.py' does"),
        (".a/b.py", "no script is in a folder that begins with '.', as '.a' does"),
    ],
)
def test_what_is_no_glob(text: str, expected: str) -> None:
    with pytest.raises(GlobError, match=f"^{re.escape(expected)}$"):
        Glob.parse(text)


@pytest.mark.parametrize(
    ("glob", "others", "expected"),
    [
        ("a.py", ["a.py"], None),
        ("a.py", ["b.py"], "a.py"),
        ("a/*.py", ["a/*.py"], None),
        ("a/b.py", ["a/**"], None),
        ("a/**", ["a/*"], "a/b/b"),
        ("a/*", ["a/**"], None),
        ("**/a", ["**"], None),
        ("**", ["*"], "a/a"),
        ("**", ["*", "*/**"], None),
        ("a*", ["ab*", "a"], "ac"),
        ("a*", ["a", "a?*"], None),
        ("*a", ["a*"], "ba"),
        ("a/**/b/**", ["a/**/b/*", "a/**/b/*/**"], None),
        ("?", ["a", "b"], "c"),
        ("m*/**/x?.py", ["m*/**/*.py"], None),
    ],
)
def test_what_is_left_to_a_glob(glob: str, others: list[str], expected: str | None) -> None:
    assert uncovered(Glob.parse(glob), map(Glob.parse, others)) == expected


NAMES = st.text("ab*?", min_size=1, max_size=4).filter(lambda name: "**" not in name)
GLOBS = st.lists(NAMES | st.just("**"), min_size=1, max_size=3).map("/".join).map(Glob.parse)

#: All paths of up to five letters; c is in no glob above.
PATHS = [
    path
    for length in range(1, 6)
    for path in map("".join, itertools.product("abc/", repeat=length))
    if "//" not in path and path.strip("/") == path
]


@given(GLOBS, st.lists(GLOBS, max_size=3))
def test_the_search_tells_the_truth(glob: Glob, others: list[Glob]) -> None:
    found = uncovered(glob, others)
    assert found != ""
    left = [path for path in PATHS if glob.matches(path) and not any(other.matches(path) for other in others)]
    if found is None:
        assert left == []
    else:
        assert glob.matches(found)
        assert not any(other.matches(found) for other in others)


def test_a_search_that_is_given_up_claims_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    covered = Glob.parse("a*b"), [Glob.parse("a*")]
    assert uncovered(*covered) is None
    monkeypatch.setattr(globs, "_MAX_LOOKS", 2)
    assert uncovered(*covered) == ""
