# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SAL layer: components, their commands, events and states.

The vocabulary is that of salobj. Names are imported when they are asked for,
because every script process pays for what it imports.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base_script import BaseScript
    from .controller import Controller
    from .csc import BaseCsc
    from .domain import Domain
    from .enums import (
        Location,
        MetadataCoordSys,
        MetadataDome,
        MetadataRotSys,
        SalIndex,
        SalRetCode,
        ScriptProcessState,
        ScriptState,
        State,
    )
    from .errors import AckError, AckTimeoutError, ExpectedError
    from .remote import Remote

__all__ = [
    "AckError",
    "AckTimeoutError",
    "BaseCsc",
    "BaseScript",
    "Controller",
    "Domain",
    "ExpectedError",
    "Location",
    "MetadataCoordSys",
    "MetadataDome",
    "MetadataRotSys",
    "Remote",
    "SalIndex",
    "SalRetCode",
    "ScriptProcessState",
    "ScriptState",
    "State",
]

_OWNERS = {
    "AckError": "errors",
    "AckTimeoutError": "errors",
    "BaseCsc": "csc",
    "BaseScript": "base_script",
    "Controller": "controller",
    "Domain": "domain",
    "ExpectedError": "errors",
    "Remote": "remote",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    module = importlib.import_module(f".{_OWNERS.get(name, 'enums')}", __name__)
    return getattr(module, name)
