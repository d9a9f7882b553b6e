# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge between the queue and whoever gives ids to executions of blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..core.effects import Effect, RequestBlockId
from ..core.events import BlockIdFailed, BlockIdGiven
from ..runtime import Runtime
from .block_ids import BlockIdError, BlockIds

__all__ = ["BlockNaming"]


class BlockNaming:
    """Has an execution of a block named.

    Parameters
    ----------
    runtime
        Who owns the questions that are under way, and where answers go.
    block_ids
        Who gives the ids.
    """

    def __init__(self, runtime: Runtime, block_ids: BlockIds) -> None:
        self._runtime = runtime
        self._block_ids = block_ids

    @property
    def effects(self) -> Mapping[type[Effect], Callable[..., None]]:
        """What this edge carries out."""
        return {RequestBlockId: lambda effect: self._runtime.spawn(self._ask(effect))}

    async def _ask(self, effect: RequestBlockId) -> None:
        try:
            block_id = await self._block_ids.give(effect.block)
        except BlockIdError as error:
            self._runtime.post(BlockIdFailed(self._runtime.now(), effect.request, str(error)))
        else:
            self._runtime.post(BlockIdGiven(self._runtime.now(), effect.request, block_id))
