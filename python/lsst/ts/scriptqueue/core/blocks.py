# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executions of observing blocks, and the indices reserved for them.

An execution is opened by the `add` of its first script, once its id is known,
and reserves as many consecutive SAL indices as it has scripts. Later scripts
join the latest execution of that name in order. What an execution that never
fills up has reserved counts as free again when all its scripts have ended, or
when a later execution of that name has closed it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .commands import AddScript
from .events import CommandGiven
from .limits import MAX_LISTED
from .refusals import Refused
from .scripts import Membership

__all__ = ["Blocks", "Execution", "Opening", "check_block"]

_NAME = re.compile(r"BLOCK-T?[0-9]+")


def check_block(wish: AddScript) -> None:
    """Raise `Refused` if the block fields of an `add` make no sense."""
    if not _NAME.fullmatch(wish.block):
        raise Refused(
            f"block {wish.block!r} is not a block name; it must be BLOCK-<number> or BLOCK-T<number>"
        )
    if wish.start_block and not 1 <= wish.block_size <= MAX_LISTED:
        raise Refused(f"blockSize must be 1 to {MAX_LISTED} to start a block, not {wish.block_size}")


@dataclass(slots=True)
class Execution:
    """One execution of a block.

    Attributes
    ----------
    number
        Request number of its opening: a later one is larger.
    block
        Name of the block.
    block_id
        Id of this execution.
    size
        How many scripts it has.
    first_index
        First of its reserved indices.
    slot
        Name of the slot its scripts run in.
    added
        How many have been added.
    closed
        Why no more can be added; "" if they can.
    """

    number: int
    block: str
    block_id: str
    size: int
    first_index: int
    slot: str
    added: int = 0
    closed: str = ""

    def next_member(self) -> tuple[int, Membership]:
        """The index and membership of its next script, or raise `Refused`."""
        if self.closed:
            raise Refused(f"{self.closed}; open a new execution of {self.block} with startBlock true")
        if self.added >= self.size:
            raise Refused(
                f"{self.block_id} is full: it has its {self.size} scripts; "
                f"open a new execution of {self.block} with startBlock true"
            )
        return self.first_index + self.added, Membership(self.block_id, self.added, self.size)


@dataclass(slots=True)
class Opening:
    """An execution whose id has been asked for.

    Attributes
    ----------
    number
        Request number of the question for its id.
    first, wish
        The `add` that opens it.
    joining
        Those that want to join it, in order.
    """

    number: int
    first: CommandGiven
    wish: AddScript
    joining: list[tuple[CommandGiven, AddScript]] = field(default_factory=list)


class Blocks:
    """The executions that are open, and those about to be.

    Parameters
    ----------
    has_live_member
        Tells whether the execution of that id has a script of that index that
        has not ended yet. (The index alone may be another script's by now.)

    Attributes
    ----------
    executions
        The latest execution of each block, by name of the block.
    failures
        Id of each execution of which a script has failed, to its index and slot.
    openings
        Executions whose id has been asked for, by request number.
    """

    def __init__(self, has_live_member: Callable[[str, int], bool]) -> None:
        self._has_live_member = has_live_member
        self.executions: dict[str, Execution] = {}
        self.failures: dict[str, tuple[int, str]] = {}
        self.openings: dict[int, Opening] = {}

    def opening_of(self, block: str) -> Opening | None:
        """The latest opening of that block that is under way."""
        found = [opening for opening in self.openings.values() if opening.wish.block == block]
        return found[-1] if found else None

    def open(self, execution: Execution) -> None:
        """Open an execution; one of the same name is closed to new scripts.

        The ids of two executions may come in either order; the one that was
        asked for later stays open.
        """
        other = self.executions.get(execution.block)
        if other is None or other.number < execution.number:
            self.executions[execution.block] = execution

    def execution_of(self, block: str) -> Execution:
        """The execution that a script of that block joins, or raise `Refused`."""
        execution = self.executions.get(block)
        if execution is None:
            raise Refused(
                f"no execution of {block} is open; its first script must be added with startBlock true"
            )
        return execution

    def note_failure(self, block_id: str, index: int, slot: str) -> None:
        """Remember that a script of an execution has failed, in a slot."""
        self.failures.setdefault(block_id, (index, slot))

    def take_failures(self, slot: str) -> dict[str, str]:
        """Close the executions of which a script has failed in a slot: id to why."""
        taken = {
            block_id: f"{block_id} was ended because {index} failed"
            for block_id, (index, where) in self.failures.items()
            if where == slot
        }
        for block_id in taken:
            del self.failures[block_id]
        for execution in self.executions.values():
            execution.closed = taken.get(execution.block_id, execution.closed)
        return taken

    def reserves(self, index: int, besides: Execution | None = None) -> bool:
        """Is this index kept for a script of an execution still to come?"""
        return any(
            execution is not besides
            and execution.first_index + execution.added <= index < execution.first_index + execution.size
            and self._lives(execution)
            for execution in self.executions.values()
        )

    def _lives(self, execution: Execution) -> bool:
        return any(
            self._has_live_member(execution.block_id, execution.first_index + position)
            for position in range(execution.added)
        )
