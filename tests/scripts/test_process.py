# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of a script: how it starts, how signals end it, and that nothing holds it up."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.sal import AckError, ScriptState
from lsst.ts.scriptqueue.sal.script_command_line import ScriptOptions, script_options

from .real import real, write_script

S = ScriptState

#: What a script does not import before it is configured: each would cost it dear.
TOO_DEAR = (
    "aiohttp",
    "argparse",
    "jsonschema",
    "multiprocessing",
    "numpy",
    "rich",
    "unittest",
    "urllib.request",
    "yaml",
)


@pytest.mark.system
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "run",
    [
        "async def run(self):\n    await asyncio.Event().wait()",
        "async def run(self):\n    print('blocking', flush=True)\n    time.sleep(600)",
        """
        async def run(self):
            while True:
                try:
                    await asyncio.sleep(600)
                except asyncio.CancelledError:
                    pass
        """,
    ],
    ids=["waiting", "blocking", "ignoring"],
)
async def test_a_signal_ends_it_without_cleaning_up(run: str, signum: signal.Signals, tmp_path: Path) -> None:
    cleanup = "async def cleanup(self):\n    print('cleaned up', flush=True)\n"
    async with real(write_script(tmp_path / "script.py", f"{cleanup}\n{textwrap.dedent(run)}")) as script:
        await script.runs()
        script.process.send_signal(signum)
        assert await script.exits() == 1
        assert script.states == []
        assert "cleaned up" not in script.output.read_text()


@pytest.mark.system
async def test_a_signal_ends_it_before_it_is_configured(tmp_path: Path) -> None:
    async with real(write_script(tmp_path / "script.py", "async def run(self): pass")) as script:
        await script.reports(S.UNCONFIGURED)
        script.process.send_signal(signal.SIGTERM)
        assert await script.exits() == 1
        assert script.states == []


@pytest.mark.system
@pytest.mark.parametrize("tail", ["Script.main()", "asyncio.run(Script.amain())"])
@pytest.mark.parametrize(
    ("run", "state", "code"),
    [
        ("pass", S.DONE, 0),
        ("raise ValueError('x')", S.FAILED, 1),
        ("raise asyncio.CancelledError", S.STOPPED, 0),
    ],
    ids=["done", "failed", "stopped"],
)
async def test_its_exit_code(tail: str, run: str, state: ScriptState, code: int, tmp_path: Path) -> None:
    path = write_script(tmp_path / "script.py", f"async def run(self): {run}", tail)
    async with real(path) as script:
        await script.runs()
        await script.reports(state)
        assert await script.exits() == code
        assert script.run is not None
        assert (await script.run).result == "Done", "the answer was not lost with the process"


@pytest.mark.system
async def test_a_refused_configuration_is_answered_and_ends_it(tmp_path: Path) -> None:
    async with real(write_script(tmp_path / "script.py", "async def run(self): pass")) as script:
        await script.reports(S.UNCONFIGURED)
        with pytest.raises(AckError, match="takes no configuration, but was given a"):
            await script.remote.cmd_configure.set_start(config="a: 1", timeout=40)
        await script.reports(S.CONFIGURE_FAILED)
        assert await script.exits() == 1


@pytest.mark.system
async def test_a_thread_left_running_does_not_hold_it_up(tmp_path: Path) -> None:
    body = """
    async def run(self):
        print("a line that was not flushed")
        threading.Thread(target=time.sleep, args=(600,)).start()
        asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)
    """
    async with real(write_script(tmp_path / "script.py", body)) as script:
        await script.runs()
        await script.reports(S.DONE)
        assert await script.exits() == 0
        assert "a line that was not flushed" in script.output.read_text()


@pytest.mark.system
@pytest.mark.parametrize("mode", ["w", "wb", "w+b"])
async def test_a_file_that_was_not_closed_is_written_all_the_same(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "measured.txt"
    content = "'1 2 3'" if mode == "w" else "b'1 2 3'"
    body = f"""
    async def run(self):
        self.file = open({str(path)!r}, {mode!r})
        self.file.write({content})
    """
    async with real(write_script(tmp_path / "script.py", body)) as script:
        await script.runs()
        await script.reports(S.DONE)
        assert await script.exits() == 0
        assert path.read_text() == "1 2 3"


@pytest.mark.system
async def test_a_script_that_blocks_is_warned(tmp_path: Path) -> None:
    body = "async def run(self):\n    time.sleep(1.5)  # a mistake"
    async with real(write_script(tmp_path / "script.py", body)) as script:
        await script.runs()
        await script.reports(S.DONE)
        await script.exits()
        messages = []
        while (data := script.remote.evt_logMessage.get_oldest()) is not None:
            messages.append((data.level, data.message))
        assert any(
            level == 30 and "blocked, here" in text and "time.sleep(1.5)" in text for level, text in messages
        )


@pytest.mark.system
async def test_a_script_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    tail = "Script.__init__ = lambda self, index: 1 / 0\nScript.main()"
    async with real(write_script(tmp_path / "script.py", "async def run(self): pass", tail)) as script:
        assert await script.exits() == 1
        assert "ZeroDivisionError" in script.output.read_text()


@pytest.mark.system
async def test_a_bus_that_cannot_be_had_is_told_in_a_line(tmp_path: Path) -> None:
    path = write_script(tmp_path / "script.py", "async def run(self): pass")
    async with real(path, LSST_DDS_DOMAIN_ID="none") as script:
        assert await script.exits() == 1
        assert script.output.read_text().splitlines() == [
            "LSST_DDS_DOMAIN_ID is 'none'; it must be a number from 0 to 230"
        ]


@pytest.mark.system
def test_what_a_script_imports() -> None:
    """Measured in processes that are started a hundred at a time."""
    program = (
        "import sys\n"
        "import lsst.ts.scriptqueue.sal.base_script, lsst.ts.scriptqueue.sal.script_process\n"
        "import lsst.ts.scriptqueue.sal.remote, lsst.ts.scriptqueue.bus.dds.bus\n"
        "print(*sys.modules)"
    )
    imported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert sorted(set(TOO_DEAR).intersection(imported.split())) == []


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["7"], ScriptOptions(7)),
        (["7", "--loglevel", "10"], ScriptOptions(7, log_level=10)),
        (["7", "--loglevel", "debug"], ScriptOptions(7, log_level=10)),
        (["0", "--schema"], ScriptOptions(0, is_schema_wanted=True)),
        (["--schema", "7"], ScriptOptions(7, is_schema_wanted=True)),
    ],
    ids=str,
)
def test_the_command_line(words: list[str], options: ScriptOptions) -> None:
    assert script_options("Script", words) == options


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "required: index"),
        (["0"], "the index must be above 0, not 0"),
        (["-5"], "the index must be above 0, not -5"),
        (["x"], "invalid int value: 'x'"),
        (["7", "--loglevel", "loud"], "argument --loglevel"),
    ],
    ids=str,
)
def test_a_wrong_command_line(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        script_options("Script", words)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
