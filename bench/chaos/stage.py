# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of a run, the configuration of its slots, and what its scripts have written down."""

from __future__ import annotations

import json
import pathlib
from dataclasses import dataclass

__all__ = ["ORDERED", "SCRIPT", "SLOTS", "Deed", "Stage"]

SCRIPTS = pathlib.Path(__file__).parent / "scripts"
SCRIPT = "act.py"

#: Name of a slot -> how many scripts may run in it.
SLOTS = {"main": 1, "second": 1, "crowd": 3}

#: Slots whose scripts run one by one, in order.
ORDERED = ("main", "second")

_CONFIGURATION = """
slots:
  - {name: main, assumed_resources: []}
  - {name: second, on_failure: continue, assumed_resources: []}
  - {name: crowd, capacity: 3, order: eager, on_failure: continue, assumed_resources: []}
"""


@dataclass(frozen=True, slots=True)
class Deed:
    """A line of a script's diary.

    Attributes
    ----------
    at
        When (UTC, unix seconds).
    pid
        Which process.
    what
        ``begin``, or ``end`` and how.
    """

    at: float
    pid: int
    what: str


class Stage:
    """The folders of a run.

    Parameters
    ----------
    folder
        Where all of them are; is there and empty.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.logs = folder / "logs"
        self.diary = folder / "diary"
        self.config = folder / "config"
        self.settings = folder / "settings.yaml"
        for made in (self.logs, self.diary, self.config):
            made.mkdir()
        (self.config / "_init.yaml").write_text(_CONFIGURATION)

    def write_settings(self, snapshot_entries: int) -> None:
        """Write the settings of the next service; a snapshot is made after so many entries of the journal."""
        limits = {"configure_s": 15.0, "stop_s": 20.0}
        settings = {"limits": limits, "kill_after_s": 1.0, "journal": {"snapshot_entries": snapshot_entries}}
        self.settings.write_text(json.dumps(settings))

    def deeds(self, index: int) -> list[Deed]:
        """Return what the script of an index has written down, in order."""
        file = self.diary / str(index)
        if not file.exists():
            return []
        lines = [line.split(" ", 2) for line in file.read_text().splitlines()]
        return [Deed(float(at), int(pid), what) for at, pid, what in lines]

    def written(self) -> list[int]:
        """Return the indices of all scripts that have written anything."""
        return [int(file.name) for file in self.diary.iterdir()]
