# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the observatory's own clients of a ScriptQueue do, on salobj.

    salobj_roles.py panel|watcher
    salobj_roles.py scheduler PATH
    salobj_roles.py simple_scheduler NUMBER NOTES PATH...

Each says "ready" when it listens, ends when its stdin does (a scheduler by
itself), and then prints in one line of JSON what it has to say.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import lsst.ts.salobj as salobj

RUNNING = 3
FAILED = 10
GOOD = {8}
BAD = {9, 10, 11}

#: How many of the history a panel keeps.
REMEMBERED = 10

#: Missing heartbeats for so long mean a lost component (seconds).
LOST_S = 5.0


def say(line: str) -> None:
    """Write a line to stdout."""
    os.write(_STDOUT, line.encode() + b"\n")


async def told_to_end() -> None:
    """Wait for the end of stdin."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


class Heartbeats:
    """How long a component was not heard."""

    def __init__(self, remote: Any) -> None:
        self.begin()
        remote.evt_heartbeat.callback = self.on_heartbeat

    def begin(self) -> None:
        self.latest, self.longest_silence = time.monotonic(), 0.0

    async def on_heartbeat(self, data: Any) -> None:
        now = time.monotonic()
        self.longest_silence = max(self.longest_silence, now - self.latest)
        self.latest = now


class Panel:
    """Shows the queue: what it never heard of in a queue event it does not show."""

    def __init__(self, domain: Any) -> None:
        self.queue = salobj.Remote(domain, "ScriptQueue", 1)
        self.scripts = salobj.Remote(domain, "Script", 0, include=["state", "metadata", "description"])
        self.listed: set[int] = set()
        self.shown: dict[int, int] = {}
        self.told: dict[int, int] = {}
        #: The last that was shown of each script, which may be forgotten since.
        self.last_shown: dict[int, tuple[int, int, float]] = {}
        #: Which were shown as they ran: one that was not may be shown when it has ended, all the same.
        self.shown_running: set[int] = set()
        self.heartbeats = Heartbeats(self.queue)
        self.names: dict[int, str] = {}
        self.queue.evt_queue.callback = self.on_queue
        self.queue.evt_script.callback = self.on_script
        self.scripts.evt_description.callback = self.on_description

    async def on_queue(self, data: Any) -> None:
        past = data.pastSalIndices[: min(data.pastLength, REMEMBERED)]
        listed = {*data.salIndices[: data.length], *past, data.currentSalIndex} - {0}
        self.shown = {index: state for index, state in self.shown.items() if index in listed}
        self.listed = listed

    async def on_script(self, data: Any) -> None:
        self.told[data.scriptSalIndex] = data.scriptState
        if data.scriptSalIndex in self.listed:
            self.shown[data.scriptSalIndex] = data.scriptState
            words = (data.scriptState, data.processState, data.timestampProcessEnd)
            self.last_shown[data.scriptSalIndex] = words
            if data.scriptState == RUNNING:
                self.shown_running.add(data.scriptSalIndex)

    async def on_description(self, data: Any) -> None:
        if data.salIndex in self.listed:
            self.names[data.salIndex] = data.classname

    async def live(self) -> dict[str, Any]:
        """Listen until told to end."""
        await asyncio.gather(self.queue.start_task, self.scripts.start_task)
        self.heartbeats.begin()
        say("ready")
        await told_to_end()
        return {
            "shown": self.shown,
            "last_shown": self.last_shown,
            "shown_running": sorted(self.shown_running),
            "stale": [index for index in self.listed if self.shown.get(index) != self.told.get(index)],
            "lost": self.heartbeats.longest_silence > LOST_S,
            "silent_s": self.heartbeats.longest_silence,
            "names": self.names,
        }


class Scheduler:
    """Observes two blocks of three scripts each, one after the other."""

    def __init__(self, domain: Any, path: str) -> None:
        self.queue = salobj.Remote(domain, "ScriptQueue", 1)
        self.path = path
        self.states: dict[int, int] = {}
        self.news = asyncio.Event()
        self.queue.evt_script.callback = self.on_script
        self.queue.evt_configSchema.callback = self.on_schema

    async def on_script(self, data: Any) -> None:
        self.states[data.scriptSalIndex] = data.scriptState
        self.news.set()

    async def on_schema(self, data: Any) -> None:
        self.schema = data.path
        self.news.set()

    async def live(self) -> dict[str, Any]:
        """Observe, and end."""
        await self.queue.start_task
        say("ready")
        self.schema = ""
        await self.queue.cmd_showSchema.set_start(isStandard=True, path=self.path, timeout=60)
        while self.schema != self.path:
            self.news.clear()
            await self.news.wait()
        blocks = [await self.observe(number) for number in (1, 2)]
        return {
            "blocks": blocks,
            "good": all(self.states[index] in GOOD for block in blocks for index in block),
        }

    async def observe(self, number: int) -> list[int]:
        """Add the scripts of a block, and follow them to their ends."""
        block = []
        for place in range(3):
            ack = await self.queue.cmd_add.set_start(
                isStandard=True,
                path=self.path,
                location=2,
                block=f"BLOCK-{number}",
                blockSize=3,
                startBlock=place == 0,
                executionId=f"{number}",
                timeout=60,
            )
            block.append(int(ack.result))
        while not all(self.states.get(index) in GOOD | BAD for index in block):
            self.news.clear()
            await self.news.wait()
        return block


class SimpleScheduler:
    """Observes target after target, each when the queue is idle: running, with nothing in it."""

    def __init__(self, domain: Any, number: str, notes: str, *paths: str) -> None:
        self.queue = salobj.Remote(domain, "ScriptQueue", 1, include=["queue", "script"])
        self.number, self.notes, self.paths = int(number), notes, paths
        self.latest: Any = None
        self.listed: list[set[int]] = []
        self.states: dict[int, int] = {}
        self.news = asyncio.Event()
        self.queue.evt_queue.callback = self.on_queue
        self.queue.evt_script.callback = self.on_script

    async def on_queue(self, data: Any) -> None:
        self.latest = data
        self.listed.append({data.currentSalIndex, *data.salIndices[: data.length]})
        self.news.set()

    async def on_script(self, data: Any) -> None:
        self.states[data.scriptSalIndex] = data.scriptState
        self.news.set()

    def is_idle(self) -> bool:
        queue = self.latest
        return queue is not None and queue.running and queue.currentSalIndex == 0 and queue.length == 0

    async def live(self) -> dict[str, Any]:
        """Observe, and end."""
        await self.queue.start_task
        say("ready")
        own = []
        for number in range(self.number):
            await self.until(self.is_idle)
            own.append(await self.add(number))
        await self.until(lambda: all(self.states.get(index) in GOOD | BAD for index in own))
        return {
            "targets": own,
            "at_once": max(len(listed.intersection(own)) for listed in self.listed),
            "good": all(self.states[index] in GOOD for index in own),
        }

    async def add(self, number: int) -> int:
        """Add a target, and see it listed: topics have no common order, so that may come after the answer."""
        ack = await self.queue.cmd_add.set_start(
            isStandard=True,
            path=self.paths[number % len(self.paths)],
            config=f"note: {self.notes}/target{number}",
            location=2,
            timeout=100,
        )
        index = int(ack.result)
        await self.until(lambda: any(index in listed for listed in self.listed))
        return index

    async def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            self.news.clear()
            await self.news.wait()


class Watcher:
    """Raises an alarm while the queue is held up by a failed script.

    Which script is current and what state that has come in two topics, and
    either may come first.
    """

    def __init__(self, domain: Any) -> None:
        self.queue = salobj.Remote(
            domain,
            "ScriptQueue",
            1,
            readonly=True,
            include=["queue", "script", "summaryState", "heartbeat"],
        )
        self.heartbeats = Heartbeats(self.queue)
        self.summary_states: list[int] = []
        self.current = 0
        self.is_held_up = False
        #: The latest that was heard of a script while it was current.
        self.state = 0
        self.raised: list[int] = []
        #: Of which scripts it was heard that they failed, current or not.
        self.failed: set[int] = set()
        self.numbers: dict[str, int] = {}
        self.missed = 0
        self.queue.evt_summaryState.callback = self.on_summary_state
        self.queue.evt_queue.callback = self.on_queue
        self.queue.evt_script.callback = self.on_script

    async def on_summary_state(self, data: Any) -> None:
        self.summary_states.append(data.summaryState)

    async def on_queue(self, data: Any) -> None:
        self.count("queue", data.private_seqNum)
        self.current = data.currentSalIndex
        self.is_held_up = data.enabled and not data.running
        self.judge()

    async def on_script(self, data: Any) -> None:
        self.count("script", data.private_seqNum)
        if data.scriptState == FAILED:
            self.failed.add(data.scriptSalIndex)
        if data.scriptSalIndex == self.current:
            self.state = data.scriptState
        self.judge()

    def count(self, topic: str, number: int) -> None:
        """Count what was written between the previous event and this one."""
        self.missed += number - self.numbers.get(topic, number - 1) - 1
        self.numbers[topic] = number

    def judge(self) -> None:
        """Raise the alarm if it is time."""
        if self.is_held_up and self.state == FAILED:
            self.raised.append(self.current)

    async def live(self) -> dict[str, Any]:
        """Listen until told to end."""
        await self.queue.start_task
        self.heartbeats.begin()
        say("ready")
        await told_to_end()
        return {
            "raised": sorted(set(self.raised)),
            "failed": sorted(self.failed),
            "missed": self.missed,
            "stands": self.current if self.is_held_up else 0,
            "states": self.summary_states,
            "lost": self.heartbeats.longest_silence > LOST_S,
            "silent_s": self.heartbeats.longest_silence,
        }


async def main() -> None:
    """Play the role that the command line names."""
    role, *arguments = sys.argv[1:]
    roles: dict[str, Any] = {"panel": Panel, "scheduler": Scheduler, "watcher": Watcher}
    roles["simple_scheduler"] = SimpleScheduler
    async with salobj.Domain() as domain:
        result = await roles[role](domain, *arguments).live()
    say(json.dumps(result))


if __name__ == "__main__":
    # What salobj prints by itself must not come between the lines.
    _STDOUT = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(main())
