# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Staying in contact with the keeper: one that is lost is replaced as long as it is needed."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .contract import LaunchError
from .keeper_link import KeeperLink, open_link, start_keeper

__all__ = ["KeeperContact"]

logger = logging.getLogger(__name__)

#: The pause after a keeper that is needed could not be had, in seconds.
_RETRY_S = 5.0


class KeeperContact:
    """Has a connection to the keeper of a state directory, from when one is first asked for.

    Parameters
    ----------
    state_dir
        The state directory; made if it does not exist.
    hello
        What is said first on each connection.
    connected
        Told of each new connection, with the children that the keeper has,
        before anybody else gets it.
    heard
        Told of what the keeper says unasked.
    is_needed
        Says whether a keeper that is lost must be replaced at once.
    """

    def __init__(
        self,
        state_dir: str,
        hello: Mapping[str, object],
        connected: Callable[[KeeperLink, Iterable[Mapping[str, Any]]], None],
        heard: Callable[[Mapping[str, Any]], None],
        is_needed: Callable[[], bool],
    ) -> None:
        self._state_dir = state_dir
        self._hello = hello
        self._tell_connected = connected
        self._heard = heard
        self._is_needed = is_needed
        self._link: asyncio.Future[KeeperLink] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._staying: asyncio.Task[None] | None = None

    @property
    def link(self) -> KeeperLink | None:
        """The connection, if there is one."""
        link = self._link
        if link is None or not link.done() or link.exception() is not None:
            return None
        return link.result() if link.result().is_open else None

    def begin(self) -> None:
        """Begin to start a keeper, if there is none; nothing is heard of it before it is asked for."""
        self._starting = asyncio.create_task(start_keeper(self._state_dir), name="start of the keeper")

    async def connected(self) -> KeeperLink:
        """Return the connection, when there is one.

        Raises
        ------
        LaunchError
            If no keeper can be had.
        """
        while self.link is None:
            if self._staying is None or self._staying.done():
                self._link = asyncio.get_running_loop().create_future()
                self._staying = asyncio.get_running_loop().create_task(
                    self._stay(), name="contact with the keeper"
                )
            if self._link is not None:
                await asyncio.shield(self._link)
            # If it is lost already, the task that has to know will know in a moment.
            await asyncio.sleep(0)
        return self.link

    async def aclose(self) -> None:
        """Close the connection; the keeper is left as it is."""
        if self._starting is not None:
            await asyncio.wait({self._starting})
        if self._staying is not None:
            self._staying.cancel()
            await asyncio.wait({self._staying})

    async def _stay(self) -> None:
        try:
            while await self._stay_once():
                pass
        finally:
            self._fail(LaunchError("the launcher is closed: nothing is started any more"))

    async def _stay_once(self) -> bool:
        """Stay connected until the keeper is lost; returns whether to connect again."""
        try:
            link = await self._connect()
        except LaunchError as error:
            self._fail(error)
            if not self._is_needed():
                return False
            logger.error("scripts run, but are not watched: %s", error)
            self._link = asyncio.get_running_loop().create_future()
            await asyncio.sleep(_RETRY_S)
            return True
        try:
            await asyncio.wait({link.lost})
        finally:
            self._link = None
            await link.aclose()
        if not self._is_needed():
            return False
        logger.error("the keeper is lost; its scripts are given to another one")
        self._link = asyncio.get_running_loop().create_future()
        return True

    async def _connect(self) -> KeeperLink:
        try:
            await asyncio.to_thread(os.makedirs, self._state_dir, exist_ok=True)
        except OSError as error:
            raise LaunchError(f"no keeper can be had in {self._state_dir}: {error.strerror}") from error
        if self._starting is not None:
            await asyncio.wait({self._starting})
        link, answer = await open_link(self._state_dir, self._heard, **self._hello)
        self._tell_connected(link, answer["children"])
        assert self._link is not None
        self._link.set_result(link)
        return link

    def _fail(self, error: LaunchError) -> None:
        if self._link is not None and not self._link.done():
            self._link.set_exception(error)
            # It is raised for all who wait; there may be nobody.
            self._link.exception()
