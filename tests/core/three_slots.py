# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue with main, an ordered and an eager slot, for the tests of slots."""

from __future__ import annotations

from lsst.ts.scriptqueue.core.layout import Layout, SlotSettings

from .driver import Driver
from .layouts import a_layout

__all__ = ["UTILITY", "a_driver", "waits_for"]

UTILITY = SlotSettings("utility", capacity=3, is_eager=True, keeps_failed=False)
THREE = a_layout(SlotSettings("calibration"), UTILITY)


def a_driver(layout: Layout = THREE) -> Driver:
    return Driver(layout=layout)


def waits_for(driver: Driver, index: int) -> str:
    return driver.model.script(index).waiting_for
