# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts of the night, as data: what is added, and what is to become of it.

Times are short, so that a night fits into half a minute. What is expected of
each is checked at the end, like everything else the demo says.
"""

from __future__ import annotations

from dataclasses import dataclass

from .outcomes import Outcome

__all__ = ["BROKEN", "FLATS", "IMAGES", "LONG", "MISSPELT", "NIGHT", "PARK", "SLEW", "Planned"]


@dataclass(frozen=True, slots=True)
class Planned:
    """A script to be added.

    Attributes
    ----------
    path
        Path below its script directory.
    config
        Its configuration (YAML).
    descr
        Why it is added, in the operator's words.
    outcome
        What is to become of it.
    is_standard
        In the standard directory, or the external one?
    pause_checkpoint
        Regular expression of the checkpoints it is to pause at.
    """

    path: str
    config: str = ""
    descr: str = ""
    outcome: Outcome = Outcome.DONE
    is_standard: bool = True
    pause_checkpoint: str = ""


# What the operator comes back to later in the night.

SLEW = Planned("slew_and_track.py", "ra: 5.59\ndec: -5.39\ntrack_for: 1", "to the Orion nebula")
IMAGES = Planned(
    "take_images.py",
    "exposures: 4\nfilter: r",
    "have a look at it; the third exposure waits until the first two were looked at",
    pause_checkpoint="exposure 3 .*",
)
BROKEN = Planned(
    "fails_while_running.py", "after: 0.8", "something breaks", outcome=Outcome.FAILED, is_standard=False
)
FLATS = Planned("take_flats.py", "filters: [r, i]", "a calibration")
LONG = Planned(
    "take_images.py",
    "exposures: 60\nfilter: i",
    "far more images than there is time for",
    outcome=Outcome.STOPPED,
)
PARK = Planned("maintel/slew.py", "az: 90\nel: 30", "to where the mount is parked")

#: All scripts, in the order in which they are added.
NIGHT: tuple[Planned, ...] = (
    Planned(
        "set_summary_state.py",
        "data: [[MTMount, ENABLED], [MTDome, ENABLED], [MTCamera, ENABLED]]",
        "good evening",
    ),
    Planned("home_dome.py", descr="it was moved by hand"),
    SLEW,
    IMAGES,
    Planned("cannot_configure.py", "star: Polaris", "", Outcome.NOT_CONFIGURED, is_standard=False),
    BROKEN,
    FLATS,
    LONG,
    Planned("sleep.py", "duration: 1", "let the dome cool down"),
    PARK,
    Planned(
        "set_summary_state.py",
        "data: [[MTCamera, STANDBY], [MTDome, STANDBY], [MTMount, STANDBY]]",
        "good morning",
    ),
)

#: A script that does not exist, much like one that does.
MISSPELT = "take_imges.py"
