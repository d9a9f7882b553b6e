# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Globs over paths of scripts, and whether some of them leave nothing to another.

``*`` stands for any characters of a name and ``?`` for one; ``**`` stands
alone between slashes, for any folders (none among them), and at the end for
everything below. All else stands for itself.

Globs are regular, so it can be told exactly whether every path of one is a
path of others: the automata run side by side over all paths, of which only
the letters that occur in a glob need to be told apart. The search gives up
when it has looked at very many states, and then claims nothing.
"""

from __future__ import annotations

import collections
import functools
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Glob", "GlobError", "uncovered"]

_FOLDERS = "**"
_UNKNOWN = re.compile(r"[\[\]{}\\:]")

#: Pairs of states that the search looks at before it gives up.
_MAX_LOOKS = 20_000

#: What stands for all letters that occur in no glob; the first that does not.
_OTHERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class GlobError(ValueError):
    """A text is no glob; it says what would be right."""


@dataclass(frozen=True, slots=True)
class Glob:
    """A glob over paths relative to a directory of scripts."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Glob:
        """Read a glob.

        Raises
        ------
        GlobError
            If it is none, or can match no script.
        """
        if not text:
            raise GlobError("a path is missing, such as maintel/** or sleep.py")
        if text.startswith("/"):
            raise GlobError("a path is relative to the directory of scripts: leave out the first slash")
        if text.endswith("/"):
            raise GlobError(f"a folder is no script; {text}** is all below it")
        if found := _UNKNOWN.search(text):
            raise GlobError(f"{found[0]!r} means nothing here; there are *, ? and, between slashes, **")
        *folders, name = parts = text.split("/")
        if wrong := [part for part in parts if part in ("", ".", "..")]:
            raise GlobError(f"{wrong[0]!r} is no name of a folder; write a plain path")
        if wrong := [part for part in parts if _FOLDERS in part and part != _FOLDERS]:
            raise GlobError(f"** stands alone between slashes, not in {wrong[0]!r}")
        if hidden := [folder for folder in folders if folder.startswith(".")]:
            raise GlobError(f"no script is in a folder that begins with '.', as {hidden[0]!r} does")
        if name.startswith((".", "_")):
            raise GlobError(f"no script has a name that begins with {name[0]!r}, as {name!r} does")
        return cls(text)

    def __str__(self) -> str:
        return self.text

    @property
    def is_literal(self) -> bool:
        """Does it stand for one path only?"""
        return not re.search(r"[*?]", self.text)

    def may_meet(self, other: Glob) -> bool:
        """Can there be a path of both, as far as their beginnings tell?"""
        mine, theirs = self._beginning, other._beginning
        return mine.startswith(theirs) or theirs.startswith(mine)

    @property
    def _beginning(self) -> str:
        return re.split(r"[*?]", self.text, maxsplit=1)[0]

    def matches(self, path: str) -> bool:
        """Is a path one of its?"""
        return _expression(self.text).fullmatch(path) is not None


def uncovered(glob: Glob, others: Iterable[Glob]) -> str | None:
    """Find a path of a glob that is none of others'.

    Returns
    -------
    str or None
        A shortest such path; "" if there may be one, but the search was
        given up; None if there is none.
    """
    others = [other for other in others if glob.may_meet(other)]
    if glob.is_literal:
        return None if any(other.matches(glob.text) for other in others) else glob.text
    return _search(_Automaton(glob), [_Automaton(other) for other in others])


@functools.lru_cache(maxsize=1024)
def _expression(text: str) -> re.Pattern[str]:
    *folders, name = text.split("/")
    parts = [r"(?:[^/]+/)*" if folder == _FOLDERS else _name_expression(folder) + "/" for folder in folders]
    parts.append(r"[^/]+(?:/[^/]+)*" if name == _FOLDERS else _name_expression(name))
    return re.compile("".join(parts))


def _name_expression(name: str) -> str:
    if name == "*":
        return "[^/]+"
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(letter, re.escape(letter)) for letter in name)


class _Automaton:
    """The automaton of a glob. It is only run over paths in plain form.

    A state is a place among the steps, and whether it is within a folder that
    is being passed over.
    """

    def __init__(self, glob: Glob) -> None:
        self.letters = set(glob.text) - set("*?/")
        self.steps: list[str] = []
        *folders, name = glob.text.split("/")
        for folder in folders:
            self.steps += [_FOLDERS] if folder == _FOLDERS else [*folder, "/"]
        self.steps += ["all"] if name == _FOLDERS else list(name)
        self.start = self._closed({(0, False)})

    def accepts(self, states: frozenset[tuple[int, bool]]) -> bool:
        # What stands for all below is not stepped over: it has matched once it has been reached.
        last = len(self.steps) - (self.steps[-1] == "all")
        return any(place >= last and not inside for place, inside in states)

    def letters_at(self, states: frozenset[tuple[int, bool]]) -> set[str]:
        """The letters that lead on otherwise than those that no glob names."""
        steps = {self.steps[place] for place, _ in states if place < len(self.steps)}
        return steps & self.letters

    def after(self, states: frozenset[tuple[int, bool]], letter: str) -> frozenset[tuple[int, bool]]:
        reached = set()
        for place, _ in states:
            if place == len(self.steps):
                continue
            step = self.steps[place]
            if step == "all":
                reached.add((place, False))
            elif step == _FOLDERS:
                reached.add((place, letter != "/"))
            elif step == "*" and letter != "/":
                reached.add((place, False))
            elif step == letter or (step == "?" and letter != "/"):
                reached.add((place + 1, False))
        return self._closed(reached)

    def _closed(self, states: set[tuple[int, bool]]) -> frozenset[tuple[int, bool]]:
        """With what is reached without a letter: a star and passed folders may be nothing."""
        waiting = list(states)
        while waiting:
            place, inside = waiting.pop()
            if place < len(self.steps) and self.steps[place] in ("*", _FOLDERS) and not inside:
                following = (place + 1, False)
                if following not in states:
                    states.add(following)
                    waiting.append(following)
        return frozenset(states)


def _search(glob: _Automaton, others: Sequence[_Automaton]) -> str | None:
    known = set().union(glob.letters, *(other.letters for other in others))
    other_letter = next(
        letter for letter in itertools.chain(_OTHERS, map(chr, range(0xE000, 0xF8FF))) if letter not in known
    )
    # No path has an empty name: a slash comes only after another letter, and never last.
    begin = (glob.start, tuple(other.start for other in others), False)
    seen = {begin}
    waiting = collections.deque([(begin, "")])
    while waiting:
        (mine, theirs, in_name), path = waiting.popleft()
        if (
            in_name
            and glob.accepts(mine)
            and not any(other.accepts(states) for other, states in zip(others, theirs, strict=True))
        ):
            return path
        telling = glob.letters_at(mine).union(*map(_Automaton.letters_at, others, theirs))
        for letter in [*sorted(telling), other_letter, *("/" if in_name else "")]:
            following = glob.after(mine, letter)
            if not following:
                continue
            reached = (
                following,
                tuple(other.after(states, letter) for other, states in zip(others, theirs, strict=True)),
                letter != "/",
            )
            if reached not in seen:
                if len(seen) >= _MAX_LOOKS:
                    return ""
                seen.add(reached)
                waiting.append((reached, path + letter))
    return None
