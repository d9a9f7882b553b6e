# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing in the layer is slow: time per event and per command, on the memory bus.

The limits are several times what was measured on a 2-core machine, so that
only a change of kind fails here; ``bench/`` has the figures.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import pytest

from lsst.ts.scriptqueue.sal import Controller, Remote
from lsst.ts.scriptqueue.sal.definitions import component
from lsst.ts.scriptqueue.sal.records import make_record_class

from .world import INDEX, World


async def best_us(count: int, step: Callable[[int], Awaitable[object]]) -> float:
    """Return the time of one step in microseconds: the best of three rounds, CPU time only."""
    rounds = []
    for number in range(3):
        began = time.process_time()
        for each in range(count):
            await step(number * count + each + 1)
        rounds.append((time.process_time() - began) / count * 1e6)
    return min(rounds)


@pytest.mark.system
async def test_event_and_command(world: World) -> None:
    async with (
        Controller(world.domain(), "Script", INDEX) as script,
        Remote(world.domain(), "Script", INDEX) as remote,
    ):

        async def event(number: int) -> None:
            await script.evt_state.set_write(numCheckpoints=number)
            await remote.evt_state.next(flush=False)

        async def command(number: int) -> None:
            await remote.cmd_setLogLevel.set_start(level=20)

        assert await best_us(500, event) < 240
        assert await best_us(200, command) < 1200


def test_record_classes_of_a_script_are_made_in_two_milliseconds() -> None:
    topics = component("Script").topics.values()
    rounds = []
    for _ in range(3):
        began = time.process_time()
        for topic in topics:
            make_record_class(topic)
        rounds.append(time.process_time() - began)
    assert min(rounds) < 2e-3
