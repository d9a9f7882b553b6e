# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the night is shown while it goes on: as a screen, or line by line.

Both show the same picture. The screen is drawn at a steady, slow rate, so that
it stays calm whatever happens; the lines come as things happen.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live

from ...sal.clock import Clock
from .looks import happening_line
from .picture import Happening, Picture
from .screen import SMALLEST, draw

__all__ = ["LineView", "ScreenView", "View", "view"]

#: Seconds from one drawing of the screen to the next.
_FRAME_S = 0.15


class View(Protocol):
    """Shows a night while its context is open."""

    def tell(self, happening: Happening) -> None:
        """Show something that happened."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class LineView:
    """A line for each happening.

    Parameters
    ----------
    console
        Where to print.
    picture
        What is shown.
    """

    def __init__(self, console: Console, picture: Picture) -> None:
        self._console = console
        self._picture = picture

    def tell(self, happening: Happening) -> None:
        """Print a line. Nothing is cut off: it may be read by a program."""
        line = happening_line(happening, self._picture.start_tai)
        self._console.print(line, soft_wrap=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None


class ScreenView:
    """The whole terminal, drawn again and again.

    Parameters
    ----------
    console
        Where to draw.
    picture
        What is shown.
    clock
        Where time comes from.
    """

    def __init__(self, console: Console, picture: Picture, clock: Clock) -> None:
        self._console = console
        self._picture = picture
        self._clock = clock
        self._live = Live(console=console, screen=True, auto_refresh=False, redirect_stderr=False)
        self._drawing: asyncio.Task[None] | None = None

    def tell(self, happening: Happening) -> None:
        """Do nothing: the next frame shows it."""

    async def __aenter__(self) -> Self:
        self._live.start()
        self._drawing = asyncio.create_task(self._draw_on(), name="screen")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._drawing is not None, "the view was not entered"
        self._drawing.cancel()
        try:
            await asyncio.wait([self._drawing])
        finally:
            self._live.stop()

    async def _draw_on(self) -> None:
        while True:
            width, height = self._console.size
            frame = draw(self._picture, self._clock.tai(), width, height)
            self._live.update(frame, refresh=True)
            await asyncio.sleep(_FRAME_S)


def view(console: Console, picture: Picture, clock: Clock, *, lines: bool) -> View:
    """Choose how to show the night.

    Parameters
    ----------
    console
        Where to show it.
    picture
        What is shown.
    clock
        Where time comes from.
    lines
        Lines in any case? They are also chosen where a screen is not possible.
    """
    width, height = console.size
    fits = width >= SMALLEST[0] and height >= SMALLEST[1]
    if lines or not console.is_terminal or console.is_dumb_terminal or not fits:
        return LineView(console, picture)
    return ScreenView(console, picture, clock)
