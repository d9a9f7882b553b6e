# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids of block executions: our own counter, and a real small name service."""

from __future__ import annotations

import asyncio
import datetime
import logging
import pathlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from lsst.ts.scriptqueue.csc.block_ids import BlockIdError, LocalBlockIds, day_obs
from lsst.ts.scriptqueue.csc.image_name_service import ImageNameService

EVENING = datetime.datetime(2026, 11, 21, 11, 59, tzinfo=datetime.UTC)
NOON = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)


def test_the_observing_day_begins_at_noon_utc() -> None:
    assert day_obs(EVENING) == "20261120"
    assert day_obs(NOON) == "20261121"


class TestLocalCounter:
    def counter(self, path: pathlib.Path, now: datetime.datetime = NOON) -> LocalBlockIds:
        return LocalBlockIds(path / "state" / "ids.json", lambda: now, logging.getLogger("test"))

    async def test_counts_by_block_and_says_that_it_is_local(
        self, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        ids = self.counter(tmp_path)
        assert await ids.give("BLOCK-123") == "BL123_O_20261121_000001"
        assert await ids.give("BLOCK-123") == "BL123_O_20261121_000002"
        assert await ids.give("BLOCK-7") == "BL7_O_20261121_000001"
        assert await ids.give("BLOCK-T7") == "BT7_O_20261121_000001"
        assert "IMAGE_SERVER_URL" in caplog.text

    async def test_goes_on_after_a_restart_and_starts_anew_each_day(self, tmp_path: pathlib.Path) -> None:
        await self.counter(tmp_path, EVENING).give("BLOCK-1")
        assert await self.counter(tmp_path, EVENING).give("BLOCK-1") == "BL1_O_20261120_000002"
        assert await self.counter(tmp_path, NOON).give("BLOCK-1") == "BL1_O_20261121_000001"

    async def test_many_at_once_are_all_different(self, tmp_path: pathlib.Path) -> None:
        ids = self.counter(tmp_path)
        given = await asyncio.gather(*(ids.give("BLOCK-1") for _ in range(20)))
        assert len(set(given)) == 20

    async def test_a_damaged_counter_is_named(self, tmp_path: pathlib.Path) -> None:
        ids = self.counter(tmp_path)
        await ids.give("BLOCK-1")
        (tmp_path / "state" / "ids.json").write_text("{")
        with pytest.raises(BlockIdError, match=r"ids\.json"):
            await ids.give("BLOCK-1")


class NameServer:
    """A name service of which each test says what it answers."""

    def __init__(self) -> None:
        self.queries: list[dict[str, str]] = []
        self.failures_first = 0
        self.answer: object = None
        self.silent = False
        self.released = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        self.queries.append(dict(request.query))
        if self.silent:
            await self.released.wait()
        if len(self.queries) <= self.failures_first:
            return web.Response(status=503)
        number = request.query["sourceIndex"]
        return web.json_response(self.answer or [f"BL{number}_O_20261121_000042"])


@asynccontextmanager
async def served(server: NameServer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/ImageUtilities/rest/imageNameService", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        server.released.set()
        await runner.cleanup()


@pytest.mark.system
class TestImageNameService:
    @pytest.mark.parametrize(
        ("block", "source"), [("BLOCK-123", "Block"), ("BLOCK-T123", "BlockT")], ids=["block", "test case"]
    )
    async def test_asks_for_one_name_of_that_block(self, block: str, source: str) -> None:
        server = NameServer()
        async with served(server) as url:
            assert await ImageNameService(url).give(block) == "BL123_O_20261121_000042"
        assert server.queries == [{"n": "1", "sourceIndex": "123", "source": source}]

    async def test_tries_again_within_its_time(self) -> None:
        server = NameServer()
        server.failures_first = 1
        async with served(server) as url:
            assert (await ImageNameService(url).give("BLOCK-5")).startswith("BL5_")
        assert len(server.queries) == 2

    async def test_a_service_that_is_away_is_refused_in_time_with_what_to_do(self) -> None:
        async with served(NameServer()) as url:
            gone = url
        with pytest.raises(BlockIdError, match=r"within 0\.2 s: .*without a block"):
            await ImageNameService(gone, limit_s=0.2).give("BLOCK-1")

    async def test_a_service_that_is_silent_is_refused_in_time(self) -> None:
        server = NameServer()
        server.silent = True
        async with served(server) as url:
            with pytest.raises(BlockIdError, match="no id for BLOCK-1"):
                await ImageNameService(url, limit_s=0.2).give("BLOCK-1")

    @pytest.mark.parametrize("answer", [{"error": "no"}, [1], ["a", "b"], "text"])
    async def test_nonsense_is_refused_and_shown(self, answer: object) -> None:
        server = NameServer()
        server.answer = answer
        async with served(server) as url:
            with pytest.raises(BlockIdError, match="instead of a list of one id"):
                await ImageNameService(url, limit_s=0.2).give("BLOCK-1")
