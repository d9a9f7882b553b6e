# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of a launcher's scripts, kept within its limits from the start of the service on.

All work on files is done in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Collection

from .output import OutputFolder, OutputLimits, tail

__all__ = ["ScriptOutput"]

logger = logging.getLogger(__name__)


class ScriptOutput:
    """Keeps the output files of a launcher within their limits.

    Parameters
    ----------
    state_dir
        Where the service keeps its state; output goes to a folder in it.
    limits
        How much output is kept.
    writing
        Gives the files that children write to.

    Attributes
    ----------
    folder
        The files.
    """

    def __init__(
        self,
        state_dir: str | os.PathLike[str],
        limits: OutputLimits,
        writing: Callable[[], Collection[str]],
    ) -> None:
        self.folder = OutputFolder(state_dir, limits)
        self._limits = limits
        self._writing = writing
        self._launches = 0
        self._closing = asyncio.Event()
        self._housekeeper: asyncio.Task[None] | None = None

    def note_launch(self) -> None:
        """Take note of a launch."""
        self._launches += 1
        self.begin()

    def begin(self) -> None:
        """Begin the work, if that has not been done; old files are removed first, and then once a day."""
        if self._housekeeper is None:
            self._housekeeper = asyncio.get_running_loop().create_task(
                self._keep_house(), name="script output"
            )

    async def last_words(self, path: str) -> str:
        """Bound the output of a child that has gone, and return its last lines."""
        return await asyncio.to_thread(self._last_words, path)

    async def aclose(self) -> None:
        """End the work."""
        self._closing.set()
        if self._housekeeper is not None:
            await asyncio.wait({self._housekeeper})

    def _last_words(self, path: str) -> str:
        try:
            self.folder.bound([path])
            return tail(path)
        except OSError as error:
            logger.warning("output %s cannot be read: %s", path, error)
            return f"its output {path} cannot be read: {error.strerror}"

    async def _keep_house(self) -> None:
        loop = asyncio.get_running_loop()
        swept_at, swept_s = -self._limits.sweep_launches, loop.time()
        complaint = ""
        while not self._closing.is_set():
            in_use = list(self._writing())
            launches, elapsed_s = self._launches - swept_at, loop.time() - swept_s
            sweep = launches >= self._limits.sweep_launches or elapsed_s >= self._limits.sweep_s
            if sweep:
                swept_at, swept_s = self._launches, loop.time()
            try:
                if in_use:
                    await asyncio.to_thread(self.folder.bound, in_use)
                if sweep:
                    await asyncio.to_thread(self.folder.remove_old, in_use)
            except OSError as error:
                if complaint != (complaint := str(error)):
                    logger.warning("script output is not kept within its limits: %s", error)
            else:
                complaint = ""
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.check_s):
                    await self._closing.wait()
