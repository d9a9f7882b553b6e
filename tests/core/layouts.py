# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts for tests: one slot, two, and a whole observatory's."""

from __future__ import annotations

from typing import Any

from lsst.ts.scriptqueue.core.layout import Layout, SlotSettings
from lsst.ts.scriptqueue.core.resources import EVERYTHING, Catalogue, Resource
from lsst.ts.scriptqueue.core.rulings import NO_RULING, Ruling

__all__ = ["BESIDE", "OBSERVATORY", "RULINGS", "SERIAL", "TWO_SLOTS", "a_catalogue", "a_layout", "a_ruling"]

#: A slot beside main that gives group ids when a script enters.
BESIDE = "beside"

MAIN_SLOT = SlotSettings(announces_visits=True)
SERIAL = Layout()
TWO_SLOTS = Layout((MAIN_SLOT, SlotSettings(BESIDE)))


def a_catalogue(**capacities: int) -> Catalogue:
    """Groups as an observatory has them, and what is shared."""
    mount, dome = Resource("MTMount"), Resource("MTDome")
    return Catalogue({"MTCS": (mount, dome, Resource("MTHexapod", 1))}, capacities)


def a_layout(*beside: SlotSettings, **fields: Any) -> Layout:
    """Main and some slots beside it."""
    main = fields.pop("main", MAIN_SLOT)
    return Layout((main, *beside), **({"catalogue": a_catalogue(archive=2)} | fields))


def a_ruling(slot: str = "", resources: str | None = None, catalogue: Catalogue | None = None) -> Ruling:
    """What a rule says."""
    claim = None if resources is None else (catalogue or a_catalogue(archive=2)).parse(resources)
    return Ruling("a rule", slot, claim)


#: Every kind of slot there is.
OBSERVATORY = a_layout(
    SlotSettings("calibration", patience_s=50.0),
    SlotSettings("utility", capacity=3, is_eager=True, keeps_failed=False, patience_s=20.0),
    SlotSettings("second", capacity=2, announces_visits=True),
    stops_failed_blocks=True,
)

RULINGS = (
    NO_RULING,
    a_ruling("utility", "ESS:1"),
    a_ruling("utility", "ESS:2,archive"),
    a_ruling("calibration", "MTCS"),
    a_ruling("", "none"),
    Ruling("a rule", "utility", EVERYTHING, is_certain=False, warning="its configuration is nonsense"),
)
