# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Children: how they start, what they get, how their exit is told."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.launch.contract import Exited, LaunchError
from lsst.ts.scriptqueue.launch.environment import LAUNCH_ID_VARIABLE
from lsst.ts.scriptqueue.launch.kept import KeptLauncher

from .fifo import Fifo
from .stage import Kind, Stage, write_script

pytestmark = pytest.mark.system


@pytest.mark.parametrize(
    ("text", "exit_code", "number"),
    [
        pytest.param("exit 0", 0, None, id="a good end"),
        pytest.param("exit 3", 3, None, id="a bad end"),
        pytest.param("kill -KILL $$", None, signal.SIGKILL, id="killed"),
        pytest.param("kill -SEGV $$", None, signal.SIGSEGV, id="crashed"),
    ],
)
async def test_how_it_ended_is_told(
    stage: Stage, text: str, exit_code: int | None, number: int | None
) -> None:
    exited = await stage.run(text)
    assert (exited.exit_code, exited.signal) == (exit_code, number)
    assert len(stage.told) == 1


async def test_the_exit_names_the_launch(stage: Stage) -> None:
    request = stage.script("exit 0")
    launched = await stage.launch(request)
    exited = await stage.exit_of(launched)
    assert exited.launch_id == launched.launch_id == request.launch_id
    assert exited.sal_index == request.sal_index


async def test_an_exit_is_told_after_the_launch(stage: Stage) -> None:
    launched = await stage.launch(stage.script("exit 0"))
    assert not stage.told
    await stage.exit_of(launched)


async def test_arguments_arrive_as_they_are(stage: Stage) -> None:
    script = write_script(stage.folder / "say", 'printf "<%s>" "$@"')
    exited = await stage.exit_of(await stage.launch(stage.request(script, "100001", "", "a b", "*")))
    assert exited.output_tail == "<100001><><a b><*>"


async def test_both_outputs_go_to_one_file(stage: Stage) -> None:
    launched = await stage.launch(stage.script("echo one; echo two >&2; echo three; exit 1"))
    exited = await stage.exit_of(launched)
    assert exited.output_tail == "one\ntwo\nthree"
    assert Path(launched.output_path).read_text() == "one\ntwo\nthree\n"
    assert stage.output == [Path(launched.output_path)]


async def test_stdin_is_empty(stage: Stage) -> None:
    exited = await stage.run("readlink /proc/self/fd/0; cat; echo end")
    assert exited.output_tail == "/dev/null\nend"


async def test_it_leads_a_session_and_group_of_its_own(stage: Stage) -> None:
    launched = await stage.launch(stage.script('cut -d " " -f 5,6 < /proc/$$/stat'))
    exited = await stage.exit_of(launched)
    assert exited.output_tail == f"{launched.pid} {launched.pid}"


async def test_no_descriptor_is_inherited(stage: Stage) -> None:
    ends = os.pipe()
    for end in ends:
        os.set_inheritable(end, True)
    try:
        exited = await stage.run(
            "import os; print(sorted(os.listdir('/proc/self/fd')))", first_line=f"#!{sys.executable}"
        )
    finally:
        for end in ends:
            os.close(end)
    # The fourth is the listing itself.
    assert exited.output_tail == "['0', '1', '2', '3']"


async def test_it_keeps_the_working_directory(stage: Stage) -> None:
    assert (await stage.run("pwd -P")).output_tail == str(Path.cwd())


async def test_it_gets_the_environment_of_the_request_alone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = stage.script(f'echo "${LAUNCH_ID_VARIABLE}"; echo "$LATER"; echo "$PATH"')
    monkeypatch.setenv("LATER", "set after the request was made")
    before = dict(os.environ)
    exited = await stage.exit_of(await stage.launch(request))
    assert exited.output_tail.split("\n") == [request.launch_id, "", request.environment["PATH"]]
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("first_line", "hint"),
    [
        pytest.param("echo no first line", r"add one", id="no interpreter named"),
        pytest.param("#!/no/such/python", r"'#!/no/such/python', does not exist", id="interpreter missing"),
        pytest.param("#!/bin/sh\r", r"end as on Windows", id="Windows lines"),
        pytest.param("#!/", r"may not be executed", id="interpreter is a folder"),
    ],
)
async def test_what_cannot_be_executed(stage: Stage, first_line: str, hint: str) -> None:
    with pytest.raises(LaunchError, match=hint):
        await stage.launch(stage.script("exit 0", first_line=first_line))
    assert not stage.output
    await stage.launcher.aclose()
    assert not stage.told


async def test_what_is_not_executable(stage: Stage) -> None:
    script = write_script(stage.folder / "plain", "exit 0", mode=0o644)
    with pytest.raises(LaunchError, match=rf"not executable; make it so with: chmod \+x {script}"):
        await stage.launch(stage.request(script))


async def test_what_is_not_there(stage: Stage) -> None:
    with pytest.raises(LaunchError, match="No such file or directory"):
        await stage.launch(stage.request(stage.folder / "missing"))


async def test_an_argument_that_cannot_be_passed(stage: Stage) -> None:
    script = write_script(stage.folder / "script", "exit 0")
    with pytest.raises(LaunchError, match="null byte"):
        await stage.launch(stage.request(script, "\0"))


async def test_a_state_directory_that_cannot_be_written(tmp_path: Path, kind: Kind) -> None:
    (tmp_path / "state").write_text("a file")
    stage = Stage(tmp_path, kind)
    complaint = "no keeper can be had" if kind is KeptLauncher else "no output file can be made"
    with pytest.raises(LaunchError, match=complaint):
        await stage.launch(stage.script("exit 0"))
    await stage.launcher.aclose()


async def test_an_id_that_runs_is_refused(stage: Stage, gate: Fifo) -> None:
    request = stage.script(f"read line < {gate.path}")
    launched = await stage.launch(request)
    with pytest.raises(LaunchError, match="an id of its own"):
        await stage.launch(request)
    gate.let_pass()
    assert (await stage.exit_of(launched)).exit_code == 0


async def test_a_failing_listener_keeps_no_exit_from_the_others(stage: Stage) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: complaints.append(context["exception"])
    )

    def fail(_: object) -> None:
        raise ValueError("listener")

    heard: list[Exited] = []
    stage.launcher.on_exit(fail)
    stage.launcher.on_exit(heard.append)
    exited = await stage.run("exit 0")
    await stage.launcher.aclose()
    assert heard == [exited]
    assert [str(complaint) for complaint in complaints] == ["listener"]
