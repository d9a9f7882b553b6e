# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts that misbehave, each a real process; none disturbs the others.

Every test lets a well-behaved script run after the bad one: what a bad script
does must never keep the next from running.
"""

from __future__ import annotations

import asyncio
import pathlib
import sys
import textwrap

import pytest

from lsst.ts.scriptqueue.sal import ScriptProcessState, ScriptState

from .night import Night, a_night, is_alive
from .service import scripts_in

pytestmark = pytest.mark.system


async def check_that_others_run(night: Night) -> None:
    """A good script added now is run."""
    if not night.last_queue.running:
        await night.command("resume")
    last = await night.gone(await night.add("good.py"))
    assert (last.processState, last.scriptState) == (ScriptProcessState.DONE, ScriptState.DONE)


async def test_one_that_exits_at_once(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        night.write("bad", "echo gone already; exit 3", "/bin/sh")
        index = await night.add("bad")
        last = await night.gone(index)
        assert (last.processState, last.scriptState) == (ScriptProcessState.LOADFAILED, ScriptState.UNKNOWN)
        assert "exit code 3; it printed last: gone already" in night.model.reason(index)
        assert night.last_queue.running
        await check_that_others_run(night)


async def test_one_that_never_reports(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path, load_s=0.5) as night:
        night.write("bad", "exec tail -f /dev/null", "/bin/sh")
        index = await night.add("bad")
        last = await night.gone(index)
        assert (last.processState, last.scriptState) == (ScriptProcessState.LOADFAILED, ScriptState.UNKNOWN)
        assert "not loaded within 0.5 s" in night.model.reason(index)


async def test_one_that_ignores_sigterm(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path, kill_after_s=0.3) as night:
        night.write("bad", "trap '' TERM; while :; do read line < /dev/zero; done", "/bin/sh")
        index = await night.add("bad")
        await night.stop([index])
        last = night.shown[index]
        assert (last.processState, last.scriptState) == (ScriptProcessState.TERMINATED, ScriptState.UNKNOWN)
        await check_that_others_run(night)


async def test_one_whose_children_go_their_own_way(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        pids = tmp_path / "pids"
        night.write(
            "bad",
            f"""
            setsid tail -f /dev/null & echo $! >> {pids}
            tail -f /dev/null & echo $! >> {pids}
            exit 0
            """,
            "/bin/sh",
        )
        await night.ended(await night.add("bad"))
        for pid in pids.read_text().split():
            assert not is_alive(int(pid))
        await check_that_others_run(night)


async def test_one_that_writes_megabytes(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        night.write("bad", "head -c 30000000 /dev/zero | tr '\\0' 'x'; exit 1", "/bin/sh")
        index = await night.add("bad")
        await night.ended(index)
        assert len(night.model.reason(index)) < 3000
        await check_that_others_run(night)


async def test_one_that_is_killed_while_it_runs(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        index = await night.add("good.py", "wait: true")
        await night.reached(index, ScriptState.RUNNING)
        [process] = [child for child in scripts_in(tmp_path / "state") if str(index) in child.cmdline()]
        process.kill()
        await night.until("the queue paused", lambda: not night.last_queue.running)
        await night.until("it failed", lambda: night.shown[index].scriptState == ScriptState.FAILED)
        last = night.shown[index]
        assert (last.processState, last.scriptState) == (ScriptProcessState.DONE, ScriptState.FAILED)
        assert night.last_queue.currentSalIndex == index
        assert "SIGKILL" in night.model.reason(index)
        await check_that_others_run(night)
        assert index in night.past


async def test_one_that_is_killed_while_it_waits(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        await night.command("pause")
        index = await night.add("good.py")
        await night.reached(index, ScriptState.CONFIGURED)
        [process] = [child for child in scripts_in(tmp_path / "state") if str(index) in child.cmdline()]
        process.kill()
        last = await night.gone(index)
        assert (last.processState, last.scriptState) == (ScriptProcessState.DONE, ScriptState.FAILED)
        await check_that_others_run(night)


async def test_one_that_fails(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        index = await night.add("good.py", "fail: true")
        await night.until("the queue paused", lambda: not night.last_queue.running)
        await night.until("it failed", lambda: night.shown[index].scriptState == ScriptState.FAILED)
        assert night.last_queue.currentSalIndex == index
        assert night.shown[index].scriptState == ScriptState.FAILED
        assert "told to fail" in night.model.reason(index)
        await check_that_others_run(night)


async def test_one_that_does_not_exit_after_its_end(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path, exit_s=0.3) as night:
        night.write(
            "bad.py",
            """
            import asyncio, runpy, sys, threading
            try:
                runpy.run_path(sys.argv[0].replace("bad.py", "good.py"), run_name="__main__")
            except SystemExit:
                pass
            threading.Event().wait()
            """,
        )
        index = await night.add("bad.py")
        last = await night.gone(index)
        assert (last.processState, last.scriptState) == (ScriptProcessState.DONE, ScriptState.DONE)
        assert "does not exit by itself" in night.model.story(index)


#: A script that speaks the protocol by itself, so that it can get it wrong.
RAW = """
    import asyncio, sys
    from lsst.ts.scriptqueue.sal import Controller, Domain

    class Script(Controller):
        async def do_configure(self, data):
            await self.configured()
        async def do_setGroupId(self, data):
            pass
        async def do_run(self, data):
            await self.ran()
        async def do_resume(self, data): pass
        async def do_setCheckpoints(self, data): pass
        async def do_stop(self, data): pass
        async def say(self, *states):
            for state in states:
                await self.evt_state.set_write(state=state, force_output=True)
        async def configured(self):
            await self.say(2)
        async def ran(self):
            await self.say(3, 5, 8)
            self.over.set()

    class Bad(Script):
        pass
{body}
    async def main():
        async with Domain.connect(leaf=True) as domain:
            script = Bad(domain, "Script", int(sys.argv[1]))
            script.over = asyncio.Event()
            async with script:
                await script.evt_description.set_write(classname="Bad")
                await script.evt_metadata.set_write(duration=1)
                await script.say(1)
                await script.over.wait()

    asyncio.run(main())
"""


def raw(body: str) -> str:
    """A raw script, with what is wrong about it."""
    return RAW.format(body=textwrap.indent(textwrap.dedent(body), " " * 8))


@pytest.mark.parametrize(
    ("body", "state"),
    [
        pytest.param(
            "async def ran(self):\n    await self.say(3, 3, 5, 5, 8, 8, 3)\n    self.over.set()",
            ScriptState.DONE,
            id="reports every state twice, and RUNNING after DONE",
        ),
        pytest.param(
            "async def configured(self):\n    await self.say(1, 2, 1, 2)", ScriptState.DONE, id="wavers"
        ),
        pytest.param(
            "async def ran(self):\n    await self.say(8)\n    self.over.set()",
            ScriptState.DONE,
            id="is DONE without having been RUNNING",
        ),
        pytest.param(
            "async def configured(self):\n    await self.say(2)\n    await self.say(9)\n    self.over.set()",
            ScriptState.STOPPED,
            id="stops by itself while it waits",
        ),
        pytest.param(
            "async def ran(self):\n    await self.say(77, 3, 8)\n    self.over.set()",
            ScriptState.DONE,
            id="reports a state that does not exist",
        ),
    ],
)
async def test_one_that_reports_out_of_order(tmp_path: pathlib.Path, body: str, state: ScriptState) -> None:
    async with a_night(tmp_path) as night:
        night.write("bad.py", raw(body))
        index = await night.add("bad.py")
        last = await night.gone(index)
        assert last.scriptState == state
        assert night.past == [index]
        await check_that_others_run(night)


async def test_one_that_runs_without_having_been_told_to(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path, stop_s=0.3) as night:
        night.write("bad.py", raw("async def configured(self):\n    await self.say(2, 3)"))
        await night.command("pause")
        index = await night.add("bad.py")
        last = await night.gone(index)
        assert last.processState == ScriptProcessState.TERMINATED
        assert "without having been told" in night.model.story(index)
        await check_that_others_run(night)


async def test_one_that_refuses_its_group_id(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        night.write(
            "bad.py", raw("async def do_setGroupId(self, data):\n    raise RuntimeError('no thanks')")
        )
        index = await night.add("bad.py")
        last = await night.gone(index)
        assert last.processState == ScriptProcessState.TERMINATED
        assert "no thanks" in night.model.reason(index)
        await check_that_others_run(night)


async def test_one_that_never_configures(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path, configure_s=0.3) as night:
        night.write("bad.py", raw("async def configured(self):\n    pass"))
        index = await night.add("bad.py")
        last = await night.gone(index)
        assert (last.processState, last.scriptState) == (
            ScriptProcessState.CONFIGURE_FAILED,
            ScriptState.UNCONFIGURED,
        )
        assert "not configured within 0.3 s" in night.model.reason(index)


async def test_one_that_reports_for_an_index_that_nobody_knows(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(tmp_path / "standard" / "good.py"), "177777")
        )
        try:
            await night.reached(177777, ScriptState.UNCONFIGURED)
            await check_that_others_run(night)
            assert 177777 not in night.shown
        finally:
            process.terminate()
            await process.wait()
