# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with configuration files, and where."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["ConfigurationError", "Fault"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a configuration file.

    Attributes
    ----------
    text
        What is wrong, and what would be right.
    file
        The file, or the directory if there is no file.
    line
        The line, from 1; 0 if the fault is not in one.
    key
        The key, with a dot between levels and sequence entries counted from
        0, such as ``rules.3.slot``; "" for none.
    """

    text: str
    file: pathlib.Path
    line: int = 0
    key: str = ""

    def __str__(self) -> str:
        place = [str(self.file), f"line {self.line}" if self.line else "", self.key]
        return f"{', '.join(filter(None, place))}: {self.text}"


class ConfigurationError(ValueError):
    """A configuration cannot be used; the text has a line for each fault.

    Attributes
    ----------
    faults
        What is wrong, in the order of files and lines.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(dict.fromkeys(faults), key=lambda fault: (str(fault.file), fault.line)))
        super().__init__("\n".join(map(str, self.faults)))
