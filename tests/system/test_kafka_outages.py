# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night during which the broker goes away: the queue, its scripts and its clients see it through."""

from __future__ import annotations

import asyncio
import os
import pathlib
from collections.abc import AsyncIterator, Sequence

import psutil
import pytest

from lsst.ts.scriptqueue.sal import AckTimeoutError, Location, ScriptProcessState, ScriptState

from ..own_broker import OUTAGES, OwnBroker
from .night import Night, a_night, is_alive
from .service import scripts_in

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

#: What a script of these tests reports in its life, in order.
WHOLE_LIFE = [
    ScriptState.UNCONFIGURED,
    ScriptState.CONFIGURED,
    ScriptState.CONFIGURED,
    ScriptState.RUNNING,
    ScriptState.RUNNING,
    ScriptState.RUNNING,
    ScriptState.ENDING,
    ScriptState.DONE,
]

#: A script that comes to its checkpoints when a file says so.
TOLD = """
    import asyncio
    from pathlib import Path
    from lsst.ts.scriptqueue.sal import BaseScript

    class Script(BaseScript):
        def __init__(self, index):
            super().__init__(index=index, descr="goes on when told")

        @classmethod
        def get_schema(cls):
            return {'type': 'object', 'properties': {'fifo': {'type': 'string'}}}

        async def configure(self, config):
            self.fifo = config.fifo

        def set_metadata(self, metadata):
            metadata.duration = 0.1

        async def run(self):
            await self.checkpoint("start")
            await asyncio.to_thread(Path(self.fifo).read_text)
            await self.checkpoint("end")

    asyncio.run(Script.amain())
"""


@pytest.fixture
async def night(tmp_path: pathlib.Path, own_broker: OwnBroker) -> AsyncIterator[Night]:
    async with a_night(tmp_path, environment=own_broker.environment) as night:
        night.write("told.py", TOLD)
        yield night
        await own_broker.come_back()


async def silence(night: Night, length_s: float) -> None:
    """Hear nothing of the queue for a while: its broker is away."""
    heartbeat = night.queue.evt_heartbeat
    heartbeat.flush()
    with pytest.raises(TimeoutError):
        # One may have been on its way.
        await heartbeat.next(flush=False, timeout=length_s)
        await heartbeat.next(flush=False, timeout=length_s)


async def heartbeats_again(night: Night) -> list[float]:
    """Wait for three heartbeats; return when they were sent (TAI, unix seconds)."""
    heartbeat = night.queue.evt_heartbeat
    return [(await heartbeat.next(flush=False, timeout=60.0)).private_sndStamp for _ in range(3)]


def assert_whole(night: Night, indices: Sequence[int]) -> None:
    """Check that each script lived its whole life, once, one after another."""
    for index in indices:
        assert night.states[index] == WHOLE_LIFE, night.model.story(index)
        shown = night.shown[index]
        assert (shown.processState, shown.scriptState) == (ScriptProcessState.DONE, ScriptState.DONE)
    assert night.past[: len(indices)] == list(reversed(indices))
    starts = [night.shown[index].timestampRunStart for index in indices]
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    "how",
    ["pause", pytest.param("away", marks=pytest.mark.long), pytest.param("crash", marks=pytest.mark.long)],
)
async def test_scripts_go_on_and_nothing_is_lost(
    night: Night, own_broker: OwnBroker, tmp_path: pathlib.Path, how: str
) -> None:
    await see_through(night, own_broker, tmp_path, how, 3.0)


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("how", OUTAGES)
async def test_a_minute_without_broker(
    night: Night, own_broker: OwnBroker, tmp_path: pathlib.Path, how: str
) -> None:
    await see_through(night, own_broker, tmp_path, how, 60.0)


async def see_through(
    night: Night, broker: OwnBroker, tmp_path: pathlib.Path, how: str, length_s: float
) -> None:
    """One script runs, one waits, and the queue is asked for more as the broker goes away."""
    fifo = tmp_path / "go on"
    os.mkfifo(fifo)
    first = await night.add("told.py", f"fifo: '{fifo}'")
    await night.current(first)
    second = await night.add("good.py")
    await night.reached(second, ScriptState.CONFIGURED)
    await broker.go(how)
    late = asyncio.create_task(
        night.queue.cmd_add.set_start(
            timeout=length_s + 60.0, isStandard=True, path="good.py", location=Location.LAST
        )
    )
    await silence(night, length_s)
    await broker.come_back()
    sent_at = await heartbeats_again(night)
    # The first may have waited; those after it come at their time, and not all that were missed.
    assert sent_at[2] - sent_at[1] > 0.5
    third = int((await late).result)
    # The script itself has not noticed.
    assert night.states[first] == WHOLE_LIFE[:5]
    await asyncio.to_thread(fifo.write_text, "now")
    for index in (first, second, third):
        await night.gone(index)
    assert_whole(night, [first, second, third])


async def test_a_process_that_ends_meanwhile_is_noticed(
    night: Night, own_broker: OwnBroker, tmp_path: pathlib.Path
) -> None:
    index = await night.add("good.py", "wait: true")
    await night.current(index)
    script = next(child for child in scripts_in(tmp_path / "state") if str(index) in child.cmdline())
    await own_broker.go("pause")
    script.kill()
    await asyncio.to_thread(psutil.wait_procs, [script], 20)
    assert not is_alive(script.pid)
    await own_broker.come_back()
    await night.until("failed", lambda: night.shown[index].scriptState == ScriptState.FAILED)
    assert night.last_queue.running is False


async def test_a_command_that_nobody_can_answer_times_out(night: Night, own_broker: OwnBroker) -> None:
    await own_broker.go("pause")
    with pytest.raises(AckTimeoutError):
        await night.queue.cmd_pause.set_start(timeout=1.0)
    await own_broker.come_back()
    # It was sent, and is carried out; the client has to look.
    await night.until("paused", lambda: night.last_queue.running is False)
