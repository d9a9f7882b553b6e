# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executions of blocks as clients have asked for them, and what must be so of them in the end."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Execution", "misfits"]


@dataclass
class Execution:
    """An execution of a block.

    Attributes
    ----------
    block
        Name of the block.
    slot
        Where it runs.
    size
        How many scripts it has.
    names
        The names of its scripts, in order; those that were refused left out.
    is_doubtful
        Was an add to it not answered? Then the last name may stand for nothing.
    is_shuffled
        May scripts of it have been moved?
    """

    block: str
    slot: str
    size: int
    names: list[str] = field(default_factory=list)
    is_doubtful: bool = False
    is_shuffled: bool = False


def misfits(
    executions: Sequence[Execution], rows: Sequence[Mapping[str, Any]], began: Mapping[int, float]
) -> Iterator[str]:
    """Say what is wrong with blocks.

    Parameters
    ----------
    executions
        What was asked for.
    rows
        The history of all scripts, as ``history --json`` tells it.
    began
        When scripts began to run (UTC, unix seconds), by index.
    """
    known = {json.loads(row["config"])["name"]: row for row in rows if row["blockId"]}
    opened: dict[str, list[str]] = collections.defaultdict(list)
    for execution in executions:
        members = [(place, known.pop(name)) for place, name in enumerate(execution.names) if name in known]
        what = f"{execution.block} in {execution.slot} ({', '.join(execution.names)})"
        for block_id in {row["blockId"] for _, row in members}:
            opened[block_id].append(what)
        if len({row["blockId"] for _, row in members}) > 1:
            yield f"{what} has several ids: {[row['blockId'] for _, row in members]}"
        if len({row["salIndex"] - place for place, row in members}) > 1:
            yield f"{what} has indices with gaps, or not in order: {[row['salIndex'] for _, row in members]}"
        for place, row in members:
            told = (row["slot"], row["scriptBlockIndex"], row["blockSize"])
            if told != (execution.slot, place, execution.size):
                wanted = (execution.slot, place, execution.size)
                yield f"script {row['salIndex']} of {what} has slot, position and size {told}, not {wanted}"
        if not execution.is_shuffled:
            ran = [row["salIndex"] for _, row in members if row["salIndex"] in began]
            if ran != sorted(ran, key=began.__getitem__):
                yield f"{what} ran in the order {sorted(ran, key=began.__getitem__)}, but was {ran}"
    for block_id, several in opened.items():
        if len(several) > 1:
            yield f"{block_id} is the id of {' and of '.join(several)}"
    for row in known.values():
        yield f"script {row['salIndex']} belongs to {row['blockId']}, but it was to belong to no block"
