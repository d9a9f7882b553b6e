# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper's waiting for descriptors and moments."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Iterator

import pytest

from lsst.ts.scriptqueue.keeper.leftovers import Pause
from lsst.ts.scriptqueue.keeper.poll import Poll
from lsst.ts.scriptqueue.keeper.work import drive


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


class TestPoll:
    def test_what_is_ready_is_called(self, pair: tuple[socket.socket, socket.socket]) -> None:
        poll, called = Poll(), list[str]()
        poll.watch(pair[0].fileno(), lambda: called.append("readable"))
        pair[1].send(b"x")
        poll.wait()
        poll.unwatch(pair[0].fileno())
        poll.unwatch(pair[0].fileno())
        poll.after(0.0, "moment", lambda: called.append("moment"))
        poll.wait()
        assert called == ["readable", "moment"]

    def test_who_got_a_number_that_was_in_use_is_not_meant(
        self, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        poll, called = Poll(), list[str]()
        first, second = os.pipe(), os.pipe()
        for pipe in (first, second):
            os.write(pipe[1], b"x")

        def close_the_second() -> None:
            called.append("first")
            poll.unwatch(second[0])
            os.dup2(pair[0].fileno(), second[0], inheritable=False)
            poll.watch(second[0], lambda: called.append("nothing has come here"))

        poll.watch(first[0], close_the_second)
        poll.watch(second[0], lambda: called.append("closed"))
        poll.wait()
        assert called == ["first"]
        for descriptor in (*first, *second):
            os.close(descriptor)

    def test_a_moment_can_be_put_off_and_called_off(self) -> None:
        poll, called = Poll(), list[str]()
        poll.after(0.0, "one", lambda: called.append("early"))
        poll.after(1000.0, "one", lambda: called.append("late"))
        poll.after(0.0, "two", lambda: called.append("called off"))
        poll.cancel("two")
        poll.cancel("never was")
        poll.after(0.001, "three", lambda: called.append("now"))
        poll.wait()
        assert called == ["now"]

    def test_a_moment_can_call_off_another(self) -> None:
        poll, called = Poll(), list[str]()

        def call_off() -> None:
            called.append("one")
            poll.cancel("two")

        poll.after(0.0, "one", call_off)
        poll.after(0.0, "two", lambda: called.append("two"))
        poll.wait()
        assert called == ["one"]


class TestDrive:
    def test_work_goes_on_when_what_it_waits_for_has_come(
        self, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        poll, results = Poll(), list[object]()

        def work() -> Generator[Pause, None, str]:
            yield (pair[0].fileno(),), 1000.0
            yield (), 0.001
            return "done"

        drive(poll, work(), results.append)
        assert not results
        pair[1].send(b"x")
        poll.wait()
        assert not results
        poll.wait()
        assert results == ["done"]

    def test_work_that_waits_for_nothing_is_done_at_once(self) -> None:
        def work() -> Generator[Pause, None, str]:
            yield from ()
            return "done"

        results = list[object]()
        drive(Poll(), work(), results.append)
        assert results == ["done"]
