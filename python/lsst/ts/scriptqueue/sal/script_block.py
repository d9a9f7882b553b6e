# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the id of a block execution tells: ``BL123_O_20231205_000001``."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["BlockExecution", "block_execution"]

_ID = re.compile(r"\w+_(\d{8})_(\d{6})")


@dataclass(frozen=True, slots=True)
class BlockExecution:
    """One execution of a block.

    Attributes
    ----------
    day_obs
        Observing day, as yyyymmdd; 0 if not known.
    number
        Which execution of its day; 0 if not known.
    """

    day_obs: int = 0
    number: int = 0


def block_execution(block_id: str) -> BlockExecution:
    """Return what an id tells; of an id in another form, nothing."""
    found = _ID.fullmatch(block_id)
    return BlockExecution(int(found[1]), int(found[2])) if found else BlockExecution()
