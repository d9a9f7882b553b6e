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

pytestmark = pytest.mark.system


@pytest.fixture
def package(tmp_path: Path, pytestconfig: pytest.Config) -> Path:
    """A package of empty rooms, beside the project's import rules."""
    shutil.copy(pytestconfig.rootpath / "pyproject.toml", tmp_path)
    package = tmp_path / "python/lsst/ts/scriptqueue"
    for room in (".", *ROOMS):
        (package / room).mkdir(parents=True, exist_ok=True)
        (package / room / "__init__.py").touch()
    for module in MODULES:
        (package / f"{module}.py").touch()
    return package


def broken_rules(package: Path) -> set[str]:
    """Name the rules that the package breaks."""
    root = package.parents[3]
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=root,
        env={"PYTHONPATH": str(root / "python"), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts: " in run.stdout, run.stdout + run.stderr
    return {line.removesuffix(" BROKEN") for line in run.stdout.splitlines() if line.endswith(" BROKEN")}


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


@pytest.mark.parametrize(
    ("module", "line", "rule"),
    [
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
    ],
)
def test_breach_is_seen(package: Path, module: str, line: str, rule: str) -> None:
    (package / f"{module}.py").write_text(line)
    assert rule in broken_rules(package)


def test_what_is_allowed_passes(package: Path) -> None:
    for module, line in {
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
    }.items():
        (package / f"{module}.py").write_text(line)
    assert broken_rules(package) == set()
