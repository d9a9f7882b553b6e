# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a script, as its client sees it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from lsst.ts.scriptqueue.bus import BusError
from lsst.ts.scriptqueue.sal import AckError, ExpectedError, Remote, ScriptState
from lsst.ts.scriptqueue.sal.errors import ComponentError
from lsst.ts.scriptqueue.testing import run, script_case

from .subject import Subject

S = ScriptState


@pytest.mark.virtual_time
async def test_a_script_that_does_well() -> None:
    async with script_case(Subject) as case:
        assert case.description.classname == "Subject"
        await case.configure("step_s: 100", blockId="BL123_O_20231205_000007", executionId="x")
        assert (case.metadata.duration, case.metadata.totalCheckpoints) == (200, 2)
        began = case.clock.tai()
        assert await case.run("group") is S.DONE
        assert case.clock.tai() - began == pytest.approx(200, abs=1e-6)
        assert case.states == [S.UNCONFIGURED, S.CONFIGURED, S.RUNNING, S.ENDING, S.DONE]
        assert case.checkpoints == ["start", "end"]
        assert case.script.calls == ["configure", "run", "cleanup"]
        state = case.script.state
        assert (state.groupId, state.blockId, state.executionId) == ("group", "BL123_O_20231205_000007", "x")
        assert (state.dayObs, state.blockExecution) == (20231205, 7)
        assert case.script.exit_code == 0


@pytest.mark.virtual_time
async def test_each_state_has_its_time() -> None:
    async with script_case(Subject) as case:
        await case.configure("step_s: 5")
        await case.run()
        stamps = case.script.timestamps
        assert list(stamps) == case.states
        assert stamps[S.DONE] - stamps[S.RUNNING] == pytest.approx(10, abs=1e-6)


@pytest.mark.parametrize(
    ("fail", "reason"),
    [
        ("configure", "configure failed: ValueError: a mistake in configure"),
        ("configure expectedly", "configure failed: no configure today"),
    ],
)
@pytest.mark.virtual_time
async def test_configure_that_fails(fail: str, reason: str) -> None:
    async with script_case(Subject) as case:
        with pytest.raises(AckError) as refused:
            await case.configure({"fail": fail})
        assert refused.value.ackcmd.result == f"Failed: {reason}"
        assert await case.end() is S.CONFIGURE_FAILED
        assert case.states == [S.UNCONFIGURED, S.CONFIGURE_FAILED]
        assert case.reason == reason
        assert case.script.calls == ["configure"]
        assert case.script.exit_code == 1


@pytest.mark.virtual_time
async def test_metadata_with_a_field_that_does_not_exist() -> None:
    async with script_case(Subject) as case:
        with pytest.raises(AckError, match="no field durration"):
            await case.configure("fail: metadata")
        assert await case.end() is S.CONFIGURE_FAILED


@pytest.mark.parametrize(
    ("fail", "ends", "reason"),
    [
        ("run", [S.FAILING, S.FAILED], "run failed: ValueError: a mistake in run"),
        ("run expectedly", [S.FAILING, S.FAILED], "run failed: no run today"),
        ("cleanup", [S.ENDING, S.FAILED], "cleanup failed: ValueError: a mistake in cleanup"),
    ],
)
@pytest.mark.virtual_time
async def test_run_that_fails(fail: str, ends: list[ScriptState], reason: str) -> None:
    async with script_case(Subject) as case:
        await case.configure({"fail": fail})
        assert await case.run() is S.FAILED
        assert case.states == [S.UNCONFIGURED, S.CONFIGURED, S.RUNNING, *ends]
        assert case.reason == reason
        assert case.script.calls == ["configure", "run", "cleanup"]
        assert case.script.exit_code == 1
        assert reason in case.log


@pytest.mark.virtual_time
async def test_an_error_that_was_expected_logs_no_traceback() -> None:
    for fail, has_traceback in (("run", True), ("run expectedly", False)):
        async with script_case(Subject) as case:
            await case.configure({"fail": fail})
            await case.run()
            relayed = case.remote.evt_logMessage.get()
            assert bool(relayed.traceback) is has_traceback


@pytest.mark.virtual_time
async def test_a_group_of_errors_is_told_one_by_one() -> None:
    class Several(Subject):
        async def run(self) -> None:
            raise ExceptionGroup("several", [ValueError("one"), ExceptionGroup("", [ExpectedError("two")])])

    async with script_case(Several) as case:
        await case.configure()
        assert await case.run() is S.FAILED
        assert case.reason == "run failed: ValueError: one; two"


@pytest.mark.parametrize("has_run", [False, True])
@pytest.mark.virtual_time
async def test_stop_before_it_runs(has_run: bool) -> None:
    async with script_case(Subject) as case:
        if has_run:
            await case.configure()
        assert await case.stop() is S.STOPPED
        assert case.states[-2:] == [S.STOPPING, S.STOPPED]
        assert "cleanup" not in case.script.calls
        assert case.script.exit_code == 0


@pytest.mark.virtual_time
async def test_stop_while_it_is_configured() -> None:
    async with script_case(Subject) as case:
        configuring = asyncio.create_task(case.configure("hang: configure"))
        await case.script.began.wait()
        with pytest.raises(AckError, match="Cannot configure: it is being configured already"):
            await case.configure()
        assert await case.stop() is S.STOPPED
        with pytest.raises(AckError, match="stopped while it was being configured"):
            await configuring
        assert case.states == [S.UNCONFIGURED, S.STOPPING, S.STOPPED]


@pytest.mark.parametrize("pause", ["", "start"], ids=["running", "paused"])
@pytest.mark.virtual_time
async def test_stop_while_it_runs(pause: str) -> None:
    async with script_case(Subject) as case:
        await case.configure("step_s: 100", pauseCheckpoint=pause)
        await case.start_run()
        if pause:
            await case.wait_for(S.PAUSED)
        assert await case.stop() is S.STOPPED
        assert case.states[-3:] == [S.PAUSED if pause else S.RUNNING, S.STOPPING, S.STOPPED]
        assert case.script.calls == ["configure", "run", "cleanup"]


@pytest.mark.virtual_time
async def test_a_script_that_overhears_its_stop_ends_at_its_next_checkpoint() -> None:
    async with script_case(Subject) as case:
        await case.configure({"checkpoints": ["one", "two", "three"], "hang": "after stop"})
        await case.start_run()
        await case.wait_for_checkpoint("one")
        assert await case.stop() is S.STOPPED
        assert case.checkpoints == ["one"]


@pytest.mark.virtual_time
async def test_a_script_that_returns_after_its_stop_was_stopped() -> None:
    class Yielding(Subject):
        async def run(self) -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await self.go_on.wait()

    async with script_case(Yielding) as case:
        await case.configure()
        await case.start_run()
        assert await case.stop() is S.STOPPED


@pytest.mark.virtual_time
async def test_a_script_that_fails_while_it_is_stopped_failed() -> None:
    class Clumsy(Subject):
        async def run(self) -> None:
            try:
                await self.go_on.wait()
            finally:
                raise ValueError("dropped it")

    async with script_case(Clumsy) as case:
        await case.configure()
        await case.start_run()
        assert await case.stop() is S.FAILED
        assert case.reason == "run failed: ValueError: dropped it"


@pytest.mark.virtual_time
async def test_a_script_may_stop_itself() -> None:
    class Tired(Subject):
        async def run(self) -> None:
            raise asyncio.CancelledError

    async with script_case(Tired) as case:
        await case.configure()
        assert await case.run() is S.STOPPED


@pytest.mark.virtual_time
async def test_the_heartbeat_goes_on_to_the_end() -> None:
    async with script_case(Subject) as case:
        beats: list[float] = []
        case.remote.evt_heartbeat.callback = lambda data: beats.append(case.clock.tai())
        await case.configure("step_s: 50")
        await case.run()
        assert len(beats) in (20, 21)
        assert beats[5] - beats[4] == pytest.approx(5, abs=1e-6)


@pytest.mark.virtual_time
async def test_the_log_level_of_a_configuration_is_taken() -> None:
    async with script_case(Subject) as case:
        await case.configure(logLevel=10)
        assert case.script.log.level == 10
        assert case.remote.evt_logLevel.get().level == 10


@pytest.mark.virtual_time
async def test_remotes_made_before_the_start_are_described_and_started() -> None:
    class Commanding(Subject):
        def __init__(self, index: int) -> None:
            super().__init__(index)
            self.queue = Remote(self.domain, "ScriptQueue", 1)
            self.other = Remote(self.domain, "Script", 7)

    async with script_case(Commanding) as case:
        assert case.description.remotes == "Script:7,ScriptQueue:1"
        assert case.script.queue.evt_queue.get() is None


@pytest.mark.virtual_time
async def test_a_script_is_not_ready_before_its_remotes_are() -> None:
    go_on = asyncio.Event()

    class Slow(Remote):
        async def start(self) -> None:
            await go_on.wait()
            await super().start()

    class Commanding(Subject):
        def __init__(self, index: int) -> None:
            super().__init__(index)
            self.queue = Slow(self.domain, "ScriptQueue", 1)

    asyncio.get_running_loop().call_later(100, go_on.set)
    began = asyncio.get_running_loop().time()
    async with script_case(Commanding) as case:
        assert case.states == [S.UNCONFIGURED]
        assert asyncio.get_running_loop().time() - began == pytest.approx(100)


@pytest.mark.virtual_time
async def test_a_second_stop_does_not_cut_the_first_one_short() -> None:
    class Careful(Subject):
        async def run(self) -> None:
            try:
                await self.go_on.wait()
            finally:
                await self.go_on.wait()
                self.calls.append("put away")

    async with script_case(Careful) as case:
        await case.configure()
        await case.start_run()
        for _ in range(2):
            await case.remote.cmd_stop.set_start(timeout=1)
        case.script.go_on.set()
        assert await case.end() is S.STOPPED
        assert case.script.calls == ["configure", "put away", "cleanup"]


@pytest.mark.virtual_time
async def test_acknowledgements_arrive_before_the_end() -> None:
    """The answer to `run` is the last thing a script says, and is not lost."""
    async with script_case(Subject) as case:
        await case.configure()
        await case.remote.cmd_setGroupId.set_start(groupId="g", timeout=1)
        ack = await case.remote.cmd_run.set_start(timeout=1000)
        assert ack.result == "Done"
        assert case.state is S.DONE
        await case.end()


@pytest.mark.virtual_time
async def test_a_cancelled_process_leaves_no_final_state() -> None:
    async with script_case(Subject) as case:
        await case.configure("step_s: 100")
        await case.start_run()
        await case.script.close()
        assert case.states[-1] is S.RUNNING
        assert case.script.calls == ["configure", "run"]
        assert case.script.exit_code == 1


def test_index_zero_is_refused() -> None:
    """It would answer for all scripts."""

    async def start() -> None:
        with pytest.raises(ComponentError, match="above 0"):
            async with script_case(Subject, index=0):
                pass

    run(start())


@pytest.mark.virtual_time
async def test_a_script_whose_bus_breaks_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def send(topic: object, message: object) -> None:
        raise BusError("the wire was cut")

    async with script_case(Subject) as case:
        await case.configure("step_s: 100")
        await case.start_run()
        monkeypatch.setattr(case.script, "send", send)
        async with asyncio.timeout(1000):
            await case.script.done_task
        assert case.script.calls == ["configure", "run"]
        assert case.script.exit_code == 1
