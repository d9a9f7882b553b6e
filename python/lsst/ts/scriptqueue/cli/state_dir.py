# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a ScriptQueue keeps what must outlive it: output files, counters, its lock."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping

__all__ = ["default_state_dir"]


def default_state_dir(index: int, environ: Mapping[str, str] = os.environ) -> pathlib.Path:
    """The state directory of ScriptQueue:index, by the XDG base directories."""
    base = environ.get("XDG_STATE_HOME", "")
    # A relative path in this variable is to be ignored, says the standard.
    root = pathlib.Path(base) if base.startswith("/") else pathlib.Path.home() / ".local" / "state"
    return root / "ts_scriptqueue" / f"ScriptQueue-{index}"
