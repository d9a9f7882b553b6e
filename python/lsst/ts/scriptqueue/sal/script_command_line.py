# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of a script: ``script INDEX [--loglevel LEVEL]``, ``script 0 --schema``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ScriptOptions", "script_options"]


@dataclass(frozen=True, slots=True)
class ScriptOptions:
    """What the command line of a script says.

    Attributes
    ----------
    index
        SAL index.
    is_schema_wanted
        Print the schema and do nothing else?
    log_level
        Lowest level that is logged, as in Python.
    """

    index: int
    is_schema_wanted: bool = False
    log_level: int = logging.INFO


def script_options(program: str, arguments: Sequence[str]) -> ScriptOptions:
    """Read a command line.

    Parameters
    ----------
    program
        Name of the script's class.
    arguments
        What follows the name of the program.

    Raises
    ------
    SystemExit
        If it is wrong, or asks for help; what is to be said has been printed.
    """
    if len(arguments) == 1 and arguments[0].isdecimal() and int(arguments[0]) > 0:
        # What a queue says. It saves the import of a parser.
        return ScriptOptions(int(arguments[0]))
    return _parse(program, arguments)


def _parse(program: str, arguments: Sequence[str]) -> ScriptOptions:
    import argparse

    parser = argparse.ArgumentParser(prog=program, description="A SAL script; it waits to be commanded.")
    parser.add_argument(
        "index", type=int, help="SAL index; above 0, and no other script that runs may have it"
    )
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON schema of the configuration, as YAML, and quit"
    )
    parser.add_argument(
        "--loglevel",
        type=_level,
        default=logging.INFO,
        help="lowest level that is logged, a name or a number (default: INFO)",
    )
    options = parser.parse_args(arguments)
    if options.index <= 0 and not options.schema:
        parser.error(f"the index must be above 0, not {options.index}")
    return ScriptOptions(options.index, options.schema, options.loglevel)


def _level(text: str) -> int:
    level = logging.getLevelNamesMapping().get(text.upper())
    return int(text) if level is None else level
