# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration in force: read when the component leaves STANDBY, asked at each ``add``."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from typing import Any

import yaml

from ..configuration import (
    Configuration,
    ConfigurationError,
    ConfigurationFolder,
    configuration_applied,
    configurations_available,
    parse_script_config,
    read_configuration,
)
from ..core.commands import AddScript
from ..core.layout import Layout
from ..core.refusals import Refused
from ..core.rulings import Ruling
from ..sal.script_schema import SchemaError, ScriptSchema

__all__ = ["Configuring"]

#: Schemas are remembered of so many scripts.
_SCHEMAS_KEPT = 1000


class Configuring:
    """Reads configurations, and says what the one in force says.

    Parameters
    ----------
    folder
        Where they are; None for a queue that has one serial slot and no rules.
    """

    def __init__(self, folder: ConfigurationFolder | None) -> None:
        self._folder = folder
        self._in_force = Configuration()
        self._read = Configuration()
        self._schemas: dict[tuple[bool, str], str] = {}

    async def read(self, override: str) -> Layout:
        """Read a configuration; it is in force when `apply` is called.

        Raises
        ------
        Refused
            If it cannot be used; all that is wrong is named.
        """
        if self._folder is None:
            if override:
                raise Refused(f"there is no configuration directory, so no override {override!r}")
            return self._read.layout
        try:
            self._read = await asyncio.to_thread(read_configuration, self._folder, override)
        except ConfigurationError as error:
            raise Refused(str(error)) from None
        return self._read.layout

    def apply(self) -> None:
        """Put what was read in force."""
        self._in_force = self._read

    async def available(self) -> dict[str, str]:
        """The fields of the event ``configurationsAvailable``."""
        if self._folder is None:
            return {}
        try:
            return await asyncio.to_thread(configurations_available, self._folder)
        except ConfigurationError as error:
            raise Refused(str(error)) from None

    async def applied(self) -> dict[str, str]:
        """The fields of the event ``configurationApplied``."""
        if self._folder is None:
            return {}
        return await asyncio.to_thread(configuration_applied, self._folder, self._in_force)

    async def ruled(self, wish: AddScript) -> AddScript:
        """Return a wish with what the rules say of it.

        Raises
        ------
        Refused
            If its configuration is none.
        """
        # A large configuration takes longer to parse than a heartbeat may wait.
        ruling = await asyncio.to_thread(self._rule, wish)
        return dataclasses.replace(wish, ruling=ruling)

    def note_schema(self, is_standard: bool, path: str, schema: str) -> None:
        """Remember what a script has said its schema is, for its defaults."""
        self._schemas[is_standard, path] = schema
        while len(self._schemas) > _SCHEMAS_KEPT:
            self._schemas.pop(next(iter(self._schemas)))

    def _rule(self, wish: AddScript) -> Ruling:
        config = parse_script_config(wish.config)
        schema = self._schemas.get((wish.is_standard, wish.path), "")
        complete = functools.partial(_completed, schema) if schema else None
        return self._in_force.rule_on(wish.is_standard, wish.path, config, complete)


def _completed(schema: str, config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as the script will complete it; as it is, if its schema is none."""
    try:
        parsed = yaml.safe_load(schema)
        completed = ScriptSchema(parsed).complete(config) if isinstance(parsed, dict) else config
    except (yaml.YAMLError, SchemaError):
        return config
    return completed if isinstance(completed, dict) else config
