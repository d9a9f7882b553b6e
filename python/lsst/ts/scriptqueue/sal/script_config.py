# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the configuration a client sent to the one a script is given.

The text is YAML and holds a mapping. Its top-level key ``metadata`` is for
others and is dropped first. What is left is completed with the defaults of
the script's schema and must then fit the schema; a script without a schema
takes no configuration. Refusals are written for the person who typed it.

PyYAML is imported at first need: a script waits for its configuration, but
whoever waits for the script does not wait for imports.
"""

from __future__ import annotations

import types
from typing import Any

from .errors import ExpectedError
from .script_schema import SchemaError, ScriptSchema

__all__ = ["ConfigError", "parse_config", "script_config"]

#: Top-level key that is dropped.
METADATA_KEY = "metadata"


class ConfigError(ExpectedError):
    """A configuration was refused; the text says what is wrong and where."""


def script_config(text: str, schema: dict[str, Any] | None) -> types.SimpleNamespace:
    """Return the configuration for a script.

    Parameters
    ----------
    text
        What the client sent.
    schema
        The script's JSON schema, or None if it takes no configuration.

    Raises
    ------
    ConfigError
        If it is not YAML, is no mapping, or does not fit the schema; or if
        the schema itself is wrong.
    """
    given = parse_config(text)
    given.pop(METADATA_KEY, None)
    if schema is None:
        if given:
            raise ConfigError(
                f"this script takes no configuration, but was given {', '.join(given)}; leave it empty"
            )
        return types.SimpleNamespace()
    checked = ScriptSchema(schema)
    try:
        completed = checked.complete(given)
        faults = checked.faults(completed)
    except SchemaError as error:
        raise ConfigError(f"the schema of this script is wrong: {error}") from error
    if faults:
        raise ConfigError("; ".join(faults))
    return types.SimpleNamespace(**completed)


def parse_config(text: str) -> dict[str, Any]:
    """Return what a YAML text holds, which must be a mapping or nothing.

    Raises
    ------
    ConfigError
        If it is something else, or is not YAML.
    """
    if not text.strip():
        return {}
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        config = yaml.load(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"not YAML{where}: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"not YAML: {error}") from error
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise ConfigError(f"it must be a mapping, such as 'name: value', not a {type(config).__name__}")
    for key in config:
        if not isinstance(key, str):
            raise ConfigError(f"the key {key!r} is not text; put it in quotes")
    return config
