# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watcher of the night: what it is to see is waited for, and claimed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lsst.ts.scriptqueue.bus import IndexRange
from lsst.ts.scriptqueue.cli.night.picture import Happening, Picture
from lsst.ts.scriptqueue.cli.night.watcher import NotSeenError, Watcher
from lsst.ts.scriptqueue.sal.domain import Domain
from lsst.ts.scriptqueue.sal.remote import Remote

from .demo_recording import SLEW, START_TAI, queue_seen

LIMIT_S = 5.0


@pytest.fixture
async def told() -> list[Happening]:
    return []


@pytest.fixture
async def watcher(told: list[Happening]) -> AsyncIterator[Watcher]:
    async with Domain.connect("memory") as domain:
        queue = Remote(domain, "ScriptQueue", 1)
        scripts = Remote(domain, "Script", IndexRange(100_000, 199_999))
        yield Watcher(queue, scripts, Picture(START_TAI), domain.clock, told.append)


def claims(watcher: Watcher) -> list[tuple[str, bool]]:
    return [(claim.text, claim.held) for claim in watcher.picture.claims]


async def test_what_is_so_already_is_not_waited_for(watcher: Watcher) -> None:
    await watcher.expect("nothing waits", lambda seen: not seen.waiting, limit_s=0.0)
    assert claims(watcher) == [("nothing waits", True)]


async def test_what_comes_in_time_is_claimed_then(watcher: Watcher) -> None:
    expecting = asyncio.ensure_future(watcher.expect("one waits", lambda seen: bool(seen.waiting), LIMIT_S))
    asyncio.get_running_loop().call_soon(watcher.see, queue_seen(1.0, waiting=(SLEW,)))
    await expecting
    assert claims(watcher) == [("one waits", True)]


async def test_two_may_wait_at_once(watcher: Watcher) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(watcher.expect("one waits", lambda seen: bool(seen.waiting), LIMIT_S))
        group.create_task(watcher.expect("it is paused", lambda seen: not seen.running, LIMIT_S))
        loop = asyncio.get_running_loop()
        loop.call_soon(watcher.see, queue_seen(1.0, waiting=(SLEW,)))
        loop.call_soon(watcher.see, queue_seen(2.0, waiting=(SLEW,), running=False))
    assert claims(watcher) == [("one waits", True), ("it is paused", True)]


async def test_what_does_not_come_is_claimed_too_and_ends_the_night(watcher: Watcher) -> None:
    with pytest.raises(NotSeenError, match="one waits"):
        await watcher.expect("one waits", lambda seen: bool(seen.waiting), limit_s=0.01)
    assert claims(watcher) == [("one waits (waited 0.01 s)", False)]


async def test_each_happening_is_told_once(watcher: Watcher, told: list[Happening]) -> None:
    watcher.says("looks around")
    watcher.see(queue_seen(1.0, running=False))
    watcher.see(queue_seen(2.0, running=False))
    assert [(happening.who, happening.text) for happening in told] == [
        ("operator", "looks around"),
        ("queue", "is paused"),
    ]
    assert watcher.picture.deed == "looks around"
