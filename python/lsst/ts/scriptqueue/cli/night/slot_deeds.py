# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator does in the second half of the night, with slots: unrelated scripts side by side.

While a long calibration runs and the telescope observes, two weather stations
are brought up, a slew waits for the mount, and a failure stops nobody else.
Read from `night_in_slots` downwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from ...sal.enums import State
from . import programme
from .deeds import COMMAND_S, NIGHT_S, Operator, add_all, check_outcomes, stands, wait_for_all
from .outcomes import Outcome
from .picture import Picture
from .programme import Planned

__all__ = ["night_in_slots"]


async def night_in_slots(operator: Operator) -> None:
    """Do all of it, in order.

    Raises
    ------
    AckError
        If a command is refused that should not be.
    NotSeenError
        If something does not come of a command that should.
    """
    await configure_slots(operator)
    indices = await add_while_paused(operator)
    await start_calibration_and_observing(operator, indices)
    await start_the_rest_beside_them(operator, indices)
    await see_what_waits_for_the_mount(operator, indices)
    await see_a_failure_pause_its_own_slot_only(operator, indices)
    await resume_failed_slot(operator, indices)
    await wait_for_all(operator)
    check_outcomes(operator, {index: planned.outcome for planned, index in indices.items()})
    check_slots(operator, indices)
    check_mount(operator, indices)


async def configure_slots(operator: Operator) -> None:
    """Take the queue to STANDBY and back to ENABLED with a configuration that has slots."""
    operator.watcher.says("configures the queue anew, with slots")
    queue = operator.queue
    await queue.cmd_disable.set_start(timeout=COMMAND_S)
    await queue.cmd_standby.set_start(timeout=COMMAND_S)
    await queue.cmd_start.set_start(configurationOverride="slots", timeout=COMMAND_S)
    await queue.cmd_enable.set_start(timeout=COMMAND_S)
    await operator.watcher.expect(
        f"the queue has the slots {', '.join(programme.SLOT_NAMES)}",
        lambda seen: (
            seen.state is State.ENABLED and tuple(slot.name for slot in seen.slots) == programme.SLOT_NAMES
        ),
    )


async def add_while_paused(operator: Operator) -> dict[Planned, int]:
    """Pause all slots, add the scripts, and wait until all could start."""
    operator.watcher.says("pauses all slots, so that the scripts start at a word")
    await operator.queue.cmd_pause.set_start(timeout=COMMAND_S)
    await operator.watcher.expect(
        "all slots are paused", lambda seen: not any(slot.is_running for slot in seen.slots)
    )
    indices = await add_all(operator, programme.SLOTS)
    ready = _all(indices.values(), Outcome.READY)
    await operator.watcher.expect(
        "all of them are ready, and it is known what they need",
        lambda seen: ready(seen) and all(seen.script(index).resources for index in indices.values()),
        NIGHT_S,
    )
    for planned, index in indices.items():
        script = operator.picture.script(index)
        operator.watcher.claim(
            f"{script.title} waits in {planned.runs_in} and needs {planned.needs}",
            (script.slot, script.resources) == (planned.runs_in, planned.needs),
        )
    return indices


async def start_calibration_and_observing(operator: Operator, indices: dict[Planned, int]) -> None:
    """Let two slots go on by their names."""
    calibration, observing = indices[programme.CALIBRATION], indices[programme.OBSERVING]
    operator.watcher.says("lets calibration and main go on")
    for name in ("calibration", "main"):
        await operator.queue.cmd_resume.set_start(slot=name, timeout=COMMAND_S)
    await operator.watcher.expect(
        f"{operator.title(calibration)} and {operator.title(observing)} run",
        _all((calibration, observing), Outcome.RUNNING),
    )


async def start_the_rest_beside_them(operator: Operator, indices: dict[Planned, int]) -> None:
    """Let all slots go on; the weather stations are brought up at once."""
    operator.watcher.says("lets all slots go on")
    await operator.queue.cmd_resume.set_start(timeout=COMMAND_S)
    stations = [indices[planned] for planned in programme.STATIONS]
    await operator.watcher.expect(
        f"{' and '.join(map(operator.title, stations))} start",
        lambda seen: all(seen.script(index).run_start_tai for index in stations),
    )
    calibration = operator.picture.script(indices[programme.CALIBRATION])
    starts = [operator.picture.script(index).run_start_tai for index in stations]
    operator.watcher.claim(
        f"they started {1000 * (max(starts) - min(starts)):.0f} ms apart, while {calibration.title} ran",
        all(_ran_at(operator.picture, calibration.index, start) for start in starts),
    )


async def see_what_waits_for_the_mount(operator: Operator, indices: dict[Planned, int]) -> None:
    """See why a slew does not start, although its slot has room."""
    slew, observing = indices[programme.SLEW_BY_HAND], indices[programme.OBSERVING]
    reason = f"MTMount is held by {observing} (main) since "
    await operator.watcher.expect(
        f"{operator.title(slew)} waits: {reason}...",
        lambda seen: any(told.startswith(reason) for told in seen.reasons(slew)),
    )


async def see_a_failure_pause_its_own_slot_only(operator: Operator, indices: dict[Planned, int]) -> None:
    """See that everybody else goes on."""
    mirror, following = indices[programme.MIRROR], indices[programme.FOLLOWING]
    title = operator.title(mirror)
    await operator.watcher.expect(f"{title} fails", stands(mirror, Outcome.FAILED), NIGHT_S)
    await operator.watcher.expect(
        f"slot engineering is paused, and {title} stays in it",
        lambda seen: not seen.slot("engineering").is_running and mirror in seen.slot("engineering").active,
    )
    operator.watcher.claim(
        f"the reason names it: {operator.picture.slot('engineering').pause_reason}",
        f"because {mirror} failed" in operator.picture.slot("engineering").pause_reason,
    )
    others = [slot for slot in operator.picture.slots if slot.name != "engineering"]
    operator.watcher.claim("no other slot is paused", all(slot.is_running for slot in others))
    await operator.watcher.expect(
        f"main goes on meanwhile: {operator.title(following)} runs",
        lambda seen: bool(seen.script(following).run_start_tai) and not seen.slot("engineering").is_running,
        NIGHT_S,
    )


async def resume_failed_slot(operator: Operator, indices: dict[Planned, int]) -> None:
    """Say that nothing but the name of the slot lets it go on, then give it."""
    mirror = indices[programme.MIRROR]
    operator.watcher.says("lets the queue go on, without a name")
    ack = await operator.queue.cmd_resume.set_start(timeout=COMMAND_S)
    operator.watcher.claim(
        f"a slot that a failure has paused stays so, and it is said: {ack.result}",
        ack.result.startswith("Done; still paused: slot engineering"),
    )
    operator.watcher.says("lets engineering go on")
    await operator.queue.cmd_resume.set_start(slot="engineering", timeout=COMMAND_S)
    await operator.watcher.expect(
        f"engineering goes on, and {operator.title(mirror)} is history",
        lambda seen: (
            seen.slot("engineering").is_running
            and mirror not in seen.slot("engineering").active
            and mirror in seen.past
        ),
    )


def check_slots(operator: Operator, indices: dict[Planned, int]) -> None:
    """Look at what ran beside what."""
    picture = operator.picture
    calibration = picture.script(indices[programme.CALIBRATION])
    for planned in (programme.OBSERVING, programme.MIRROR, *programme.STATIONS):
        script = picture.script(indices[planned])
        operator.watcher.claim(
            f"{script.title} ran beside {calibration.title}",
            script.slot == planned.runs_in
            and script.run_start_tai < calibration.ended_tai
            and calibration.run_start_tai < script.ended_tai,
        )


def check_mount(operator: Operator, indices: dict[Planned, int]) -> None:
    """Look at whether the mount was ever needed by two at once."""
    users = [programme.OBSERVING, programme.FOLLOWING, programme.SLEW_BY_HAND]
    scripts = sorted(
        (operator.picture.script(indices[planned]) for planned in users), key=lambda one: one.run_start_tai
    )
    operator.watcher.claim(
        f"{', '.join(script.title for script in scripts)} had the mount one after the other",
        all(one.ended_tai <= other.run_start_tai for one, other in itertools.pairwise(scripts)),
    )


def _all(indices: Iterable[int], outcome: Outcome) -> Callable[[Picture], bool]:
    asked = tuple(indices)
    return lambda seen: all(seen.script(index).outcome is outcome for index in asked)


def _ran_at(seen: Picture, index: int, at_tai: float) -> bool:
    script = seen.script(index)
    return script.run_start_tai <= at_tai and (not script.ended_tai or at_tai < script.ended_tai)
