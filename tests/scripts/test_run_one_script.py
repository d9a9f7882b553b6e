# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``run_one_script`` with real scripts over DDS."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.cli.run_one_script import Exit, main

from .packaged import PACKAGED
from .real import SOON_S, write_script

PROGRAM = (sys.executable, "-m", "lsst.ts.scriptqueue.cli.run_one_script")

IMAGES = str(PACKAGED["standard/take_images.py"])


class Console:
    """What the program prints, and the keys it is pressed."""

    def __init__(self, process: asyncio.subprocess.Process, keys: int | None) -> None:
        self.process = process
        self.text = ""
        self._keys = keys

    async def prints(self, text: str) -> None:
        """Wait until something has been printed."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SOON_S):
            while text not in self.text:
                line = await self.process.stdout.readline()
                assert line, f"it ended without {text!r}:\n{self.text}"
                self.text += line.decode()

    def press_enter(self) -> None:
        assert self._keys is not None
        os.write(self._keys, b"\n")

    async def ends(self) -> Exit:
        """Wait until it has ended."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SOON_S):
            self.text += (await self.process.stdout.read()).decode()
            return Exit(await self.process.wait())


@contextlib.asynccontextmanager
async def run_one_script(
    *words: str, stdin: str = "", has_keys: bool = False, **environment: str
) -> AsyncIterator[Console]:
    ours, theirs = pty.openpty() if has_keys else (None, None)
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *words,
        stdin=theirs if has_keys else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environment},
    )
    if process.stdin is not None:
        process.stdin.write(stdin.encode())
        process.stdin.close()
    try:
        yield Console(process, ours)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        for descriptor in (ours, theirs):
            if descriptor is not None:
                os.close(descriptor)


@pytest.mark.system
@pytest.mark.parametrize(
    ("name", "words", "status", "printed"),
    [
        (
            "standard/take_images.py",
            ["--parameters", "exposures=2", "filter=r", "--group-id", "mine"],
            Exit.DONE,
            [
                "UNCONFIGURED",
                "takes about 1 s",
                "checkpoint 2 of 2: exposure 2 of 2",
                "mine#2",
                "ENDING",
                "DONE",
            ],
        ),
        (
            "external/fails_while_running.py",
            [],
            Exit.FAILED,
            [
                "FAILING: run failed: RuntimeError: the mirror covers",
                "raise RuntimeError(",
                "FAILED: run failed",
            ],
        ),
        (
            "external/cannot_configure.py",
            [],
            Exit.CONFIGURE_FAILED,
            ["CONFIGURE_FAILED: configure failed: Polaris"],
        ),
        (
            "standard/take_images.py",
            ["--parameters", "exposures=none"],
            Exit.CONFIGURE_FAILED,
            ["CONFIGURE_FAILED: configure failed: exposures: 'none' is not of type integer"],
        ),
        (
            "standard/take_images.py",
            ["--stop-checkpoint", "exposure 2.*"],
            Exit.STOPPED,
            ["STOPPED: stopped at checkpoint 'exposure 2 of 3'"],
        ),
        (
            "external/dies_while_running.py",
            ["--parameters", "after=0.1"],
            Exit.DIED,
            ["its process ended with exit code 3, in state RUNNING", "a library called abort()"],
        ),
        (
            "external/blocks_the_loop.py",
            ["--parameters", "duration=1.5"],
            Exit.DONE,
            ["WARNING: the event loop is blocked, here", "time.sleep(self.duration)"],
        ),
        (
            "standard/pause_queue.py",
            ["--schema"],
            Exit.DONE,
            [],
        ),
        ("standard/home_dome.py", ["--loglevel", "ERROR"], Exit.DONE, ["checkpoint 4 of 4: turn to 360"]),
    ],
)
async def test_a_script_and_its_outcome(
    name: str, words: list[str], status: Exit, printed: list[str]
) -> None:
    async with run_one_script(str(PACKAGED[name]), *words) as console:
        assert await console.ends() is status, console.text
        for text in printed:
            assert text in console.text, console.text


@pytest.mark.system
async def test_the_configuration_may_come_from_a_file_or_from_stdin(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("exposures: 1\n")
    for words, stdin in ((["--config", str(file)], ""), (["--config", "-"], "exposures: 1\n")):
        async with run_one_script(IMAGES, *words, stdin=stdin) as console:
            assert await console.ends() is Exit.DONE
            assert "checkpoint 1 of 1" in console.text


@pytest.mark.system
async def test_it_stops_gently_and_reports_an_interruption() -> None:
    async with run_one_script(IMAGES, "--parameters", "exposures=1000") as console:
        await console.prints("checkpoint 1 of 1000")
        console.process.send_signal(signal.SIGINT)
        assert await console.ends() is Exit.INTERRUPTED
        assert "stopping it; Ctrl-C once more ends it at once" in console.text
        assert "STOPPED" in console.text


@pytest.mark.system
async def test_a_second_interruption_ends_what_does_not_stop(tmp_path: Path) -> None:
    body = """
    async def run(self):
        await self.checkpoint("begun")
        while True:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                self.log.info("not yet")
    """
    async with run_one_script(str(write_script(tmp_path / "stubborn.py", body))) as console:
        await console.prints("begun")
        console.process.send_signal(signal.SIGINT)
        await console.prints("not yet")
        console.process.send_signal(signal.SIGINT)
        assert await console.ends() is Exit.INTERRUPTED
        assert "ending it" in console.text
        assert "STOPPED" not in console.text


@pytest.mark.system
async def test_sigterm_ends_it_at_once() -> None:
    async with run_one_script(IMAGES, "--parameters", "exposures=1000") as console:
        await console.prints("checkpoint 1 of 1000")
        console.process.send_signal(signal.SIGTERM)
        assert await console.ends() is Exit.TERMINATED
        assert "STOPPED" not in console.text


@pytest.mark.system
async def test_interrupted_while_it_loads(tmp_path: Path) -> None:
    path = tmp_path / "slow.sh"
    path.write_text("#!/bin/sh\nexec sleep 600\n")
    path.chmod(0o755)
    async with run_one_script(str(path)) as console:
        await console.prints("output in")
        console.process.send_signal(signal.SIGINT)
        assert await console.ends() is Exit.INTERRUPTED


@pytest.mark.system
async def test_a_pause_ends_with_enter() -> None:
    async with run_one_script(IMAGES, "--pause-checkpoint", ".*2 of.*", has_keys=True) as console:
        await console.prints("press Enter to resume")
        console.press_enter()
        assert await console.ends() is Exit.DONE
        assert console.text.index("PAUSED") < console.text.index("checkpoint 3 of 3")


@pytest.mark.system
async def test_a_program_that_is_no_script() -> None:
    async with run_one_script("/bin/false") as console:
        assert await console.ends() is Exit.NOT_STARTED
        assert "ended with exit code 1, in state UNKNOWN" in console.text


@pytest.mark.system
@pytest.mark.parametrize("words", [[], ["--schema"]], ids=["run", "schema"])
async def test_a_script_that_cannot_be_started(words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text("#!/nowhere/python\n")
    path.chmod(0o755)
    async with run_one_script(str(path), *words) as console:
        assert await console.ends() is Exit.NOT_STARTED
        assert console.text.startswith("run_one_script: ")
        assert "/nowhere/python" in console.text
        assert "Traceback" not in console.text


@pytest.mark.system
async def test_no_bus() -> None:
    async with run_one_script(IMAGES, LSST_DDS_DOMAIN_ID="none") as console:
        assert await console.ends() is Exit.NO_BUS
        assert "LSST_DDS_DOMAIN_ID is 'none'" in console.text


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nowhere.py"], "there is no file nowhere.py"),
        ([__file__], "is not executable; make it so with: chmod +x"),
        ([IMAGES, "--parameters", "exposures"], "--parameters takes name=value, not 'exposures'"),
        ([IMAGES, "--parameters", "exposures=[1"], "--parameters exposures: '[1' is not YAML"),
        ([IMAGES, "--config", "/nowhere.yaml"], "/nowhere.yaml cannot be read"),
        ([IMAGES, "--config", __file__, "--parameters", "a=1"], "not allowed with"),
        ([IMAGES, "--loglevel", "loud"], "no level 'loud'; there are CRITICAL"),
    ],
    ids=["no file", "not executable", "no value", "not YAML", "unreadable", "both", "level"],
)
def test_a_wrong_command_line(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == Exit.USAGE
    assert complaint in capsys.readouterr().err
