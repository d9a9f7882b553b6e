# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of the events by which a component tells of its configuration. All block, to ask git."""

from __future__ import annotations

from .configuration import Configuration
from .folder import SCHEMA_VERSION, ConfigurationFolder

__all__ = ["configuration_applied", "configurations_available"]

#: The event that publishes what is configured.
_PUBLISHED_BY = "slots"


def configurations_available(folder: ConfigurationFolder) -> dict[str, str]:
    """Return the fields of ``configurationsAvailable``.

    Raises
    ------
    ConfigurationError
        If the directory cannot be listed.
    """
    return {"overrides": ",".join(folder.overrides()), **_source(folder)}


def configuration_applied(folder: ConfigurationFolder, configuration: Configuration) -> dict[str, str]:
    """Return the fields of ``configurationApplied``."""
    names = [path.name for path in configuration.files]
    return {"configurations": ",".join(names), "otherInfo": _PUBLISHED_BY, **_source(folder)}


def _source(folder: ConfigurationFolder) -> dict[str, str]:
    return {"version": folder.version(), "url": folder.url, "schemaVersion": SCHEMA_VERSION}
