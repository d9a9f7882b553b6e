# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual time jumps over waiting, and over nothing else."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time

import pytest

from lsst.ts.scriptqueue.testing import FakeClock, VirtualTimeLoop, pass_time, run

#: Real time that virtual waiting of any length may take at most (seconds).
AT_ONCE_S = 5.0


def now() -> float:
    return asyncio.get_running_loop().time()


def test_waiting_costs_nothing() -> None:
    async def wait_for_a_week() -> float:
        for _ in range(7 * 24):
            await pass_time(3600)
        return now()

    began = time.monotonic()
    assert run(wait_for_a_week()) == pytest.approx(7 * 86400, abs=1e-3)
    assert time.monotonic() - began < AT_ONCE_S


@pytest.mark.virtual_time
async def test_timers_come_in_their_order_at_their_time() -> None:
    seen: list[tuple[str, float]] = []

    async def wait(name: str, delay_s: float) -> None:
        await pass_time(delay_s)
        seen.append((name, now()))

    began = now()
    await asyncio.gather(wait("late", 300), wait("early", 100), wait("middle", 200))
    assert [name for name, _ in seen] == ["early", "middle", "late"]
    assert [at - began for _, at in seen] == pytest.approx([100, 200, 300])


@pytest.mark.virtual_time
async def test_time_stands_still_while_something_is_ready() -> None:
    began = now()
    for _ in range(1000):
        await asyncio.sleep(0)
    assert now() == began


@pytest.mark.virtual_time
async def test_a_timeout_comes_when_it_is_due() -> None:
    began = now()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(86400):
            await asyncio.Event().wait()
    assert now() - began == pytest.approx(86400)


@pytest.mark.virtual_time
async def test_a_job_in_a_thread_is_waited_for() -> None:
    go_on = threading.Event()
    job = asyncio.create_task(asyncio.to_thread(go_on.wait))
    await asyncio.sleep(0)
    began = now()
    await pass_time(0.01)
    assert not job.done()
    assert now() - began < AT_ONCE_S, "the clock walked"
    go_on.set()
    assert await job
    await pass_time(3600)
    assert now() - began > 3600, "and jumps again"


@pytest.mark.virtual_time
async def test_a_time_limit_for_a_job_is_real_time() -> None:
    go_on = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.to_thread(go_on.wait)
    go_on.set()


@pytest.mark.virtual_time
async def test_a_socket_is_served_before_time_jumps() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, asyncio.timeout(60):
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        writer.close()
        await writer.wait_closed()


@pytest.mark.virtual_time
async def test_a_descriptor_makes_the_clock_walk() -> None:
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    arrived = asyncio.Event()
    loop.add_reader(ours, arrived.set)
    began = now()
    thread = threading.Thread(target=theirs.send, args=(b"x",))
    thread.start()
    async with asyncio.timeout(60):
        await arrived.wait()
    assert now() - began < AT_ONCE_S
    loop.remove_reader(ours)
    thread.join()
    ours.close()
    theirs.close()


@pytest.mark.virtual_time
async def test_a_thread_of_ones_own_can_be_announced() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    done = asyncio.Event()
    go_on = threading.Event()

    def work() -> None:
        go_on.wait()
        loop.call_soon_threadsafe(done.set)

    with loop.real_time():
        thread = threading.Thread(target=work)
        thread.start()
        loop.call_soon(go_on.set)
        async with asyncio.timeout(60):
            await done.wait()
    thread.join()


@pytest.mark.system
@pytest.mark.virtual_time
async def test_a_child_process_is_waited_for() -> None:
    process = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    with loop.real_time():
        async with asyncio.timeout(60):
            await process.communicate(b"")
    assert process.returncode == os.EX_OK


def test_waiting_in_vain_while_something_repeats_is_an_error() -> None:
    async def wait_in_vain() -> None:
        loop = asyncio.get_running_loop()

        def beat() -> None:
            loop.call_later(1, beat)

        beat()
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="virtual time has passed 1000 s"):
        run(wait_in_vain(), horizon_s=1000)


async def test_without_the_marker_time_is_real() -> None:
    assert not isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
    with pytest.raises(RuntimeError, match="time is real here"):
        await pass_time(3600)


@pytest.mark.virtual_time
async def test_a_clock_goes_with_the_loop_and_can_be_stepped() -> None:
    clock = FakeClock(1000.0)
    await pass_time(50)
    assert clock.tai() == pytest.approx(1050)
    clock.step(-600)
    await pass_time(1)
    assert clock.tai() == pytest.approx(451)
    assert clock.utc_from_tai(clock.tai()) == pytest.approx(414)
