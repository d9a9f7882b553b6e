# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program itself, as a process, beside a real queue over DDS."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Callable, Iterator
from subprocess import PIPE
from typing import Any

import pytest

from lsst.ts.scriptqueue.sal.enums import ScriptState

pytestmark = pytest.mark.system

#: Nothing here may take longer (seconds).
SOON_S = 40.0

PROGRAM = (sys.executable, "-m", "lsst.ts.scriptqueue.cli.command_script_queue")
SERVICE = (sys.executable, "-m", "lsst.ts.scriptqueue.cli.run_script_queue")

SCRIPT = f"""#!{sys.executable}
import asyncio

from lsst.ts.scriptqueue.sal.base_script import BaseScript


class Slew(BaseScript):
    def __init__(self, index):
        super().__init__(index, "slews")

    @classmethod
    def get_schema(cls):
        return {{
            "type": "object",
            "properties": {{"az": {{"type": "number"}}, "stuck": {{"type": "boolean", "default": False}}}},
            "required": ["az"],
            "additionalProperties": False,
        }}

    async def configure(self, config):
        self.config = config

    def set_metadata(self, metadata):
        metadata.duration = 1

    async def run(self):
        await self.checkpoint("slewing")
        if self.config.stuck:
            raise RuntimeError("the dome is stuck")


asyncio.run(Slew.amain())
"""


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A queue with one script, ENABLED."""
    folder = tmp_path_factory.mktemp("queue")
    for name in ("standard", "external", "state"):
        (folder / name).mkdir()
    script = folder / "external" / "slew.py"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    options = [f"--{name}={folder / name}" for name in ("standard", "external")]
    with (folder / "log").open("w") as log:
        service = subprocess.Popen(
            [*SERVICE, "1", *options, f"--state-dir={folder / 'state'}", "--state=enabled"],
            stdout=PIPE,
            stderr=log,
            text=True,
        )
        with service:
            assert service.stdout is not None
            said = service.stdout.readline()
            try:
                assert said == "ScriptQueue:1 is ENABLED\n", (folder / "log").read_text()
                yield
            finally:
                service.send_signal(signal.SIGTERM)
                service.wait(SOON_S)


@contextlib.asynccontextmanager
async def started(*arguments: str, **streams: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the program; it has SOON_S, and does not survive the test."""
    async with asyncio.timeout(SOON_S):
        process = await asyncio.create_subprocess_exec(*PROGRAM, *arguments, **streams)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def run(*arguments: str, stdin: str = "") -> tuple[int | None, str, str]:
    """Run the program to its end; return exit status, stdout and stderr."""
    async with started(*arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        out, err = await process.communicate(stdin.encode())
    return process.returncode, out.decode(), err.decode()


async def test_add_and_wait(queue: None) -> None:
    status, out, err = await run(
        "1", "add", "external", "slew.py", "az: 10", "--location", "first", "--wait", "done"
    )
    assert (status, out.strip().isdecimal()) == (0, True), err
    assert "is RUNNING" in err


async def test_a_script_that_fails(queue: None) -> None:
    status, out, _ = await run(
        "1", "add", "external", "slew.py", "{az: 1, stuck: true}", "--wait=done", "--json"
    )
    outcome = json.loads(out)["outcome"]
    assert status == 4
    assert (outcome["scriptState"], outcome["reached"]) == ("FAILED", False)
    assert "the dome is stuck" in outcome["reason"]
    assert (await run("1", "resume"))[0] == 0


async def test_a_script_that_cannot_be_configured(queue: None) -> None:
    status, _, err = await run("1", "add", "external", "slew.py", "el: 10", "--wait", "configured")
    assert status == 4
    assert "CONFIGURE_FAILED" in err


async def test_a_refusal(queue: None) -> None:
    status, out, err = await run("1", "add", "external", "slow.py")
    assert (status, out) == (1, "")
    assert "slew.py" in err


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=lambda signum: signum.name)
async def test_monitor_sees_history_and_what_happens_until_it_is_told(
    queue: None, signum: signal.Signals
) -> None:
    async with started("1", "monitor", "--json", "--heartbeats", stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout is not None
        history = {"logevent_queue", "logevent_summaryState", "logevent_heartbeat"}
        await _until(process.stdout, lambda seen: history <= {line["topic"] for line in seen})
        _, index, _ = await run("1", "add", "external", "slew.py", "az: 1", "--wait", "done")
        seen = await _until(process.stdout, lambda seen: _states(seen, int(index))[-1:] == [ScriptState.DONE])
        process.send_signal(signum)
        _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert [state.name for state in dict.fromkeys(_states(seen, int(index)))] == [
        "UNCONFIGURED",
        "CONFIGURED",
        "RUNNING",
        "ENDING",
        "DONE",
    ]


def _states(seen: list[dict[str, Any]], index: int) -> list[ScriptState]:
    own = [line for line in seen if line["salIndex"] == index and line["topic"] == "logevent_state"]
    return [ScriptState(line["data"]["state"]) for line in own]


async def _until(
    stream: asyncio.StreamReader, wanted: Callable[[list[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    while not wanted(seen):
        seen.append(json.loads(await stream.readline()))
    return seen


async def test_a_pipe_that_is_closed_ends_the_monitor(queue: None) -> None:
    reader, writer = os.pipe()
    async with started("1", "monitor", stdout=writer, stderr=PIPE) as process:
        os.close(writer)
        # The first line is waited for in a thread, so that the time limit holds.
        await asyncio.to_thread(os.read, reader, 1)
        os.close(reader)
        _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize("lines", [b"", b"show available\nshow available\n"], ids=["one shot", "lines"])
async def test_a_pipe_that_is_closed_is_no_error(queue: None, lines: bytes) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = () if lines else ("show", "available")
    async with started("1", *words, stdin=PIPE, stdout=writer, stderr=PIPE) as process:
        os.close(writer)
        _, err = await process.communicate(lines)
    assert (process.returncode, err) == (0, b"")


async def test_lines_from_a_pipe(queue: None) -> None:
    status, out, err = await run("1", stdin="show available\nmvoe 100001 first\npause\nresume\n")
    assert status == 2
    assert out.splitlines() == ["external slew.py", "Done", "Done"]
    assert "did you mean move" in err


async def test_a_wait_that_is_interrupted(queue: None) -> None:
    assert (await run("1", "pause"))[0] == 0
    waiting = ("1", "add", "external", "slew.py", "az: 1", "--wait=done")
    async with started(*waiting, stdout=PIPE, stderr=PIPE) as process:
        assert process.stderr is not None
        while b"CONFIGURED" not in await process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 130
    assert (await run("1", "resume"))[0] == 0


async def test_at_a_terminal(queue: None) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    loop = asyncio.get_running_loop()
    screen, came = bytearray(), asyncio.Event()

    def read() -> None:
        try:
            screen.extend(os.read(ours, 4096))
        except OSError:
            # The other side has gone.
            loop.remove_reader(ours)
        came.set()

    async def shows(text: bytes, after: bytes = b"") -> None:
        while text not in screen[max(screen.find(after), 0) :] or after not in screen:
            came.clear()
            await came.wait()

    loop.add_reader(ours, read)
    try:
        async with started("1", stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            await shows(b"ScriptQueue:1>")
            os.write(ours, b"show av\t")
            await shows(b"ailable")
            os.write(ours, b"\r")
            # Ctrl-D is for the next prompt: before it, the terminal would take it for itself.
            await shows(b"ScriptQueue:1>", after=b"external slew.py")
            os.write(ours, b"\x04")
            assert await process.wait() == 0
    except TimeoutError:
        pytest.fail(f"the screen shows {bytes(screen)!r}")
    finally:
        loop.remove_reader(ours)
        os.close(ours)


async def test_no_queue() -> None:
    status, out, err = await run("3", "pause")
    assert (status, out) == (3, "")
    assert "run_script_queue 3 --state enabled" in err


@pytest.mark.parametrize(
    ("arguments", "status", "part"),
    [
        (["1", "paus"], 2, "did you mean pause"),
        (["one"], 2, "is no SAL index of a queue"),
        (["1", "pause", "--bus", "pigeon"], 2, "it is one of dds, kafka, memory"),
        ([], 2, "INDEX"),
    ],
)
async def test_usage(arguments: list[str], status: int, part: str) -> None:
    code, _, err = await run(*arguments)
    assert code == status
    assert part in err


async def test_help_lists_commands_and_exit_statuses() -> None:
    status, out, _ = await run("--help")
    assert status == 0
    assert "show available" in out
    assert "exit status:" in out
    assert (await run("1", "add", "--help"))[1].startswith("usage: add")


async def test_what_is_only_needed_at_a_terminal_is_not_imported() -> None:
    code = (
        "import sys; import lsst.ts.scriptqueue.cli.command_script_queue; "
        "dear = ['prompt_toolkit', 'rich', 'yaml', 'jsonschema', 'aiohttp', 'difflib']; "
        "print([name for name in dear if name in sys.modules])"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE)
    out, _ = await process.communicate()
    assert out == b"[]\n"
