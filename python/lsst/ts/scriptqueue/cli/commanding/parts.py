# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command of ``command_script_queue`` consists of: its words and options, and what answers it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .kinds import Kind

__all__ = ["Answer", "Form", "Local", "Parameter"]


class Local(enum.Enum):
    """A command that is no SAL command, carried out here."""

    HELP = enum.auto()
    QUIT = enum.auto()
    EVENTS = enum.auto()
    MONITOR = enum.auto()
    EXPLAIN = enum.auto()
    HISTORY = enum.auto()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A word of a command, or an option.

    Attributes
    ----------
    name
        Name; an option begins with ``--``.
    kind
        What it is; None for an option that takes no word.
    help
        What it means.
    fields
        Turns the value into SAL fields; None for a value that is used here.
    required
        Must it be there?
    many
        May it be given several times, one word after the other?
    default
        The word that is meant when it is not given.
    """

    name: str
    kind: Kind | None
    help: str
    fields: Callable[[Any], Mapping[str, Any]] | None = None
    required: bool = True
    many: bool = False
    default: str | None = None

    @property
    def is_option(self) -> bool:
        """Is it an option?"""
        return self.name.startswith("--")

    @property
    def key(self) -> str:
        """Its name as an identifier."""
        return self.name.lstrip("-").replace("-", "_")


@dataclass(frozen=True, slots=True)
class Answer:
    """The event that answers a command, besides the acknowledgement.

    Attributes
    ----------
    event
        Plain name of the event of the ScriptQueue.
    same
        Fields that it has in common with the command.
    """

    event: str
    same: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A command.

    Attributes
    ----------
    name
        How it is called: one word or two.
    help
        What it does.
    command
        Name of the SAL command, or what is done here instead.
    parameters
        Its words, in order, and its options.
    component
        Who is told; a Script by its index, the parameter ``script``.
    answer
        The event that answers it.
    adds
        Is the result the index of a script, which can be waited for?
    timeout_s
        Time limit for the acknowledgement, if none is given (seconds).
    also
        Other names that it answers to, such as SAL's own.
    """

    name: str
    help: str
    command: str | Local
    parameters: tuple[Parameter, ...] = ()
    component: str = "ScriptQueue"
    answer: Answer | None = None
    adds: bool = False
    timeout_s: float = 10.0
    also: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names it answers to, its own first."""
        if isinstance(self.command, str) and self.command != self.name and self.component == "ScriptQueue":
            return (self.name, self.command, *self.also)
        return (self.name, *self.also)
