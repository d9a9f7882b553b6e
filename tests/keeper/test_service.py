# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the keeper serves, how long it stays, and that there is one only."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from lsst.ts.scriptqueue.keeper import service
from lsst.ts.scriptqueue.keeper.place import ANOTHER_RUNS
from lsst.ts.scriptqueue.keeper.poll import Poll
from lsst.ts.scriptqueue.keeper.service import Service, Stage

from ..launch.fifo import Fifo
from ..launch.stage import is_alive
from .talk import PROGRAM, Talk, end_of, keeper_pid, start_keeper

pytestmark = pytest.mark.system

#: Says hello to the keeper, says so, leaves its socket to a child, too, and stays until it is killed.
QUEUE = """
    import json, os, signal, socket, sys
    from lsst.ts.scriptqueue.keeper.place import open_directory, socket_address
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(socket_address(open_directory(sys.argv[1])))
    hello = {"id": 1, "do": "hello", "version": 1, "kill_after_s": 1, "absence_limit_s": None}
    connection.sendall(json.dumps(hello).encode() + b"\\n")
    print(connection.makefile().readline(), end="", flush=True)
    pid = os.fork()
    if pid:
        print(pid, flush=True)
    signal.pause()
"""


class TestOnlyOne:
    async def test_a_second_one_is_refused(self, talk: Talk, state_dir: Path) -> None:
        pid = keeper_pid(state_dir)
        for how in (["--detach"], []):
            second = subprocess.run([*PROGRAM, *how, state_dir], capture_output=True, text=True, check=False)
            assert second.returncode == ANOTHER_RUNS
            assert second.stderr == f"another keeper, process {pid}, runs in {state_dir}; one is enough\n"
        assert keeper_pid(state_dir) == pid

    async def test_one_that_was_killed_is_succeeded(self, state_dir: Path) -> None:
        first = start_keeper(state_dir)
        os.kill(first, signal.SIGKILL)
        await end_of(first)
        assert start_keeper(state_dir) != first
        async with Talk(state_dir) as talk:
            await talk.hello()

    def test_a_place_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        run = subprocess.run(
            [*PROGRAM, "--detach", tmp_path / "file"], capture_output=True, text=True, check=False
        )
        assert (run.returncode, run.stderr) == (1, f"no keeper can run in {tmp_path}/file: File exists\n")

    @pytest.mark.parametrize("arguments", [["--init", "."], [".", "--", "true"], []], ids=str)
    def test_arguments_that_are_wrong(self, arguments: list[str]) -> None:
        run = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False)
        assert run.returncode == 2
        assert "usage:" in run.stderr


class TestPlace:
    async def test_a_long_path(self, tmp_path: Path) -> None:
        state_dir = tmp_path / ("long" * 40) / ("long" * 40)
        pid = start_keeper(state_dir)
        async with Talk(state_dir) as talk:
            assert (await talk.hello())["pid"] == pid
            await talk.ask("close", kill_after_s=0.0)
        await end_of(pid)

    async def test_nobody_else_may_ask(self, talk: Talk, state_dir: Path) -> None:
        for name in ("keeper.sock", "keeper.lock", "keeper.log"):
            assert stat.S_IMODE((state_dir / name).stat().st_mode) == 0o600

    async def test_it_is_detached(self, talk: Talk, state_dir: Path) -> None:
        pid = keeper_pid(state_dir)
        assert os.getsid(pid) == pid
        targets = {name: os.readlink(f"/proc/{pid}/fd/{name}") for name in "012"}
        assert targets == {"0": "/dev/null", "1": f"{state_dir}/keeper.log", "2": f"{state_dir}/keeper.log"}

    def test_the_log_is_bounded(self, tmp_path: Path) -> None:
        talkative = """
            import sys
            from lsst.ts.scriptqueue.keeper.place import Log
            log = Log(sys.argv[1], is_stderr=False)
            for _ in range(15000):
                log.say("x" * 100)
        """
        subprocess.run([sys.executable, "-c", dedent(talkative), tmp_path], check=True)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["keeper.log", "keeper.log.1"]
        assert all(path.stat().st_size < 1_001_000 for path in tmp_path.iterdir())


class TestTalk:
    async def test_hello_comes_first(self, state_dir: Path) -> None:
        start_keeper(state_dir)
        async with Talk(state_dir) as talk:
            assert await talk.ask("close", kill_after_s=1.0) == {"to": 1, "error": "say hello first"}

    async def test_another_version_is_refused(self, state_dir: Path) -> None:
        pid = start_keeper(state_dir)
        async with Talk(state_dir) as talk:
            complaint = (await talk.hello(version=99))["error"]
        assert f"process {pid}, speaks version 1 of the protocol, the queue version 99" in complaint

    async def test_what_is_not_known_is_refused(self, talk: Talk) -> None:
        assert "there is no 'dance'; there are hello, launch" in (await talk.ask("dance"))["error"]

    @pytest.mark.parametrize(
        "line", [b"hello\n", b"[]\n", b'{"do": "hello"}\n', b'{"id": 1}\n', b"\xff\n"], ids=str
    )
    async def test_who_talks_nonsense_is_cut_off(self, talk: Talk, state_dir: Path, line: bytes) -> None:
        async with Talk(state_dir) as fool:
            await fool.say(line)
            assert await fool.hear() is None
        await talk.hello()

    async def test_a_long_message_arrives(self, talk: Talk, state_dir: Path) -> None:
        environment = {**os.environ, **{f"VARIABLE_{number}": "x" * 1000 for number in range(500)}}
        await talk.launch("one", 'echo "${#VARIABLE_499}"', environment=environment)
        await talk.exited()
        assert (state_dir / "one.log").read_text() == "1000\n"

    async def test_those_that_say_nothing_hinder_nobody(self, talk: Talk, state_dir: Path) -> None:
        strangers = [await Talk(state_dir).__aenter__() for _ in range(20)]
        assert await strangers[-1].hear() is None
        await talk.hello()
        for stranger in strangers:
            await stranger.__aexit__(None, None, None)


class TestTwoQueues:
    async def test_a_second_one_is_refused_while_the_first_lives(self, talk: Talk, state_dir: Path) -> None:
        async with Talk(state_dir) as other:
            complaint = (await other.hello())["error"]
            assert complaint == f"process {os.getpid()} is the queue of this keeper, and lives; stop it first"
            assert (await other.ask("close", kill_after_s=0.0))["error"] == "say hello first"

    async def test_one_whose_process_is_gone_is_succeeded(self, state_dir: Path) -> None:
        start_keeper(state_dir)
        with subprocess.Popen(
            [sys.executable, "-c", dedent(QUEUE), state_dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as queue:
            assert queue.stdout is not None
            queue.stdout.readline()
            heir = int(queue.stdout.readline())
            async with Talk(state_dir) as talk:
                assert f"process {queue.pid} is the queue" in (await talk.hello())["error"]
                queue.kill()
                queue.wait()
                # Its child still has the socket, so that nothing was closed.
                assert is_alive(heir)
                assert "error" not in await talk.hello()
            os.kill(heir, signal.SIGKILL)
            await end_of(heir)


class TestStaying:
    async def test_children_wait_for_the_next_queue(self, state_dir: Path, gate: Fifo) -> None:
        start_keeper(state_dir)
        async with Talk(state_dir) as talk:
            await talk.hello()
            living = (await talk.launch("living", f"read line < {gate.path}"))["child"]
            await talk.launch("ended", "exit 3")
            await talk.exited()
        async with Talk(state_dir) as talk:
            children = {child["launch_id"]: child for child in (await talk.hello())["children"]}
            assert children["living"] == living
            assert children["ended"]["ended"] == [3, None]
            gate.let_pass()
            assert (await talk.exited())["ended"] == [0, None]

    async def test_they_wait_no_longer_than_allowed(self, state_dir: Path, news: Fifo) -> None:
        start_keeper(state_dir)
        async with Talk(state_dir) as talk:
            await talk.hello(absence_limit_s=0.1, kill_after_s=0.1)
            pids = [
                (await talk.launch(name, f"{trap}echo > {news.path}; while :; do sleep 1000; done"))["child"][
                    "identity"
                ][0]
                for name, trap in {"tame": "", "stubborn": "trap '' TERM; "}.items()
            ]
            await news.line()
            await news.line()
        for pid in pids:
            await end_of(pid)
        async with Talk(state_dir) as talk:
            children = {child["launch_id"]: child for child in (await talk.hello())["children"]}
            told = {**children, **{child["launch_id"]: child for child in talk.pushed}}
            for _ in [name for name, child in told.items() if child["ended"] is None]:
                exited = await talk.exited()
                told[exited["launch_id"]] = exited
        assert told["tame"]["ended"] == [None, signal.SIGTERM]
        assert told["stubborn"]["ended"] == [None, signal.SIGKILL]

    async def test_with_nothing_to_keep_it_ends(self, state_dir: Path) -> None:
        pid = start_keeper(state_dir)
        async with Talk(state_dir) as talk:
            await talk.hello()
            await talk.launch("one", "exit 0")
            await talk.exited()
            await talk.ask("taken", launch_id="one")
        await end_of(pid)
        assert not (state_dir / "keeper.sock").exists()

    async def test_one_that_nobody_greets_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "_FIRST_HELLO_S", 0.0)
        stages = []
        for is_lasting in (False, True):
            with socket.socket(socket.AF_UNIX) as listener:
                poll = Poll()
                # The lasting one has nothing else to wait for.
                poll.after(0.0, "test", lambda: None)
                served = Service(poll, listener, lambda text: None, is_lasting=is_lasting)
                poll.wait()
                stages.append(served.stage)
        assert stages == [Stage.CLOSED, Stage.OPEN]

    @pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
    async def test_a_terminal_that_closes_does_not_matter(
        self, talk: Talk, state_dir: Path, number: signal.Signals
    ) -> None:
        os.kill(keeper_pid(state_dir), number)
        await talk.hello()

    @pytest.mark.parametrize("how", ["asked", "SIGTERM"])
    async def test_it_ends_after_its_children(
        self, talk: Talk, state_dir: Path, news: Fifo, gate: Fifo, how: str
    ) -> None:
        pid = keeper_pid(state_dir)
        text = f"trap 'echo ending > {news.path}; read line < {gate.path}; exit 6' TERM; echo > {news.path}"
        await talk.launch("one", f"{text}; while :; do sleep 1000 & wait; done")
        await news.line()
        if how == "asked":
            assert "error" not in await talk.ask("close", kill_after_s=20.0)
        else:
            os.kill(pid, signal.SIGTERM)
        assert await news.line() == "ending"
        assert "nothing is started any more" in (await talk.launch("two", "exit 0"))["error"]
        assert is_alive(pid)
        gate.let_pass()
        assert (await talk.exited())["ended"] == [6, None]
        assert await talk.hear() is None
        await end_of(pid)

    async def test_asked_to_close_it_ends_without_a_queue(self, state_dir: Path, news: Fifo) -> None:
        pid = start_keeper(state_dir)
        async with Talk(state_dir) as talk:
            await talk.hello()
            child = await talk.launch(
                "one", f"trap '' TERM; echo > {news.path}; while :; do sleep 1000; done"
            )
            await news.line()
            await talk.ask("close", kill_after_s=0.2)
        await end_of(pid)
        assert not is_alive(child["child"]["identity"][0])
