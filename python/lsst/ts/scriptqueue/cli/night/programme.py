# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts of the night, as data: what is added, and what is to become of it.

Times are short, so that a night fits into half a minute. What is expected of
each is checked at the end, like everything else the demo says.
"""

from __future__ import annotations

from dataclasses import dataclass

from .outcomes import Outcome

__all__ = [
    "BROKEN",
    "CALIBRATION",
    "FLATS",
    "FOLLOWING",
    "IMAGES",
    "LONG",
    "MIRROR",
    "MISSPELT",
    "NIGHT",
    "OBSERVING",
    "PARK",
    "SLEW",
    "SLEW_BY_HAND",
    "SLOTS",
    "SLOT_NAMES",
    "STATIONS",
    "Planned",
]


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
    slot
        Slot it is added to; "" leaves that to the queue.
    resources
        What it is said to need; "" leaves that to the queue.
    runs_in
        Slot in which it is to run.
    needs
        What the queue is to find that it needs; "" if that does not matter.
    """

    path: str
    config: str = ""
    descr: str = ""
    outcome: Outcome = Outcome.DONE
    is_standard: bool = True
    pause_checkpoint: str = ""
    slot: str = ""
    resources: str = ""
    runs_in: str = "main"
    needs: str = ""


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

# Of the second half, in several slots. Each is known by what it has to do with.

OBSERVING = Planned(
    "slew_and_track.py",
    "ra: 5.59\ndec: -5.39\ntrack_for: 1.5",
    "to the Orion nebula, again",
    needs="MTDome,MTMount,MTPtg,MTRotator",
)
FOLLOWING = Planned(
    "take_images.py",
    "exposures: 4\nfilter: g",
    "what fails elsewhere is not its business",
    needs="MTCamera,MTDome,MTMount,MTPtg,MTRotator",
)
CALIBRATION = Planned(
    "take_flats.py",
    "filters: [g, r, i, z]\nflats: 6",
    "the auxiliary telescope's, which take long",
    slot="calibration",
    resources="ATCS,ATCamera",
    runs_in="calibration",
    needs="ATCamera,ATDome,ATMCS,ATPtg",
)
MIRROR = Planned(
    "fails_while_running.py",
    "after: 0.6",
    "something breaks, but nothing that others need",
    outcome=Outcome.FAILED,
    is_standard=False,
    slot="engineering",
    runs_in="engineering",
    needs="MTM1M3",
)
SLEW_BY_HAND = Planned(
    "maintel/slew.py",
    "az: 60\nel: 45",
    "the mount is not free yet",
    slot="utility",
    runs_in="utility",
    needs="MTMount",
)
#: Weather stations, to be brought up while everything else goes on. The queue finds their slot itself.
STATIONS = tuple(
    Planned(
        "set_summary_state.py",
        f"data: [['ESS:{index}', ENABLED]]",
        "it was off",
        runs_in="utility",
        needs=f"ESS:{index}",
    )
    for index in (101, 102)
)

#: The scripts of the second half, in the order in which they are added.
SLOTS: tuple[Planned, ...] = (CALIBRATION, OBSERVING, FOLLOWING, MIRROR, SLEW_BY_HAND, *STATIONS)

#: The slots that the configuration of the second half has, by priority.
SLOT_NAMES = ("main", "calibration", "engineering", "utility")

#: A script that does not exist, much like one that does.
MISSPELT = "take_imges.py"
