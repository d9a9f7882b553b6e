# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a word of a command may be: how it is read, and what can complete it.

A kind's ``read`` turns the word into the value of a SAL field, or raises
`WordError` with what would be right.
"""

from __future__ import annotations

import datetime
import enum
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...sal.enums import Location, ScriptProcessState, ScriptState
from .words import nearest

__all__ = [
    "CHECKPOINTS",
    "CONFIG",
    "COUNT",
    "DIRECTORY",
    "EVERY_INDEX",
    "GOAL",
    "LEVEL",
    "LIVE_INDEX",
    "LOCATION",
    "LOUDNESS",
    "RESOURCES",
    "SCRIPT_KIND",
    "SCRIPT_PATH",
    "SECONDS",
    "SLOT",
    "SLOT_OR_ALL",
    "STATE",
    "TEXT",
    "TIME",
    "Goal",
    "Kind",
    "Loudness",
    "Place",
    "Source",
    "When",
    "WordError",
    "choice",
]


class WordError(ValueError):
    """A word is not what its place in the command needs; the text says what would be right."""


class Source(enum.Enum):
    """What completes a word, besides fixed choices."""

    NOTHING = enum.auto()
    SCRIPT_PATHS = enum.auto()
    LIVE_INDICES = enum.auto()
    EVERY_INDEX = enum.auto()
    LOCATIONS = enum.auto()
    SLOTS = enum.auto()
    SLOTS_OR_ALL = enum.auto()
    COMMANDS = enum.auto()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of word.

    Attributes
    ----------
    metavar
        What stands for it in the usage.
    read
        Turns the word into a value, or raises `WordError`.
    choices
        The words it can be, if they are few.
    source
        What else completes it.
    """

    metavar: str
    read: Callable[[str], Any]
    choices: tuple[str, ...] = ()
    source: Source = Source.NOTHING


class Goal(enum.Enum):
    """How far a script must have come before a command that added it ends."""

    CONFIGURED = "configured"
    RUNNING = "running"
    DONE = "done"


class Loudness(enum.Enum):
    """Which events are shown while commands are typed."""

    NONE = "none"
    BRIEF = "brief"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue.

    Attributes
    ----------
    location
        Where.
    other
        The script that it is before or after; 0 for first and last.
    """

    location: Location
    other: int = 0


@dataclass(frozen=True, slots=True)
class When:
    """A time, as people name it.

    Attributes
    ----------
    utc
        UTC, unix seconds; None if it is counted from now.
    ago_s
        How long ago it is then (seconds).
    """

    utc: float | None = None
    ago_s: float = 0.0


def choice(word: str, known: tuple[str, ...], what: str) -> str:
    """Return the known word that this one is, whatever its case.

    Raises
    ------
    WordError
        If it is none of them; names the nearest.
    """
    for name in known:
        if name.casefold() == word.casefold():
            return name
    near = nearest(word, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise WordError(f"{word!r} is no {what}: it is one of {', '.join(known)}{hint}")


def _read_script_kind(word: str) -> bool:
    return choice(word, _SCRIPT_KINDS, "kind of script") == "standard"


def _read_index(word: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", word) or int(word) == 0:
        raise WordError(f"{word!r} is no index of a script: a whole number such as 100001")
    return int(word)


def _read_place(word: str) -> Place:
    name, colon, other = word.partition(":")
    location = Location[choice(name, _LOCATIONS, "location").upper()]
    if location in (Location.FIRST, Location.LAST):
        if colon:
            raise WordError(f"{word!r}: {name} stands alone; before and after name a script, before:100001")
        return Place(location)
    if not other:
        raise WordError(
            f"{word!r} does not say which script: {name.lower()}:INDEX, such as {name.lower()}:100001"
        )
    return Place(location, _read_index(other))


def _read_level(word: str) -> int:
    if re.fullmatch(r"[0-9]{1,4}", word):
        return int(word)
    return _LEVELS[choice(word, tuple(_LEVELS), "log level (or a number)")]


def _read_count(word: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", word):
        raise WordError(f"{word!r} is no whole number")
    return int(word)


def _read_seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if not 0.0 < seconds < 1e9:
        raise WordError(f"{word!r} is no time in seconds: a number above 0")
    return seconds


def _read_time(word: str) -> When:
    age = re.fullmatch(rf"([0-9]{{1,9}}(?:\.[0-9]+)?)([{''.join(_UNITS_S)}])", word)
    if age is not None:
        return When(ago_s=float(age[1]) * _UNITS_S[age[2]])
    try:
        at = datetime.datetime.fromisoformat(word)
    except ValueError:
        raise WordError(
            f"{word!r} is no time: UTC such as 2026-01-31T21:30, or an age such as 90m, 12h or 3d"
        ) from None
    return When(utc=(at if at.tzinfo else at.replace(tzinfo=datetime.UTC)).timestamp())


def _read_state(word: str) -> str:
    return choice(word, _STATES, "state")


def _read_expression(word: str) -> str:
    try:
        re.compile(word)
    except re.error as error:
        raise WordError(f"{word!r} is no regular expression: {error}") from None
    return word


def _read_directory(word: str) -> Path:
    path = Path(word)
    if not path.is_dir():
        raise WordError(f"{word} is not a directory")
    return path


def _read_config(word: str) -> str:
    # No YAML document begins with @, so a file's name can.
    if not word.startswith("@"):
        return word
    try:
        return Path(word[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WordError(f"cannot read the configuration: {error}") from None


_SCRIPT_KINDS = ("standard", "external")
_LOCATIONS = tuple(location.name.lower() for location in Location)
_GOALS = tuple(goal.value for goal in Goal)
_STATES = tuple(
    dict.fromkeys(
        state.name.lower() for states in (ScriptState, ScriptProcessState) for state in states if state
    )
)
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_LOUDNESSES = tuple(loudness.value for loudness in Loudness)
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}

TEXT = Kind("TEXT", str)
SCRIPT_KIND = Kind("|".join(_SCRIPT_KINDS), _read_script_kind, _SCRIPT_KINDS)
SCRIPT_PATH = Kind("PATH", str, source=Source.SCRIPT_PATHS)
CONFIG = Kind("CONFIG", _read_config)
DIRECTORY = Kind("DIR", _read_directory)
LIVE_INDEX = Kind("INDEX", _read_index, source=Source.LIVE_INDICES)
EVERY_INDEX = Kind("INDEX", _read_index, source=Source.EVERY_INDEX)
LOCATION = Kind("first|last|before:INDEX|after:INDEX", _read_place, source=Source.LOCATIONS)
SLOT = Kind("SLOT", str, source=Source.SLOTS)
SLOT_OR_ALL = Kind("SLOT", str, source=Source.SLOTS_OR_ALL)
RESOURCES = Kind("NAMES", str)
LEVEL = Kind("LEVEL", _read_level, tuple(_LEVELS))
COUNT = Kind("N", _read_count)
SECONDS = Kind("SECONDS", _read_seconds)
STATE = Kind("STATE", _read_state, _STATES)
TIME = Kind("TIME", _read_time)
CHECKPOINTS = Kind("REGEX", _read_expression)
GOAL = Kind("|".join(_GOALS), lambda word: Goal(choice(word, _GOALS, "goal")), _GOALS)
LOUDNESS = Kind(
    "|".join(_LOUDNESSES), lambda word: Loudness(choice(word, _LOUDNESSES, "choice of events")), _LOUDNESSES
)
