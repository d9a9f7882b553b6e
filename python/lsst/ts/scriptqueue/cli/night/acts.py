# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole night: first one script at a time, then several side by side."""

from __future__ import annotations

from .deeds import Operator, enable, send_offline, serial_night
from .slot_deeds import night_in_slots

__all__ = ["night"]


async def night(operator: Operator) -> None:
    """Do all of it, from STANDBY to OFFLINE.

    Raises
    ------
    AckError
        If a command is refused that should not be.
    NotSeenError
        If something does not come of a command that should.
    """
    await enable(operator)
    await serial_night(operator)
    await night_in_slots(operator)
    await send_offline(operator)
