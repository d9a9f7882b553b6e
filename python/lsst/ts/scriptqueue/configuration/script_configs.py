# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client gives to configure a script: a text that should hold a YAML mapping."""

from __future__ import annotations

from typing import Any

import yaml

from ..core.refusals import Refused

__all__ = ["parse_script_config"]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: No script needs more levels; the fast loader recurses in C, where too many end the process.
_MAX_DEPTH = 100

_TOO_DEEP = f"config is nested more than {_MAX_DEPTH} levels deep; make it flatter"


def parse_script_config(text: str) -> dict[Any, Any]:
    """Return what a configuration holds; an empty mapping if it is empty.

    Blocks: a large one takes seconds.

    Raises
    ------
    Refused
        If it is not YAML, no mapping, or nested too deeply; with line and
        column, where YAML knows them.
    """
    if not text.strip():
        return {}
    try:
        _check_depth(text)
        data = yaml.load(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        # Newer parsers have a limit of their own, and look ahead.
        if error.problem == "exceeded maximum nesting depth":
            raise Refused(_TOO_DEEP) from None
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise Refused(f"config is not YAML: {place}{error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        # A date that is none is no YAMLError.
        raise Refused(f"config is not YAML: {error}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise Refused(f"config must be a mapping such as 'az: 10', not a {type(data).__name__}")
    return data


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise Refused(_TOO_DEEP)
