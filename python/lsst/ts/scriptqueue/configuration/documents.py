# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A YAML file that remembers on which line everything stands."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from .faults import ConfigurationError, Fault

__all__ = ["Document", "Key", "key_text", "line_of", "read_document"]

#: Where a value stands: keys of mappings and places in sequences, from the top.
Key = tuple[str | int, ...]

#: More levels have no meaning, and anchors can make endless ones.
_MAX_DEPTH = 20

#: Where a resource may begin with a character that means something to YAML.
_UNQUOTED = re.compile(r"(^|[\[,:-])\s*[*!]")


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML file holds.

    Attributes
    ----------
    path
        The file.
    data
        What it holds; an empty mapping if it is empty.
    root
        The same as a tree of nodes; None if the file is empty.
    """

    path: pathlib.Path
    data: Any
    root: yaml.Node | None

    def fault(self, key: Key, text: str) -> Fault:
        """Something wrong at a key of this file."""
        return Fault(text, self.path, line_of(self.root, key), key_text(key))


def read_document(path: pathlib.Path) -> Document:
    """Read a YAML file.

    Raises
    ------
    ConfigurationError
        If it cannot be read, is not YAML, is nested very deep, or has a key
        twice in a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError([Fault(f"cannot be read: {error.strerror}", path)]) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError([Fault(f"is not text: {error}", path)]) from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            return Document(path, {}, None)
        faults = [Fault(text, path, line) for line, text in _faults_of_form(root)]
        if faults:
            raise ConfigurationError(faults)
        return Document(path, yaml.safe_load(text), root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line, text.count("\n", 0, -1)) + 1 if mark else 0
        begin = error.context_mark.line if error.context_mark else line - 1
        problem = f"is not YAML: {error.problem or error.context}{_hint(text.splitlines()[begin:line])}"
        raise ConfigurationError([Fault(problem, path, line)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigurationError([Fault(f"is not YAML: {error.reason}", path, line)]) from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError([Fault(f"is not YAML: {error}", path)]) from None


def line_of(node: yaml.Node | None, key: Iterable[str | int]) -> int:
    """Return the line of the deepest node on the way to a key, from 1."""
    line = 1
    for step in key:
        if isinstance(node, yaml.MappingNode):
            entry = next(((name, value) for name, value in node.value if name.value == str(step)), None)
            if entry is None:
                break
            line = entry[0].start_mark.line + 1
            node = entry[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


def key_text(key: Iterable[str | int]) -> str:
    """Return how a key is written in a message."""
    return ".".join(map(str, key)) or "top level"


def _faults_of_form(root: yaml.Node) -> Iterator[tuple[int, str]]:
    """What the parser lets pass: a key twice, and levels without end."""
    waiting: list[tuple[yaml.Node, int]] = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            yield node.start_mark.line + 1, f"is nested more than {_MAX_DEPTH} levels deep"
            return
        if isinstance(node, yaml.SequenceNode):
            waiting += ((item, depth + 1) for item in node.value)
        elif isinstance(node, yaml.MappingNode):
            first_line: dict[str, int] = {}
            for name, value in node.value:
                waiting.append((value, depth + 1))
                if not isinstance(name, yaml.ScalarNode):
                    continue
                line = name.start_mark.line + 1
                if name.value in first_line:
                    yield line, f"the key {name.value!r} is there already, in line {first_line[name.value]}"
                first_line.setdefault(name.value, line)


def _hint(lines: Iterable[str]) -> str:
    is_likely = any(_UNQUOTED.search(line) for line in lines)
    return "; what begins with * or ! must be in quotes" if is_likely else ""
