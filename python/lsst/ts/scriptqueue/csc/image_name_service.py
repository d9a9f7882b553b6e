# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observatory's image name service, which gives ids to block executions."""

from __future__ import annotations

import asyncio

import aiohttp

from .block_ids import BlockIdError, source_and_number

__all__ = ["ImageNameService"]

_PATH = "/ImageUtilities/rest/imageNameService"

#: Wait between two tries (seconds).
_RETRY_S = 0.5


class ImageNameService:
    """Asks the image name service.

    Parameters
    ----------
    url
        Address of the server, such as ``http://host:port``.
    limit_s
        How long to try, in seconds: clients wait 10 s for an ``add``.
    try_s
        How long one try may take, in seconds.
    """

    def __init__(self, url: str, limit_s: float = 8.0, try_s: float = 3.0) -> None:
        self._url = url.rstrip("/") + _PATH
        self._limit_s = limit_s
        self._try_s = try_s

    async def give(self, block: str) -> str:
        source, number = source_and_number(block)
        last = "no answer"
        try:
            async with (
                asyncio.timeout(self._limit_s),
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._try_s)) as session,
            ):
                while True:
                    try:
                        return await self._ask(session, source, number)
                    except (aiohttp.ClientError, TimeoutError, BlockIdError) as error:
                        last = str(error) or type(error).__name__
                    await asyncio.sleep(_RETRY_S)
        except TimeoutError:
            raise BlockIdError(
                f"the image name service at {self._url} gave no id for {block} within {self._limit_s:g} s: "
                f"{last}; try again, or add the script without a block"
            ) from None

    async def _ask(self, session: aiohttp.ClientSession, source: str, number: str) -> str:
        query = {"n": "1", "sourceIndex": number, "source": source}
        async with session.get(self._url, params=query) as response:
            response.raise_for_status()
            answer = await response.json(content_type=None)
        if not (isinstance(answer, list) and len(answer) == 1 and isinstance(answer[0], str)):
            raise BlockIdError(f"it answered {answer!r:.200} instead of a list of one id")
        return answer[0]
