# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script's metadata says before its author has said anything."""

from __future__ import annotations

import types

from .enums import MetadataCoordSys, MetadataDome, MetadataRotSys

__all__ = ["blank_metadata"]


def blank_metadata() -> types.SimpleNamespace:
    """Return the fields of the event ``metadata``, to be set as attributes."""
    return types.SimpleNamespace(
        coordinateSystem=MetadataCoordSys.NONE,
        position=(0.0, 0.0),
        rotationSystem=MetadataRotSys.NONE,
        cameraAngle=0.0,
        filters="",
        dome=MetadataDome.EITHER,
        duration=0.0,
        nimages=0,
        instrument="",
        survey="",
        totalCheckpoints=0,
    )
