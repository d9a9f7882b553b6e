# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The import rules of ``pyproject.toml`` forbid what they are there to forbid.

They are tried on a package of the same rooms with nothing in them but one
import, so that a rule which has lost its teeth is seen at once.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOMS = (
    "bus",
    "cli",
    "cli/night",
    "configuration",
    "core",
    "csc",
    "journal",
    "keeper",
    "launch",
    "local_kafka",
    "runtime",
    "sal",
    "testing",
)
MODULES = (
    "resources",
    "cli/command_script_queue",
    "cli/night/kafka",
    "cli/run_one_script",
    "cli/run_script_queue",
    "csc/assembly",
)

#: Checks one package after another, each in a process of its own that need not import the tool again.
PROGRAM = """
import os, sys
from importlinter.cli import lint_imports

for folder in sys.argv[1:]:
    if os.fork() == 0:
        os.chdir(folder)
        os.dup2(os.open("said", os.O_CREAT | os.O_WRONLY), sys.stdout.fileno())
        sys.path.insert(0, "python")
        sys.exit(lint_imports(no_cache=True, no_logo=True))
    os.wait()
"""

pytestmark = pytest.mark.system


def broken_rules(folder: Path, rules: Path, packages: Sequence[Mapping[str, str]]) -> list[set[str]]:
    """Name the rules that each package breaks, of empty rooms but for a line in each of some modules."""
    roots = [folder / str(number) for number in range(len(packages))]
    for root, lines in zip(roots, packages, strict=True):
        package = root / "python/lsst/ts/scriptqueue"
        for room in (".", *ROOMS):
            (package / room).mkdir(parents=True, exist_ok=True)
            (package / room / "__init__.py").touch()
        for module in MODULES:
            (package / f"{module}.py").touch()
        for module, line in lines.items():
            (package / f"{module}.py").write_text(line)
        shutil.copy(rules, root)
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *roots],
        env={"COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    return [_broken((root / "said").read_text()) for root in roots]


def _broken(said: str) -> set[str]:
    assert "Contracts: " in said, said
    return {line.removesuffix(" BROKEN") for line in said.splitlines() if line.endswith(" BROKEN")}


@pytest.fixture
def rules(pytestconfig: pytest.Config) -> Path:
    return pytestconfig.rootpath / "pyproject.toml"


LAYERS = "rooms import downwards only, and every room is named here"
CORE = "core imports itself and nothing impure"
BUS = "bus imports nothing of ours"
JOURNAL = "journal imports nothing of ours"
SAL = "sal imports bus and resources only"
LAUNCH = "launch imports core and keeper only"
KEEPER = "keeper imports itself and the small part of the standard library"
KEPT = "of the rooms only launch imports keeper"
CLIENT = "the command lines are clients; run_script_queue alone builds the service"
LAUNCHER = "of the command lines only run_one_script launches"
KAFKA = "local_kafka imports nothing of ours"
BROKER = "the service never starts a Kafka; of the command lines only the demo does"
TESTING = "the service never imports the testing kit"


#: A module, a line in it, and the rule that this breaks.
BREACHES = [
    ("runtime/__init__", "from .. import csc", LAYERS),
    ("core/__init__", "import asyncio", CORE),
    ("core/__init__", "from os import path", CORE),
    ("core/__init__", "def now(): import time", CORE),
    ("core/__init__", "from .. import resources", CORE),
    ("bus/__init__", "from .. import resources", BUS),
    ("journal/__init__", "from ..core import *", JOURNAL),
    ("journal/__init__", "from .. import resources", JOURNAL),
    ("runtime/__init__", "from .. import journal", LAYERS),
    ("sal/__init__", "from ..core import *", SAL),
    ("launch/__init__", "from ..bus import *", LAUNCH),
    ("launch/__init__", "from .. import resources", LAUNCH),
    ("keeper/__init__", "from .. import launch", KEEPER),
    ("keeper/__init__", "from .. import resources", KEEPER),
    ("keeper/__init__", "import subprocess", KEEPER),
    ("keeper/__init__", "def log(): import logging", KEEPER),
    ("csc/__init__", "from .. import keeper", KEPT),
    ("runtime/__init__", "from ..keeper import *", KEPT),
    ("cli/command_script_queue", "from ..csc.assembly import *", CLIENT),
    ("cli/run_one_script", "from ..core import *", CLIENT),
    ("cli/run_script_queue", "from ..core import *", CLIENT),
    ("cli/run_script_queue", "from ..launch import *", LAUNCHER),
    ("local_kafka/__init__", "from ..bus import *", KAFKA),
    ("bus/__init__", "from .. import local_kafka", BROKER),
    ("csc/__init__", "from .. import local_kafka", BROKER),
    ("cli/run_script_queue", "from .. import local_kafka", BROKER),
    ("csc/__init__", "from .. import testing", TESTING),
    ("cli/__init__", "def demo(): from .. import testing", TESTING),
    ("diary", "", LAYERS),
]

ALLOWED = {
    "core/__init__": "import datetime, re, enum",
    "sal/__init__": "from .. import bus, resources",
    "journal/__init__": "import sqlite3; from .. import __version__",
    "keeper/__init__": "import json, os, select, signal, socket",
    "launch/__init__": "import os; from .. import core, keeper",
    "runtime/__init__": "from .. import core, launch, sal, bus",
    "csc/__init__": "from .. import core, launch, sal, bus, runtime",
    "cli/command_script_queue": "from .. import sal, bus, journal",
    "cli/run_script_queue": "from .. import csc; from ..csc.assembly import *",
    "cli/run_one_script": "from .. import launch",
    "cli/night/kafka": "from ... import local_kafka",
    "testing/__init__": "from .. import csc, core, bus",
}


@pytest.mark.timeout(150)
def test_every_breach_is_seen(tmp_path: Path, rules: Path) -> None:
    broken = broken_rules(tmp_path, rules, [{module: line} for module, line, _ in BREACHES])
    assert [breach for breach, seen in zip(BREACHES, broken, strict=True) if breach[2] not in seen] == []


def test_what_is_allowed_passes(tmp_path: Path, rules: Path) -> None:
    assert broken_rules(tmp_path, rules, [ALLOWED]) == [set()]
