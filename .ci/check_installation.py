# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares an installed package, and the sdist it was built from, with the checkout.

    EMPTY_VENV/bin/python -P .ci/check_installation.py CHECKOUT SDIST

Run by the Python of an environment in which nothing else was installed. What
must hold: every data file is there, example scripts are executable exactly
where they are in the checkout, and each command says its version.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tarfile
from importlib.metadata import entry_points
from pathlib import Path

import lsst.ts.scriptqueue
from lsst.ts.scriptqueue.resources import packaged_scripts, schema_path

PACKAGE = Path("python/lsst/ts/scriptqueue")
COMMANDS = {"run_script_queue", "command_script_queue", "run_one_script"}
EXECUTABLE = stat.S_IXUSR


def main(checkout: Path, sdist: Path) -> list[str]:
    """List what is wrong."""
    installed = Path(lsst.ts.scriptqueue.__file__).parent
    if installed.is_relative_to(checkout):
        return [f"imports {installed} of the checkout, not an installed package"]
    return [
        *compare(files(checkout / PACKAGE), files(installed, without="schema"), "installed package"),
        *compare(files(checkout / "schema"), files(schema_path()), "installed schemas"),
        *compare(files(checkout / PACKAGE), files_of_sdist(sdist, PACKAGE), "sdist"),
        *compare(files(checkout / "schema"), files_of_sdist(sdist, Path("schema")), "schemas of the sdist"),
        *(wrong for kind in ("standard", "external") for wrong in check_scripts(kind)),
        *check_commands(),
    ]


def files(folder: Path, without: str = "") -> dict[str, bool]:
    """Map each file below a folder to whether it is executable."""
    return {
        str(path.relative_to(folder)): bool(path.stat().st_mode & EXECUTABLE)
        for path in folder.rglob("*")
        if path.is_file() and not is_left_out(path.relative_to(folder), without)
    }


def files_of_sdist(sdist: Path, folder: Path) -> dict[str, bool]:
    """Do the same for a folder in an sdist."""
    top = Path(sdist.name.removesuffix(".tar.gz")) / folder
    with tarfile.open(sdist) as archive:
        return {
            str(Path(member.name).relative_to(top)): bool(member.mode & EXECUTABLE)
            for member in archive
            if member.isfile() and Path(member.name).is_relative_to(top)
        }


def is_left_out(path: Path, without: str) -> bool:
    """Tell whether a file is no part of the package: a cache, or below a folder."""
    return path.parts[0] == without or any(
        part == "__pycache__" or part.startswith(".") for part in path.parts
    )


def compare(wanted: dict[str, bool], found: dict[str, bool], where: str) -> list[str]:
    """List the differences between two maps of files."""
    return [
        *(f"{where}: {name} is missing" for name in wanted.keys() - found.keys()),
        *(f"{where}: {name} is not in the checkout" for name in found.keys() - wanted.keys()),
        *(
            f"{where}: {name} is {'' if found[name] else 'not '}executable"
            for name in wanted.keys() & found.keys()
            if wanted[name] != found[name]
        ),
    ]


def check_scripts(kind: str) -> list[str]:
    """List what is wrong with the packaged scripts of one kind."""
    executables = [name for name, executable in files(packaged_scripts(kind)).items() if executable]
    return [] if executables else [f"no executable {kind} script in {packaged_scripts(kind)}"]


def check_commands() -> list[str]:
    """List what is wrong with the three commands."""
    found = entry_points(group="console_scripts").names
    wrong = [f"no command {name}" for name in COMMANDS - found]
    for name in sorted(COMMANDS & found):
        run = subprocess.run(
            [Path(sys.executable).with_name(name), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.defpath},
        )
        if run.returncode != 0 or lsst.ts.scriptqueue.__version__ not in run.stdout:
            wrong.append(f"{name} --version: exit status {run.returncode}\n{run.stdout}{run.stderr}")
    return wrong


if __name__ == "__main__":
    problems = main(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(problems) or "the installation is complete")
    sys.exit(bool(problems))
