# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process of a script, as the world around a model has it."""

from __future__ import annotations

from dataclasses import dataclass

from lsst.ts.scriptqueue.core.states import ScriptState

__all__ = ["Process"]


@dataclass
class Process:
    """A process that lives.

    Attributes
    ----------
    pid
        Its process id.
    origin
        The process id its reports carry; another one behind a wrapper.
    said
        The state it has reported last.
    to_go
        Was it told to go?
    configured_by
        The question that it was configured by.
    has_run
        Did it do as it was told, and run?
    is_named
        Has it a group id?
    """

    pid: int
    origin: int
    said: ScriptState = ScriptState.UNKNOWN
    to_go: bool = False
    configured_by: int = 0
    has_run: bool = False
    is_named: bool = False
