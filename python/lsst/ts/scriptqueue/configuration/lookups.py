# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that look into a script's configuration for what the script needs.

What they find is only as good as the configuration, so whatever is not a list
of names leads to a script that runs alone, with the reason. Nothing here
raises for a script's configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
import jmespath.exceptions
import jmespath.functions

from ..core.refusals import Refused
from ..core.resources import EVERYTHING, Catalogue, Claim
from .script_configs import parse_script_config

__all__ = ["Completion", "Finding", "Lookup", "fault_of_expression"]

#: Fills in what a configuration leaves out, as the script itself would.
Completion = Callable[[dict[str, Any]], Mapping[str, Any]]

#: A script that needs more needs everything.
_MAX_NAMES = 200

#: Values of a configuration that are looked at. Aliases make a short text endless.
_MAX_VALUES = 1_000_000

_SHOWN = 60
_SHOWN_WHY = 200

_WRONG = "it is no list of resources"

#: What an expression may raise over values of types that JSON does not have.
_FAILURES = (
    jmespath.exceptions.JMESPathError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a lookup found.

    Attributes
    ----------
    claim
        What the script needs; everything if that is not certain.
    is_certain
        Did the configuration say it?
    warning
        What is wrong with the configuration; "" if it just does not say.
    """

    claim: Claim = EVERYTHING
    is_certain: bool = False
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A JMESPath expression over a script's configuration, and what its names mean."""

    expression: str
    catalogue: Catalogue

    def find(self, config: str | dict[Any, Any], complete: Completion | None = None) -> Finding:
        """Find what a script needs.

        Parameters
        ----------
        config
            The configuration that was given, as YAML, or what that holds.
        complete
            Fills in what it leaves out; None if that is not known.
        """
        try:
            data = parse_script_config(config) if isinstance(config, str) else config
        except Refused as error:
            return Finding(warning=str(error))
        if _is_endless(data):
            return Finding(warning=f"config has more than {_MAX_VALUES} values")
        try:
            completed = complete(data) if complete else data
            found = jmespath.search(self.expression, completed)
        except _FAILURES as error:
            return Finding(warning=f"{self.expression} cannot be applied to config: {_short(str(error))}")
        return self._judge(found)

    def _judge(self, found: Any) -> Finding:
        # An empty list is what a projection leaves of entries that are not as expected.
        if found is None or found == []:
            return Finding()
        names = found if isinstance(found, list) else [found]
        if not all(isinstance(name, str) for name in names):
            return self._nonsense(found, "no names of resources")
        names = list(dict.fromkeys(names))
        if len(names) > _MAX_NAMES:
            return Finding(
                warning=f"{self.expression} in config yields {len(names)} names; {_MAX_NAMES} can be"
            )
        try:
            return Finding(self.catalogue.parse(",".join(names)), is_certain=True)
        except Refused as error:
            return self._nonsense(found, str(error) if len(str(error)) <= _SHOWN_WHY else _WRONG)

    def _nonsense(self, found: Any, why: str) -> Finding:
        return Finding(warning=f"{self.expression} in config yields {_short(repr(found))}: {why}")


def fault_of_expression(expression: str) -> str:
    """Tell what is wrong with an expression; "" for nothing."""
    try:
        tree = jmespath.compile(expression).parsed
    except jmespath.exceptions.EmptyExpressionError:
        return "it is empty"
    except jmespath.exceptions.IncompleteExpressionError:
        return "it is not complete"
    except jmespath.exceptions.ParseError as error:
        return f"{error.token_value!r} at column {error.lex_position + 1} cannot be there"
    except jmespath.exceptions.JMESPathError as error:
        return " ".join(str(error).split())
    known = jmespath.functions.Functions.FUNCTION_TABLE
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node["type"] == "function_expression" and node["value"] not in known:
            return f"there is no function {node['value']}; there are {', '.join(sorted(known))}"
        waiting += node["children"]
    return ""


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _is_endless(data: Any) -> bool:
    waiting, seen = [data], 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen + len(waiting) > _MAX_VALUES:
            return True
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple | set):
            waiting += value
    return False
