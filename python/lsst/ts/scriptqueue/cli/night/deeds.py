# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator does in the first half of the night, one script at a time; and how it begins and ends.

Everything is done as any client does it: commands are sent with a remote's
``cmd_<name>.set_start(...)``, which returns the acknowledgement or raises, and
what comes of it is seen in events. Read from `serial_night` downwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...sal.enums import Location, State
from ...sal.errors import AckError
from ...sal.remote import Remote
from ..commanding.slots import Slot
from . import programme
from .outcomes import Outcome
from .picture import Picture
from .programme import Planned
from .watcher import Watcher

__all__ = [
    "COMMAND_S",
    "NIGHT_S",
    "Operator",
    "add_all",
    "check_outcomes",
    "enable",
    "send_offline",
    "serial_night",
    "stands",
    "wait_for_all",
]

#: Time limit of a command (seconds).
COMMAND_S = 20.0

#: Time limit for what only comes when other scripts have run (seconds).
NIGHT_S = 60.0

#: How long the operator looks at something (seconds).
_LOOK_S = 1.2


@dataclass(frozen=True, slots=True)
class Operator:
    """Who does it.

    Attributes
    ----------
    queue
        Remote of the queue.
    scripts
        Remote of all its scripts.
    watcher
        Who sees what comes of it.
    """

    queue: Remote
    scripts: Remote
    watcher: Watcher

    @property
    def picture(self) -> Picture:
        """What was seen so far."""
        return self.watcher.picture

    def title(self, index: int) -> str:
        """Return a script's index and name."""
        return self.picture.script(index).title


async def serial_night(operator: Operator) -> None:
    """Do all of it, in order, with a queue that is ENABLED.

    Raises
    ------
    AckError
        If a command is refused that should not be.
    NotSeenError
        If something does not come of a command that should.
    """
    indices = await add_all(operator, programme.NIGHT)
    await add_misspelt(operator)
    await move_before(operator, indices[programme.FLATS], indices[programme.BROKEN])
    copy = await requeue_when_done(operator, indices[programme.SLEW], before=indices[programme.PARK])
    await resume_paused_script(operator, indices[programme.IMAGES])
    await resume_after_failure(operator, indices[programme.BROKEN])
    await stop_running_script(operator, indices[programme.LONG])
    await wait_for_all(operator)
    outcomes = {index: planned.outcome for planned, index in indices.items()}
    check_outcomes(operator, outcomes | {copy: Outcome.DONE})


async def enable(operator: Operator) -> None:
    """Bring the queue from STANDBY to ENABLED."""
    await operator.watcher.expect("the queue starts in STANDBY", lambda seen: seen.state is State.STANDBY)
    operator.watcher.says("enables the queue")
    await operator.queue.cmd_start.set_start(timeout=COMMAND_S)
    await operator.queue.cmd_enable.set_start(timeout=COMMAND_S)
    await operator.watcher.expect("the queue is ENABLED", lambda seen: seen.state is State.ENABLED)


async def add_all(operator: Operator, plan: Sequence[Planned]) -> dict[Planned, int]:
    """Add scripts at the end of the queue; return their SAL indices."""
    operator.watcher.says(f"adds {len(plan)} scripts")
    indices = {}
    for planned in plan:
        ack = await operator.queue.cmd_add.set_start(
            isStandard=planned.is_standard,
            path=planned.path,
            config=planned.config,
            descr=planned.descr,
            location=Location.LAST,
            pauseCheckpoint=planned.pause_checkpoint,
            slot=planned.slot,
            resources=planned.resources,
            timeout=COMMAND_S,
        )
        # The result of an add is the index of the new script.
        indices[planned] = int(ack.result)
    return indices


async def add_misspelt(operator: Operator) -> None:
    """Try to add a script that is not there."""
    operator.watcher.says(f"adds {programme.MISSPELT}, which is misspelt")
    try:
        await operator.queue.cmd_add.set_start(
            isStandard=True, path=programme.MISSPELT, location=Location.LAST, timeout=COMMAND_S
        )
    except AckError as refused:
        operator.watcher.claim(f"a misspelt script is refused: {refused.ackcmd.result}", True)
    else:
        operator.watcher.claim("a misspelt script is refused", False)


async def move_before(operator: Operator, index: int, other: int) -> None:
    """Move a waiting script to right before another one."""
    title = operator.title(index)
    operator.watcher.says(f"moves {title} before {operator.title(other)}")
    await operator.queue.cmd_move.set_start(
        scriptSalIndex=index, location=Location.BEFORE, locationSalIndex=other, timeout=COMMAND_S
    )
    await operator.watcher.expect(
        f"{title} waits right before {operator.title(other)}", _neighbours(index, other)
    )


async def requeue_when_done(operator: Operator, index: int, before: int) -> int:
    """Queue a script again once it is done; return the index of its copy."""
    title = operator.title(index)
    operator.watcher.says(f"waits for {title}, which is to be done twice")
    await operator.watcher.expect(f"{title} is done", stands(index, Outcome.DONE), NIGHT_S)
    operator.watcher.says(f"queues {title} again")
    ack = await operator.queue.cmd_requeue.set_start(
        scriptSalIndex=index, location=Location.BEFORE, locationSalIndex=before, timeout=COMMAND_S
    )
    copy = int(ack.result)
    await operator.watcher.expect(
        f"its copy {copy} waits right before {operator.title(before)}", _neighbours(copy, before)
    )
    return copy


async def resume_paused_script(operator: Operator, index: int) -> None:
    """Let a script go on that was added to pause at a checkpoint."""
    title = operator.title(index)
    operator.watcher.says(f"waits for {title}, which is to pause at a checkpoint")
    await operator.watcher.expect(f"{title} pauses", stands(index, Outcome.PAUSED), NIGHT_S)
    operator.watcher.says(f"looks at what {title} has done so far")
    await asyncio.sleep(_LOOK_S)
    operator.watcher.says(f"lets {title} go on")
    await operator.scripts.cmd_resume.set_start(salIndex=index, timeout=COMMAND_S)
    await operator.watcher.expect(f"{title} is done", stands(index, Outcome.DONE))


async def resume_after_failure(operator: Operator, index: int) -> None:
    """Let the queue go on after a script has failed."""
    title = operator.title(index)
    operator.watcher.says(f"waits for {title}, which is to fail")
    await operator.watcher.expect(f"{title} fails", stands(index, Outcome.FAILED), NIGHT_S)
    await operator.watcher.expect(
        f"the queue is paused, and {title} stays where it was",
        lambda seen: not seen.running and seen.current == index,
    )
    operator.watcher.says(f"looks at why {title} has failed")
    await asyncio.sleep(_LOOK_S)
    operator.watcher.claim("nothing was started meanwhile", operator.picture.current == index)
    operator.watcher.says("lets the queue go on")
    await operator.queue.cmd_resume.set_start(timeout=COMMAND_S)
    await operator.watcher.expect(
        f"the queue goes on, and {title} is history", lambda seen: seen.running and index in seen.past
    )


async def stop_running_script(operator: Operator, index: int) -> None:
    """Stop a script while it runs; it may clean up, and the queue goes on."""
    title = operator.title(index)
    operator.watcher.says(f"waits for {title}, which takes too long")
    await operator.watcher.expect(
        f"{title} has passed two checkpoints",
        lambda seen: seen.script(index).checkpoints_passed > 1,
        NIGHT_S,
    )
    operator.watcher.says(f"stops {title}")
    await operator.queue.cmd_stopScripts.set_start(
        length=1, salIndices=[index] + [0] * 399, terminate=False, timeout=COMMAND_S
    )
    await operator.watcher.expect(
        f"{title} is stopped, and the queue is not paused",
        lambda seen: stands(index, Outcome.STOPPED)(seen) and index in seen.past and seen.running,
    )


async def wait_for_all(operator: Operator) -> None:
    """Wait until nothing runs and nothing waits."""
    operator.watcher.says("waits for what is left")

    def all_over(seen: Picture) -> bool:
        # Of several topics, the queue's own may tell the end first.
        ended = all(script.outcome.final for script in seen.scripts)
        return ended and not seen.current and not seen.waiting and not any(map(_scripts_in, seen.slots))

    await operator.watcher.expect("the queue is empty, and all scripts have ended", all_over, NIGHT_S)


def check_outcomes(operator: Operator, outcomes: dict[int, Outcome]) -> None:
    """Compare what has become of each script with what should have."""
    for index, expected in sorted(outcomes.items()):
        script = operator.picture.script(index)
        if script.outcome is expected:
            operator.watcher.claim(f"{script.title} is {expected.value}", True)
        else:
            claim = f"{script.title} is to be {expected.value}; it is {script.outcome.value}"
            operator.watcher.claim(claim, False)
    ids = [script.group_id for script in operator.picture.scripts if script.run_start_tai]
    operator.watcher.claim("each script that ran had a group id of its own", len(set(ids) - {""}) == len(ids))


async def send_offline(operator: Operator) -> None:
    """Bring the queue from ENABLED to OFFLINE, where its process ends."""
    operator.watcher.says("sends the queue to OFFLINE")
    await operator.queue.cmd_disable.set_start(timeout=COMMAND_S)
    await operator.queue.cmd_standby.set_start(timeout=COMMAND_S)
    await operator.queue.cmd_exitControl.set_start(timeout=COMMAND_S)
    await operator.watcher.expect("the queue is OFFLINE", lambda seen: seen.state is State.OFFLINE)


def _scripts_in(slot: Slot) -> tuple[int, ...]:
    return (*slot.active, *slot.waiting)


def stands(index: int, outcome: Outcome) -> Callable[[Picture], bool]:
    """Return whether a script stands so, as a condition."""
    return lambda seen: seen.script(index).outcome is outcome


def _neighbours(index: int, other: int) -> Callable[[Picture], bool]:
    return lambda seen: (index, other) in zip(seen.waiting, seen.waiting[1:], strict=False)
