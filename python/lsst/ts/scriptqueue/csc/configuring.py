# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration in force: read when the component leaves STANDBY, asked at each ``add``."""

from __future__ import annotations

import asyncio
import dataclasses

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

__all__ = ["Configuring"]


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

    def _rule(self, wish: AddScript) -> Ruling:
        parse_script_config(wish.config)
        return self._in_force.rule_on(wish.is_standard, wish.path, wish.config)
