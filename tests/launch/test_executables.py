# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""That a file cannot be started is known before, in the words of whoever tries."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsst.ts.scriptqueue.launch.contract import LaunchError
from lsst.ts.scriptqueue.launch.executables import why_not_startable
from lsst.ts.scriptqueue.launch.paths import ScriptLibrary, ScriptPathError

from .stage import Stage, write_script

STARTED = {
    "a shell": "#!/bin/sh",
    "blanks before it": "#! \t/bin/sh",
    "an argument": "#!/bin/sh -e",
    "found by env": "#!/usr/bin/env sh",
    "a NUL behind it": "#!/bin/sh\0-no-option",
    "a long way to it": f"#!/{'./' * 100}bin/sh",
    "much behind it": f"#!/bin/sh -e{' ' * 400}",
}
NOT_STARTED = {
    "no first line": "exit 0",
    "no interpreter": "#!",
    "blanks only": "#!  \t",
    "an interpreter that is missing": "#!/no/such/python -u",
    "Windows lines": "#!/bin/sh\r",
    "a folder": "#!/usr/bin",
    "no permission": "#!/etc/passwd",
    "too long a way to it": f"#!/{'./' * 130}bin/sh",
}


@pytest.mark.parametrize("first_line", STARTED.values(), ids=STARTED)
async def test_nothing_is_said_against_what_starts(stage: Stage, first_line: str) -> None:
    request = stage.script("exit 0", first_line=first_line)
    assert why_not_startable(request.executable) == ""
    assert (await stage.exit_of(await stage.launch(request))).exit_code == 0


@pytest.mark.parametrize("first_line", NOT_STARTED.values(), ids=NOT_STARTED)
async def test_what_is_foreseen_is_what_happens(stage: Stage, first_line: str) -> None:
    request = stage.script("exit 0", first_line=first_line)
    with pytest.raises(LaunchError) as failure:
        await stage.launch(request)
    assert why_not_startable(request.executable) == str(failure.value)


@pytest.mark.parametrize("content", [b"", b"\x7fELF and then nothing", b"#!sh\nexit 0\n"])
def test_only_what_is_certain_is_foreseen(tmp_path: Path, content: bytes) -> None:
    """What is left is found when it is started."""
    file = tmp_path / "script"
    file.write_bytes(content)
    file.chmod(0o755)
    assert bool(why_not_startable(str(file))) is (content == b"")


def test_what_cannot_be_read_is_not_judged(tmp_path: Path) -> None:
    assert why_not_startable(str(tmp_path / "removed.py")) == ""


def test_a_program_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "program").symlink_to("/bin/true")
    assert ScriptLibrary(tmp_path, tmp_path).find(True, "program") == str(tmp_path / "program")


def test_it_is_not_found_as_a_script(tmp_path: Path) -> None:
    script = write_script(tmp_path / "slew.py", "exit 0", first_line="#!/no/such/python")
    with pytest.raises(ScriptPathError) as refused:
        ScriptLibrary(tmp_path, tmp_path).find(True, "slew.py")
    assert str(refused.value).startswith(
        f"standard script 'slew.py': {script} cannot be started: the interpreter"
    )
    assert "'#!/no/such/python', does not exist" in str(refused.value)
