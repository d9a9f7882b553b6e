# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can come next in a line: from the table of commands, and from what is known of the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .arguments import COMMON, UsageError, find_form, forms_for
from .feed import Board
from .forms import Form, Parameter
from .kinds import SCRIPT_KIND, Kind, Source
from .wording import script_line, slot_state
from .words import LineError, quoted, split_line

__all__ = ["Suggestion", "suggestions"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A word that can come next.

    Attributes
    ----------
    word
        The word, quoted if it must be.
    replaces
        How many characters before the cursor it stands for.
    about
        What it means.
    """

    word: str
    replaces: int
    about: str = ""


def suggestions(text: str, board: Board) -> list[Suggestion]:
    """Return the words that can stand at the end of a line, given what is typed of it.

    Parameters
    ----------
    text
        The line up to the cursor.
    board
        What is known of the queue.
    """
    begun = "" if text[-1:].isspace() else text.split(" ")[-1]
    try:
        words = split_line(text)
    except LineError:
        return []
    if begun:
        words = words[:-1]
    if any(char in begun for char in "'\"\\"):
        return []
    return [
        Suggestion(quoted(word), len(begun), about)
        for word, about in _matching(begun, _next(words, begun, board))
    ]


_Words = Iterable[tuple[str, str]]


def _next(words: Sequence[str], begun: str, board: Board) -> _Words:
    """Yield each word that can come after others, and what it means."""
    forms = forms_for(interactive=True)
    try:
        form, rest = find_form(words, forms)
    except UsageError:
        return _name_words(words, forms)
    options = {parameter.name: parameter for parameter in (*form.parameters, *COMMON) if parameter.is_option}
    asked = options.get(rest[-1]) if rest else None
    if asked is not None and asked.kind is not None:
        return _of_kind(asked.kind, rest, begun, board)
    if begun.startswith("-"):
        return ((name, option.help) for name, option in options.items() if name not in rest)
    parameter = _positional(form, rest, options)
    if parameter is None:
        return ((name, option.help) for name, option in options.items() if name not in rest)
    return [] if parameter.kind is None else _of_kind(parameter.kind, rest, begun, board)


def _name_words(words: Sequence[str], forms: Iterable[Form]) -> _Words:
    typed = [word.casefold() for word in words]
    found: dict[str, str] = {}
    for form in forms:
        name = form.name.split()
        if len(name) > len(typed) and [word.casefold() for word in name[: len(typed)]] == typed:
            is_whole = len(name) == len(typed) + 1
            found.setdefault(name[len(typed)], form.help if is_whole else "...")
    return found.items()


def _positional(form: Form, rest: Sequence[str], options: Mapping[str, Parameter]) -> Parameter | None:
    """Return the parameter whose turn it is; None if all have been given."""
    given, skips = 0, False
    for word in rest:
        if skips:
            skips = False
        elif word in options:
            skips = options[word].kind is not None
        else:
            given += 1
    places = [parameter for parameter in form.parameters if not parameter.is_option]
    if given < len(places):
        return places[given]
    return places[-1] if places and places[-1].many else None


def _of_kind(kind: Kind, rest: Sequence[str], begun: str, board: Board) -> _Words:
    if kind.choices:
        return ((word, "") for word in kind.choices)
    return _SOURCES[kind.source](rest, begun, board)


def _nothing(rest: Sequence[str], begun: str, board: Board) -> _Words:
    return ()


def _paths(rest: Sequence[str], begun: str, board: Board) -> _Words:
    kind = next((word for word in rest if word in SCRIPT_KIND.choices), None)
    return ((path, "") for path in board.available(kind)) if kind else ()


def _live(rest: Sequence[str], begun: str, board: Board) -> _Words:
    return ((str(index), _about(index, board)) for index in board.live if str(index) not in rest)


def _every(rest: Sequence[str], begun: str, board: Board) -> _Words:
    return ((str(index), _about(index, board)) for index in (*board.live, *board.past))


def _locations(rest: Sequence[str], begun: str, board: Board) -> _Words:
    name, colon, _ = begun.partition(":")
    if colon:
        return ((f"{name}:{index}", _about(index, board)) for index in board.live if str(index) not in rest)
    return (("first", ""), ("last", ""), ("before:", "a script"), ("after:", "a script"))


def _slots(rest: Sequence[str], begun: str, board: Board) -> _Words:
    return ((slot.name, slot_state(slot)) for slot in board.slots)


def _slots_or_all(rest: Sequence[str], begun: str, board: Board) -> _Words:
    return (*_slots(rest, begun, board), ("*", "all slots")) if board.slots else ()


def _commands(rest: Sequence[str], begun: str, board: Board) -> _Words:
    return _name_words(rest, forms_for(interactive=True))


_SOURCES: Mapping[Source, Callable[[Sequence[str], str, Board], _Words]] = {
    Source.NOTHING: _nothing,
    Source.SCRIPT_PATHS: _paths,
    Source.LIVE_INDICES: _live,
    Source.EVERY_INDEX: _every,
    Source.LOCATIONS: _locations,
    Source.SLOTS: _slots,
    Source.SLOTS_OR_ALL: _slots_or_all,
    Source.COMMANDS: _commands,
}


def _about(index: int, board: Board) -> str:
    return script_line(index, board).removeprefix(str(index)).strip()


def _matching(begun: str, known: _Words) -> list[tuple[str, str]]:
    """Return the words that begin so, or else those that contain it."""
    listed = list(known)
    folded = begun.casefold()
    matching = [item for item in listed if item[0].casefold().startswith(folded)]
    return matching or [item for item in listed if folded in item[0].casefold()]
