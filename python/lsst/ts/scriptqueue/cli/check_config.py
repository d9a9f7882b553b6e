# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``run_script_queue --check-config``: read a configuration, and say what would be in force."""

from __future__ import annotations

import pathlib

from ..configuration import (
    Configuration,
    ConfigurationError,
    ConfigurationFolder,
    default_folder,
    read_configuration,
)

__all__ = ["check_config"]

_HEADINGS = ("slot", "capacity", "order", "on_failure", "patience_s", "next_visit", "assumed_resources")


def check_config(directory: pathlib.Path | None, override: str) -> tuple[bool, str]:
    """Read a configuration. Starts nothing.

    Parameters
    ----------
    directory
        The configuration directory; None for the default one.
    override
        Name of an override; "" for none.

    Returns
    -------
    tuple
        Is it right? And a text: what would be in force, or every fault.
    """
    try:
        folder = default_folder(directory)
        configuration = read_configuration(folder, override)
    except ConfigurationError as error:
        return False, str(error)
    return True, "\n".join(
        [*_origin(folder, configuration), "", *_slots(configuration), "", _rest(configuration)]
    )


def _origin(folder: ConfigurationFolder, configuration: Configuration) -> list[str]:
    version = folder.version()
    files = ", ".join(path.name for path in configuration.files)
    return [f"{folder.path}{f' ({version})' if version else ''}", f"files: {files}"]


def _slots(configuration: Configuration) -> list[str]:
    rows = [_HEADINGS] + [
        (
            slot.name,
            str(slot.capacity),
            "eager" if slot.is_eager else "ordered",
            "pause" if slot.keeps_failed else "continue",
            "-" if slot.patience_s is None else f"{slot.patience_s:g}",
            "yes" if slot.announces_visits else "no",
            str(slot.assumed),
        )
        for slot in configuration.layout.slots
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _rest(configuration: Configuration) -> str:
    layout = configuration.layout
    capacities = ", ".join(f"{name} {number}" for name, number in layout.catalogue.capacities.items())
    return "\n".join(
        [
            f"groups: {', '.join(layout.catalogue.groups) or 'none'}",
            f"capacities: {capacities or 'none'}",
            f"rules: {len(configuration.rules)}",
            f"legacy_queue: {layout.legacy_queue.value}",
            f"on_block_failure: {'stop' if layout.stops_failed_blocks else 'keep'}",
        ]
    )
