# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test that leaves something behind fails: tasks, threads, children, descriptors.

What was there before the test, or belongs to a fixture of a wider scope, is
not its fault. Tasks are looked at after the test's own fixtures have ended
and before the loop is closed, which would cancel them unseen; the rest after
the loop is closed. A native thread or a descriptor may vanish a moment after
its owner let go of it, so a difference is looked at again for a short while.
Tests marked ``system`` are also searched for processes that are no children
of this one any more: they are known by a variable in their environment. What
is found is ended, so that one test's fault does not become the next one's.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

__all__ = [
    "RUN_VARIABLE",
    "Holdings",
    "leftover_tasks",
    "leftovers",
    "no_leftovers",
    "no_task_left",
    "no_task_left_in_a_loop",
]

#: Environment variable that marks every process started by this test process.
RUN_VARIABLE = "SCRIPTQUEUE_TEST_RUN"

_GLANCE_S = 0.005
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holdings:
    """What this process holds at one moment.

    Attributes
    ----------
    threads
        Python threads.
    native_threads
        Native ids of all threads, with those that Python does not know.
    processes
        Process ids of children and, if asked for, of orphans.
    descriptors
        Open descriptors, each as number and what it refers to.
    """

    threads: frozenset[threading.Thread]
    native_threads: frozenset[int]
    processes: frozenset[int]
    descriptors: frozenset[tuple[int, str]]

    @classmethod
    def now(cls, *, orphans: bool = False) -> Holdings:
        """Look; `orphans` tells whether to search all processes of the machine."""
        tasks = os.listdir("/proc/self/task")
        return cls(
            threads=frozenset(threading.enumerate()),
            native_threads=frozenset(map(int, tasks)),
            processes=_children(tasks) | (_marked_processes() if orphans else frozenset()),
            descriptors=_descriptors(),
        )


def leftovers(before: Holdings, *, orphans: bool = False, patience_s: float = 1.0) -> list[str]:
    """Describe what is held now and was not held before; wait up to `patience_s` for it to go."""
    found = _describe(before, Holdings.now(orphans=orphans))
    if not found:
        return []
    gc.collect()
    # Neither the kernel's end of a thread nor that of an orphan is an event to wait for.
    glance, give_up_at = threading.Event(), time.monotonic() + patience_s
    while found and time.monotonic() < give_up_at:
        glance.wait(_GLANCE_S)
        found = _describe(before, Holdings.now(orphans=orphans))
    return found


def leftover_tasks() -> list[str]:
    """Describe and cancel the tasks of the running loop, but for the current one."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    return sorted(f"task {task.get_name()}: {task.get_coro()}" for task in tasks)


@pytest.fixture(autouse=True)
def no_leftovers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves threads, processes or descriptors behind."""
    orphans = request.node.get_closest_marker("system") is not None
    before = Holdings.now(orphans=orphans)
    yield
    found = leftovers(before, orphans=orphans)
    if found:
        for pid in Holdings.now(orphans=orphans).processes - before.processes:
            _end(pid)
        pytest.fail("left behind:\n  " + "\n  ".join(found), pytrace=False)


@pytest.fixture(autouse=True)
def no_task_left_in_a_loop(request: pytest.FixtureRequest) -> None:
    """Have `no_task_left` where there is a loop; one for every other test costs more than many a test."""
    if _has_a_loop(request.node):
        request.getfixturevalue("no_task_left")


@pytest.fixture
async def no_task_left(no_leftovers: None) -> AsyncIterator[None]:
    """Fail a test that leaves tasks behind; it ends before the loop, and before `no_leftovers`."""
    yield
    found = leftover_tasks()
    if found:
        pytest.fail("left behind:\n  " + "\n  ".join(found), pytrace=False)


def _has_a_loop(test: pytest.Function) -> bool:
    """Is a test asynchronous, or one of its fixtures?"""
    return pytest_asyncio.is_async_test(test) or any(
        inspect.iscoroutinefunction(fixture[-1].func) or inspect.isasyncgenfunction(fixture[-1].func)
        for fixture in test._fixtureinfo.name2fixturedefs.values()
    )


def _describe(before: Holdings, after: Holdings) -> list[str]:
    known = before.native_threads | {thread.native_id for thread in after.threads}
    return [
        *(f"thread {thread.name}" for thread in after.threads - before.threads),
        *(f"native thread {tid} ({_name(tid)})" for tid in after.native_threads - known),
        *(f"process {pid} ({_command(pid)})" for pid in after.processes - before.processes),
        *(f"descriptor {number} ({target})" for number, target in after.descriptors - before.descriptors),
    ]


def _children(tasks: list[str]) -> frozenset[int]:
    found: set[int] = set()
    for task in tasks:
        with suppress(OSError):
            found.update(map(int, Path(f"/proc/self/task/{task}/children").read_text().split()))
    return frozenset(found)


def _marked_processes() -> frozenset[int]:
    mark = f"{RUN_VARIABLE}={os.environ.get(RUN_VARIABLE)}".encode()
    found = set()
    for entry in os.listdir(_PROC):
        if entry.isdecimal() and int(entry) != os.getpid():
            with suppress(OSError):
                if mark in (_PROC / entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry))
    return frozenset(found)


def _descriptors() -> frozenset[tuple[int, str]]:
    found = set()
    for number in os.listdir("/proc/self/fd"):
        # The descriptor of this very listing is gone by now.
        with suppress(OSError):
            found.add((int(number), os.readlink(f"/proc/self/fd/{number}")))
    return frozenset(found)


def _name(tid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/self/task/{tid}/comm").read_text().strip()
    return "gone"


def _command(pid: int) -> str:
    with suppress(OSError):
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        return b" ".join(words).decode(errors="replace").strip() or "ended, but not reaped"
    return "gone"


def _end(pid: int) -> None:
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    with suppress(OSError):
        os.waitpid(pid, 0)
