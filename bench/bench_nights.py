# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What slots bring: a night of 500 scripts, with 1, 2, 4 and 8 slots.

The scripts have the names of those that are deployed, and need what the
packaged example for the observatory says; the mix is made up. They are added
in one order, in which all kinds are mixed, as many at a time as a queue
takes. A whole queue runs them, on the memory bus with a clock that jumps;
loading and configuring take no time.

The bound is what no order in any number of slots can beat: what must be done
one after another, because it needs the same thing, and what must run alone.
(The longest script, if that is more.) With ``--known`` the two scripts that
nobody knows, and which run alone, are left out.

    .venv/bin/python bench/bench_nights.py [--seed 1] [--known]
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from in_memory import FIRST_INDEX, Job, Night, a_night

from lsst.ts.scriptqueue.sal import ScriptState
from lsst.ts.scriptqueue.testing import run

EXAMPLE = Path(__file__).parents[1] / "schema" / "examples" / "observatory" / "_init.yaml"

#: As many wait or run at a time as a queue takes, with room for some more.
MOST_LIVE = 390
BAR = 50

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of script.

    Attributes
    ----------
    name
        Which.
    share
        How often it comes, of 1000.
    library, path
        The script.
    run_s
        The shortest and the longest run time (seconds).
    config
        Its configuration, in YAML; ``{}`` is a number.
    """

    name: str
    share: int
    library: str
    path: str
    run_s: tuple[float, float]
    config: str = ""


KINDS: Sequence[Kind] = (
    Kind("slew", 150, "standard", "maintel/track_target.py", (20, 60)),
    Kind("image", 300, "standard", "maintel/take_image_lsstcam.py", (35, 300)),
    Kind("auxiliary", 170, "standard", "auxtel/track_target_and_take_image.py", (40, 200)),
    Kind("auxiliary", 30, "standard", "auxtel/latiss_take_sequence.py", (120, 600)),
    Kind("calibration", 6, "standard", "maintel/calibration/power_on_tunablelaser.py", (600, 5400)),
    Kind("calibration", 6, "external", "main/laser_coordination.py", (600, 3600)),
    Kind("auxiliary calibration", 10, "standard", "auxtel/calibrations/power_on_atcalsys.py", (300, 1800)),
    Kind("state", 188, "standard", "set_summary_state.py", (2, 15), 'data: [["ESS:{}", "ENABLED"]]'),
    Kind("command", 100, "standard", "run_command.py", (1, 5), "component: GenericCamera:{}"),
    Kind("alarm", 36, "standard", "mute_alarms.py", (1, 3)),
    Kind("unknown", 4, "external", "somebody/new.py", (10, 60)),
)

#: How many slots there are to where each kind goes; to main if it is not named.
HOMES: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    1: {},
    2: dict.fromkeys(
        ("auxiliary", "calibration", "auxiliary calibration", "state", "command", "alarm"), ("beside",)
    ),
    4: {
        "auxiliary": ("auxiliary",),
        "auxiliary calibration": ("auxiliary",),
        "calibration": ("calibration",),
        **dict.fromkeys(("state", "command", "alarm"), ("utility",)),
    },
    8: {
        "auxiliary": ("auxiliary",),
        "calibration": ("calibration", "calibration2"),
        "auxiliary calibration": ("auxiliary_calibration",),
        **dict.fromkeys(("state", "command", "alarm"), ("utility", "utility2", "utility3")),
    },
}


def jobs(seed: int, scripts: int, homes: Mapping[str, tuple[str, ...]]) -> list[Job]:
    """Return a night in the order in which it is added; the same with any slots."""
    chance = random.Random(seed)
    kinds = [kind for kind in KINDS for _ in range(round(kind.share * scripts / 1000))]
    chance.shuffle(kinds)
    return [
        Job(
            kind.library,
            kind.path,
            round(chance.uniform(*kind.run_s), 1),
            slot=(slots := homes.get(kind.name, ("main",)))[number % len(slots)],
            config=kind.config.format(chance.randrange(1, 40)),
        )
        for number, kind in enumerate(kinds)
    ]


def configuration(homes: Mapping[str, tuple[str, ...]]) -> str:
    """Return the example of the observatory with other slots."""
    text: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    names = ["main", *dict.fromkeys(name for slots in homes.values() for name in slots)]
    text["slots"] = [
        {"name": name, "order": "eager" if name.startswith("utility") else "ordered"} for name in names
    ]
    for rule in text["rules"]:
        if rule.get("slot") not in names:
            rule.pop("slot", None)
    return yaml.safe_dump(text)


async def pass_night(
    todo: Sequence[Job], configured: str, folder: Path
) -> tuple[float, list[Collection[str]]]:
    """Let a night pass; how long it took (seconds), and what each of its scripts needed."""
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "_init.yaml").write_text(configured)
    async with a_night(todo, folder / "config", folder, keeps=True) as night:
        taken_s = await night.go(len(todo), MOST_LIVE)
    return taken_s, _needs(night, len(todo))


def bound(todo: Sequence[Job], needs: Sequence[Collection[str]]) -> float:
    """Return what no order can beat (seconds)."""
    busy: dict[str, float] = defaultdict(float)
    alone = 0.0
    for job, names in zip(todo, needs, strict=True):
        if EVERYTHING in names:
            alone += job.run_s
            continue
        for name in names:
            busy[name] += job.run_s
    return alone + max(*busy.values(), *(job.run_s for job in todo))


def _needs(night: Night, scripts: int) -> list[Collection[str]]:
    assert all(data.scriptState == ScriptState.DONE for data in night.shown.values())
    return [
        [name for name in night.shown[FIRST_INDEX + number].resources.split(",") if name]
        for number in range(scripts)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="which night")
    parser.add_argument("--scripts", type=int, default=500, help="of how many scripts")
    parser.add_argument("--slots", type=int, nargs="+", choices=HOMES, default=list(HOMES))
    parser.add_argument("--known", action="store_true", help="leave out the scripts that nobody knows")
    options = parser.parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory(prefix="scriptqueue-bench-") as folder:
        for slots in options.slots:
            homes = HOMES[slots]
            began = time.process_time()
            todo = jobs(options.seed, options.scripts, homes)
            if options.known:
                todo = [job for job in todo if "somebody" not in job.path]
            taken_s, needs = run(pass_night(todo, configuration(homes), Path(folder) / str(slots)))
            cpu_s = time.process_time() - began
            serial_s, least_s = sum(job.run_s for job in todo), bound(todo, needs)
            if slots == options.slots[0]:
                print(f"{len(todo)} scripts, run time in all {serial_s / 3600:.2f} h")
                print(f"bound    {_line(least_s, least_s, serial_s)}")
            print(
                f"{slots} slot{'s' if slots > 1 else ' '}  {_line(taken_s, least_s, serial_s)}"
                f"  {cpu_s:.0f} s of CPU"
            )
    return 0


def _line(taken_s: float, least_s: float, longest_s: float) -> str:
    bar = "#" * round(BAR * taken_s / longest_s)
    return f"{taken_s / 3600:6.2f} h {taken_s / least_s:6.2f}  {bar:{BAR}}"


if __name__ == "__main__":
    sys.exit(main())
