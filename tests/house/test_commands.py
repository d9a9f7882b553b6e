# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands in ``bin/`` find their checkout, and are quick and quiet once set up.

These tests run in the environment that ``bin/test`` has set up.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

ODD = {"PYTHONDONTWRITEBYTECODE": "1", "PIP_USER": "1", "PIP_TARGET": "nowhere", "CDPATH": "/", "IFS": "/"}


@pytest.fixture
def checkout(pytestconfig: pytest.Config) -> Path:
    root = pytestconfig.rootpath
    if not (root / ".venv/stamp-test").exists():
        pytest.skip("not run by bin/test")
    return root


def run(command: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments],
        cwd=cwd,
        env={"PATH": os.defpath, "HOME": str(cwd), **ODD},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_is_found_through_links_and_says_nothing_of_its_own(checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "first").symlink_to(os.path.relpath(checkout / "bin/test", folder))
    (folder / "second").symlink_to("first")
    ran = run(folder / "second", "--version", cwd=folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("pytest ")
    assert {path.name for path in folder.iterdir()} == {"first", "second"}


def test_every_command_is_executable_and_explained(checkout: Path) -> None:
    for command in (checkout / "bin").iterdir():
        if command.name.startswith("_"):
            continue
        assert os.access(command, os.X_OK), command
        assert command.read_text().startswith("#!/bin/sh\n# "), command


def test_without_python_the_packages_are_named(checkout: Path, tmp_path: Path) -> None:
    """A checkout that was never set up, on a machine whose Python is too old or not there."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("readlink", "dirname", "cat"):
        found = shutil.which(tool)
        assert found
        (tools / tool).symlink_to(found)
    old = tools / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    (tmp_path / "bin").mkdir()
    for name in ("_setup.sh", "demo"):
        (tmp_path / "bin" / name).write_bytes((checkout / "bin" / name).read_bytes())
    (tmp_path / "pyproject.toml").touch()
    ran = subprocess.run(
        ["/bin/sh", tmp_path / "bin/demo"],
        env={"PATH": str(tools)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "demo: needs Python 3.11 or newer" in ran.stderr
    assert "apt install python3 python3-venv" in ran.stderr
    assert not (tmp_path / ".venv").exists()
