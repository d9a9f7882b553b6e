# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A blocked event loop is named, and the watch leaves no thread."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import pytest

from lsst.ts.scriptqueue.sal import stall
from lsst.ts.scriptqueue.sal.stall import StallWatch

LOG = logging.getLogger("stall-test")

THRESHOLD_S = 0.1


def block_the_loop(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


@pytest.mark.system
async def test_stall_is_told_with_the_place_and_then_with_its_length(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = Told()
    LOG.addHandler(told)
    try:
        async with StallWatch(LOG, THRESHOLD_S):
            block_the_loop(5 * THRESHOLD_S)
            async with asyncio.timeout(10):
                await told.ended.wait()
    finally:
        LOG.removeHandler(told)
    blocked, ended = caplog.records
    assert blocked.levelno == ended.levelno == logging.WARNING
    assert "the event loop is blocked, here:" in blocked.getMessage()
    assert "in block_the_loop" in blocked.getMessage()
    assert "was blocked for about" in ended.getMessage()


class Time:
    """Takes the place of the module ``time``, and stands still unless it is moved."""

    def __init__(self) -> None:
        self.passed_s = self.used_s = 1000.0

    def monotonic(self) -> float:
        return self.passed_s

    def process_time(self) -> float:
        return self.used_s


@pytest.mark.parametrize(
    ("used_s", "words"),
    [
        pytest.param(0.0, "this process stood still for about 60.0 s: it was stopped (SIGSTOP", id="stopped"),
        pytest.param(50.0, "the event loop was blocked for about 60.", id="computed, and let no thread run"),
    ],
)
async def test_a_process_that_is_stopped_is_not_taken_for_a_blocked_loop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, used_s: float, words: str
) -> None:
    now = Time()
    monkeypatch.setattr(stall, "time", now)
    told = Told()
    LOG.addHandler(told)
    try:
        async with StallWatch(LOG, THRESHOLD_S), asyncio.timeout(10):
            # Both in one moment, as the kernel does it.
            now.used_s, now.passed_s = now.used_s + used_s, now.passed_s + 60.0
            await told.ended.wait()
            told.ended.clear()
            loop = asyncio.get_running_loop()
            loop.call_later(2 * THRESHOLD_S, told.ended.set)
            await told.ended.wait()
    finally:
        LOG.removeHandler(told)
    said = [record.getMessage() for record in caplog.records if "is blocked, here" not in record.message]
    assert len(said) == 1, said
    assert said[0].startswith(words)


class Told(logging.Handler):
    """Tells when the end of a stall was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "was blocked" in record.getMessage() or "stood still" in record.getMessage():
            self.ended.set()


@pytest.mark.system
async def test_loop_that_runs_is_not_complained_about(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    async with StallWatch(LOG, 5.0):
        done = asyncio.Event()
        loop.call_later(0.2, done.set)
        await done.wait()
    assert caplog.records == []


@pytest.mark.system
async def test_watch_leaves_no_thread_and_may_be_stopped_twice() -> None:
    watch = StallWatch(LOG)
    watch.start()
    assert "stall watch" in {thread.name for thread in threading.enumerate()}
    watch.stop()
    watch.stop()
    assert "stall watch" not in {thread.name for thread in threading.enumerate()}
