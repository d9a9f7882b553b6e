# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper and its children, as one sees them who asks through the socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.keeper.identity import identity_of
from lsst.ts.scriptqueue.keeper.launch_id import LAUNCH_ID_VARIABLE

from ..launch.fifo import Fifo
from ..launch.stage import is_alive
from .talk import Talk, keeper_pid

pytestmark = pytest.mark.system

NOBODY = 2**22 + 1

#: Leaves the group, the session and the family.
DAEMON = (
    "(setsid sh -c 'trap \"\" TERM; echo $$ > {news}; read line < {gate}' &) ; read line < {gate}; exit 4"
)


async def test_an_exit_is_told_and_kept_until_it_is_taken(talk: Talk, state_dir: Path) -> None:
    child = (await talk.launch("one", "echo said; exit 3"))["child"]
    exited = dict(await talk.exited())
    ago_s = exited.pop("ended_ago_s")
    assert 0.0 <= ago_s < 60.0
    del child["ended_ago_s"]
    assert exited == {"push": "exited", **child, "ended": [3, None]}
    assert (state_dir / "one.log").read_text() == "said\n"
    (kept,) = (await talk.hello())["children"]
    assert kept.pop("ended_ago_s") >= ago_s
    assert kept == {**child, "ended": [3, None]}
    assert "error" not in await talk.ask("taken", launch_id="one")
    assert (await talk.hello())["children"] == []


async def test_the_exit_of_one_that_lives_cannot_be_taken(talk: Talk) -> None:
    await talk.launch("one", "sleep 1000")
    assert "one lives" in (await talk.ask("taken", launch_id="one"))["error"]


async def test_a_launch_happens_once(talk: Talk, news: Fifo, gate: Fifo) -> None:
    text = f"echo $$ > {news.path}; read line < {gate.path}"
    first = await talk.launch("one", text)
    second = await talk.launch("one", text, search=True)
    assert first["child"] == second["child"]
    gate.let_pass()
    exited = await talk.exited()
    third = await talk.launch("one", text)
    assert third["child"]["ended"] == exited["ended"] == [0, None]
    assert await news.pid() == first["child"]["identity"][0]
    await talk.launch("two", f"echo nobody else > {news.path}")
    assert await news.line() == "nobody else"


async def test_fifty_at_once(talk: Talk, gate: Fifo) -> None:
    answers = [await talk.launch(f"script {n}", f"read line < {gate.path}; exit {n}") for n in range(50)]
    assert len({answer["child"]["identity"][0] for answer in answers}) == 50
    for _ in answers:
        gate.let_pass()
    exits = [await talk.exited() for _ in answers]
    assert {exited["launch_id"]: exited["ended"] for exited in exits} == {
        f"script {n}": [n, None] for n in range(50)
    }


async def test_nothing_of_the_keepers_is_inherited(talk: Talk, state_dir: Path) -> None:
    text = "import os; print(*sorted(os.listdir('/proc/self/fd')), os.getcwd(), os.getsid(0) == os.getpid())"
    await talk.launch("one", "", executable=sys.executable, arguments=["-c", text], cwd="/usr")
    await talk.exited()
    # The fourth descriptor is the listing itself.
    assert (state_dir / "one.log").read_text() == "0 1 2 3 /usr True\n"
    assert os.readlink(f"/proc/{keeper_pid(state_dir)}/cwd") == "/"


async def test_what_the_keeper_ignores_a_child_does_not(talk: Talk, state_dir: Path) -> None:
    await talk.launch("one", "grep -E 'Sig(Ign|Blk)' /proc/self/status")
    await talk.exited()
    _, blocked, _, ignored = (state_dir / "one.log").read_text().split()
    assert int(blocked, 16) == 0
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGCHLD):
        assert not int(ignored, 16) & 1 << (number - 1), number.name


async def test_a_child_that_forks_away_is_ended_with_its_leader(talk: Talk, news: Fifo, gate: Fifo) -> None:
    await talk.launch("one", DAEMON.format(news=news.path, gate=gate.path))
    daemon = await news.pid()
    await talk.ask("terminate", launch_id="one", kill_after_s=5.0)
    assert (await talk.exited())["ended"] == [None, signal.SIGTERM]
    assert not is_alive(daemon)


async def test_orphans_are_reaped_while_their_script_runs(
    talk: Talk, state_dir: Path, news: Fifo, gate: Fifo
) -> None:
    text = f"(sh -c 'echo $$ > {news.path}; read line < {gate.path}' &); exec sleep 1000"
    leader = (await talk.launch("one", text))["child"]["identity"][0]
    orphan, pid = await news.pid(), keeper_pid(state_dir)
    children = Path(f"/proc/{pid}/task/{pid}/children")
    assert set(map(int, children.read_text().split())) == {leader, orphan}
    gate.let_pass()
    # A zombie has its folder until it is reaped.
    while Path(f"/proc/{orphan}").exists():
        await talk.hello()
    assert children.read_text().split() == [str(leader)]


async def test_a_stopped_child_is_ended(talk: Talk, news: Fifo) -> None:
    await talk.launch("one", f"trap 'exit 7' TERM; echo ready > {news.path}; kill -STOP $$; read line")
    await news.line()
    await talk.ask("terminate", launch_id="one", kill_after_s=10.0)
    assert (await talk.exited())["ended"] == [7, None]


async def test_one_that_does_not_care_is_killed(talk: Talk, news: Fifo) -> None:
    await talk.launch("one", f"trap '' TERM; echo ready > {news.path}; while :; do sleep 1000; done")
    await news.line()
    for kill_after_s in (0.1, 100.0):
        await talk.ask("terminate", launch_id="one", kill_after_s=kill_after_s)
    assert (await talk.exited())["ended"] == [None, signal.SIGKILL]


async def test_what_is_in_a_hurry_need_not_wait(talk: Talk, news: Fifo) -> None:
    await talk.launch("one", f"trap '' TERM; echo ready > {news.path}; while :; do sleep 1000; done")
    await news.line()
    for kill_after_s in (100.0, 0.0):
        await talk.ask("terminate", launch_id="one", kill_after_s=kill_after_s)
    assert (await talk.exited())["ended"] == [None, signal.SIGKILL]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        pytest.param({"executable": "/no/such"}, "/no/such cannot be started: No such file", id="no program"),
        pytest.param({"cwd": "/no/such"}, "the working directory /no/such is gone", id="no directory"),
        pytest.param({"output_path": "/no/such/one.log"}, "can be made in /no/such: No such", id="no folder"),
        pytest.param({"arguments": ["\0"]}, "null byte", id="null byte"),
        pytest.param({"arguments": "-c"}, "'arguments' must be a list", id="wrong type"),
    ],
)
async def test_what_cannot_be_started(
    talk: Talk, state_dir: Path, fields: dict[str, object], complaint: str
) -> None:
    assert complaint in (await talk.launch("one", "exit 0", **fields))["error"]
    assert not (state_dir / "one.log").exists()
    assert (await talk.launch("one", "exit 0"))["child"]["ended"] is None
    assert (await talk.exited())["ended"] == [0, None]


class TestAdoption:
    """Of processes that are no children of the keeper: here they are those of the test."""

    @pytest.fixture
    async def foundling(self, talk: Talk) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", "sleep 1000 & wait"],
            env={**os.environ, LAUNCH_ID_VARIABLE: talk.full_id("one")},
            start_new_session=True,
        )

    async def test_it_is_watched(self, talk: Talk, foundling: subprocess.Popen[bytes]) -> None:
        answer = await self.adopt(talk, list(identity_of(foundling.pid)))
        assert not answer["is_gone"]
        foundling.kill()
        foundling.wait()
        assert (await talk.exited())["ended"] == [None, None]

    async def test_it_is_ended(self, talk: Talk, foundling: subprocess.Popen[bytes]) -> None:
        await self.adopt(talk, list(identity_of(foundling.pid)))
        await talk.ask("terminate", launch_id="one", kill_after_s=5.0)
        assert (await talk.exited())["ended"] == [None, None]
        assert foundling.wait() == -signal.SIGTERM

    @pytest.mark.parametrize(
        ("position", "value"), [(1, 1), (2, "another"), (3, 1)], ids=["reused", "boot", "namespace"]
    )
    async def test_another_process_is_not_touched(self, talk: Talk, position: int, value: object) -> None:
        with subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True) as stranger:
            identity: list[object] = list(identity_of(stranger.pid))
            identity[position] = value
            assert (await self.adopt(talk, identity))["is_gone"]
            await talk.ask("terminate", launch_id="one", kill_after_s=0.0)
            assert (await talk.exited())["ended"] == [None, None]
            assert is_alive(stranger.pid)
            stranger.kill()

    async def test_what_one_that_is_gone_left_behind_is_ended(
        self, talk: Talk, foundling: subprocess.Popen[bytes]
    ) -> None:
        identity = identity_of(foundling.pid)
        assert (await self.adopt(talk, [NOBODY, *identity[1:]]))["is_gone"]
        await talk.exited()
        assert foundling.wait() == -signal.SIGKILL

    async def test_it_is_found_by_its_launch_id(
        self, talk: Talk, foundling: subprocess.Popen[bytes], tmp_path: Path
    ) -> None:
        answer = await talk.launch("one", f"touch {tmp_path}/started_again", search=True)
        assert answer["child"]["identity"] == list(identity_of(foundling.pid))
        foundling.kill()
        foundling.wait()
        await talk.exited()
        assert not (tmp_path / "started_again").exists()

    async def test_where_none_is_found_one_is_started(self, talk: Talk) -> None:
        assert (await talk.launch("one", "exit 5", search=True))["child"]["ended"] is None
        assert (await talk.exited())["ended"] == [5, None]

    async def adopt(self, talk: Talk, identity: list[object]) -> dict[str, object]:
        return dict(
            await talk.ask(
                "adopt", launch_id="one", sal_index=100001, output_path="/output", identity=identity
            )
        )
