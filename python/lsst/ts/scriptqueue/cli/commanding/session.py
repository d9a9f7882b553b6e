# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session: lines typed or read, carried out one after the other over one connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from .arguments import HelpWanted, Order, UsageError, help_on, parse_order
from .client import Client
from .dispatch import carry_out
from .feed import Event
from .forms import Local
from .kinds import Loudness
from .news import News
from .outcomes import Exit
from .reports import Report, report
from .wording import event_as_json, event_line
from .words import LineError, split_line

__all__ = ["Session"]


class Session:
    """Carries out lines.

    Parameters
    ----------
    client
        The connection, open.
    out, err
        Print a line of results, or of what went wrong.
    loudness
        Which events are shown.
    given
        Values of options that are meant in every line.

    Attributes
    ----------
    loudness
        Which events are shown now.
    has_ended
        Was the end asked for?
    """

    def __init__(
        self,
        client: Client,
        out: Callable[[str], None],
        err: Callable[[str], None],
        *,
        loudness: Loudness = Loudness.NONE,
        given: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.client = client
        self.has_ended = False
        self._out = out
        self._err = err
        self.loudness = loudness
        self._given = given
        self._news = News(client.feed.board)

    @contextlib.contextmanager
    def showing_events(self) -> Iterator[None]:
        """Show events from now on."""
        with self.client.feed.telling(self._event):
            yield

    async def run(self, lines: AsyncIterable[str]) -> Exit:
        """Carry out lines until they end; return the first exit status that is not 0, or 0."""
        worst = Exit.COMPLETE
        async for line in lines:
            status = await self.run_line(line)
            if worst is Exit.COMPLETE:
                worst = status
            if self.has_ended:
                break
        return worst

    async def run_line(self, line: str) -> Exit:
        """Carry out a line; an empty one and one that begins with # are nothing."""
        if line.lstrip().startswith("#"):
            return Exit.COMPLETE
        try:
            words = split_line(line)
            if not words:
                return Exit.COMPLETE
            order = parse_order(words, interactive=True, given=self._given)
        except HelpWanted as wanted:
            self._out(str(wanted))
            return Exit.COMPLETE
        except (LineError, UsageError) as error:
            self._err(str(error))
            return Exit.USAGE
        if order.form.command is Local.EXPLAIN:
            return await self._explain(order)
        if order.form.command is Local.HISTORY:
            return await self._history(order)
        if isinstance(order.form.command, Local):
            return self._run_local(order.form.command, order)
        outcome = await carry_out(self.client, order, self._err)
        self._print(report(outcome, self.client.feed.board))
        return outcome.exit

    async def _explain(self, order: Order) -> Exit:
        # Not cheap to import, and only needed here.
        from .explaining import explanation

        status, text = await asyncio.to_thread(explanation, order, self.client.feed.board)
        self._print(text)
        return status

    async def _history(self, order: Order) -> Exit:
        # Not cheap to import, and only needed here.
        from .past import history

        clock = self.client.domain.clock
        status, text = await asyncio.to_thread(history, order, self.client.index, clock)
        self._print(text)
        return status

    def _print(self, text: Report) -> None:
        for line in text.out:
            self._out(line)
        for line in text.err:
            self._err(line)

    def _run_local(self, command: Local, order: Order) -> Exit:
        match command:
            case Local.QUIT:
                self.has_ended = True
            case Local.EVENTS:
                self.loudness = order.values["which"]
            case _:
                return self._help(order.values.get("about", []))
        return Exit.COMPLETE

    def _help(self, about: list[str]) -> Exit:
        try:
            self._out(help_on(about, interactive=True))
        except UsageError as error:
            self._err(str(error))
            return Exit.USAGE
        return Exit.COMPLETE

    def _event(self, event: Event) -> None:
        # Asked of every event, so that nothing counts as new that passed while nothing was shown.
        is_news = self._news.is_news(event)
        if self.loudness is Loudness.NONE or (self.loudness is Loudness.BRIEF and not is_news):
            return
        if self._given.get("json"):
            self._out(event_as_json(event))
        else:
            board = self.client.feed.board
            self._out(event_line(event, self.client.domain.clock, has_slots=board.has_slots))
