# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts of the night, as data: what is added, and what is to become of it.

Times are short, so that a night fits into half a minute. What is expected of
each is checked at the end, like everything else the demo says.
"""

from __future__ import annotations

from dataclasses import dataclass

from .outcomes import Outcome

__all__ = ["Planned"]


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


#: What the operator comes back to later in the night.
SLEW = Planned("slew_and_track.py", "ra: 12.5\ndec: -30.0", "to the first field")
IMAGES = Planned("take_images.py", "exposures: 4", "first field, all is well?", pause_checkpoint=".*2.*")
FLATS = Planned("take_flats.py", "", "a calibration that can be done earlier")
BROKEN = Planned("fails_while_running.py", "", "fails", outcome=Outcome.FAILED, is_standard=False)
LONG = Planned("take_images.py", "exposures: 40", "far too many images", outcome=Outcome.STOPPED)

#: All scripts, in the order in which they are added.
NIGHT: tuple[Planned, ...] = (
    Planned("set_summary_state.py", "data: [[MTMount, ENABLED], [MTDome, ENABLED]]", "wake the telescope"),
    SLEW,
    IMAGES,
    Planned("cannot_configure.py", "", "is refused", outcome=Outcome.NOT_CONFIGURED, is_standard=False),
    BROKEN,
    FLATS,
    LONG,
    Planned("sleep.py", "duration: 1", "let the dome settle"),
    Planned("set_summary_state.py", "data: [[MTMount, STANDBY], [MTDome, STANDBY]]", "good night"),
)

#: A script that does not exist, much like one that does.
MISSPELT = "take_imges.py"
