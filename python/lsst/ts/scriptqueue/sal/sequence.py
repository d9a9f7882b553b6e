# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of commands, by which their acknowledgements are told apart.

Each command name of a component has its own range of the positive 31-bit
numbers, as deployed clients have it; within it a client starts anywhere, so
that a restarted one with the same process id does not take up old answers.
"""

from __future__ import annotations

import os

from .definitions import ComponentSpec

__all__ = ["MAX_SEQUENCE_NUMBER", "SequenceNumbers", "sequence_range"]

MAX_SEQUENCE_NUMBER = 2**31 - 1


def sequence_range(spec: ComponentSpec, command: str) -> tuple[int, int]:
    """Return the first and last number of a command, both included."""
    names = list(spec.commands)
    size = MAX_SEQUENCE_NUMBER // len(names)
    first = names.index(command) * size + 1
    return first, first + size - 1


class SequenceNumbers:
    """Gives the commands of one client their numbers."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], int] = {}

    def take(self, spec: ComponentSpec, command: str) -> int:
        """Return the next number for a command of a component."""
        first, last = sequence_range(spec, command)
        key = (spec.name, command)
        if key in self._last:
            number = self._last[key] + 1
        else:
            number = first + int.from_bytes(os.urandom(4), "big") % (last - first + 1)
        self._last[key] = number if number <= last else first
        return self._last[key]
