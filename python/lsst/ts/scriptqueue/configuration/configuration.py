# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is configured of a queue, read from files and checked as a whole."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass, field
from typing import Any

from ..core.layout import Layout, LegacyQueue
from ..core.rulings import NO_RULING, Ruling
from .documents import read_document
from .faults import ConfigurationError, Fault
from .folder import ConfigurationFolder
from .lookups import Completion
from .merging import merge
from .names import Names
from .rules import Rule, rules_of
from .slots import slots_of

__all__ = ["Configuration", "read_configuration"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration.

    Attributes
    ----------
    layout
        Slots, names of resources, and what clients are shown.
    rules
        What is known of scripts; the first that matches speaks.
    files
        The files it was read from, in order; none for the default of the
        code, one serial slot.
    """

    layout: Layout = field(default_factory=Layout)
    rules: tuple[Rule, ...] = ()
    files: tuple[pathlib.Path, ...] = ()

    def rule_for(self, is_standard: bool, path: str) -> Rule | None:
        """Return the rule that speaks for a script; None if none does."""
        return next((rule for rule in self.rules if rule.matches(is_standard, path)), None)

    def rule_on(
        self,
        is_standard: bool,
        path: str,
        config: str | dict[Any, Any],
        complete: Completion | None = None,
    ) -> Ruling:
        """Say what the rules say of a script that is added.

        Blocks for as long as it takes to parse the configuration, which is
        done only if a rule looks into it. Nothing is raised for what a
        client gives.

        Parameters
        ----------
        is_standard, path
            The script.
        config
            Its configuration, as YAML, or what `parse_script_config` made of
            it, where that has been done already.
        complete
            Returns a configuration with the defaults of the script's schema
            filled in; None if the schema is not known. What it raises for a
            wrong value is a `ValueError`.
        """
        rule = self.rule_for(is_standard, path)
        return NO_RULING if rule is None else rule.rule_on(config, complete)


def read_configuration(folder: ConfigurationFolder, override: str = "") -> Configuration:
    """Read a configuration and check it. Blocks.

    Parameters
    ----------
    folder
        Where the files are.
    override
        Name of an override; "" for none.

    Raises
    ------
    ConfigurationError
        If anything is wrong with it; names all that is.
    """
    files = folder.files(override)
    merged = merge(read_document(path) for path in files)
    faults: list[Fault] = []
    names = Names(merged, faults.append)
    slots = slots_of(merged, names, faults.append)
    rules = rules_of(merged, names, [slot.name for slot in slots], faults.append)
    if faults:
        raise ConfigurationError(faults)
    layout = Layout(
        slots=slots,
        catalogue=names.catalogue,
        legacy_queue=LegacyQueue(merged.data.get("legacy_queue", LegacyQueue.YIELDING.value)),
        stops_failed_blocks=merged.data.get("on_block_failure") == "stop",
    )
    return Configuration(layout, rules, files)
