# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real salobj on the other side of a real broker; skipped where there is none.

``SALOBJ_PYTHON`` names an interpreter that has ts_salobj, ts_xml, ts_utils and
ts_scriptqueue of the deployed generation (doc/interop.rst). Nothing of them is
imported here: they run in processes of their own.
"""

from __future__ import annotations

import os
import pathlib
import secrets
import subprocess

import pytest

from lsst.ts.scriptqueue.local_kafka.server import Server

from ..own_broker import OwnBroker


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "salobj_python" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.system)
            # Their programs take their time, and longer beside others.
            item.add_marker(pytest.mark.timeout(300))
            if not os.environ.get("SALOBJ_PYTHON"):
                item.add_marker(
                    pytest.mark.skip(reason="SALOBJ_PYTHON names no interpreter that has ts_salobj")
                )


@pytest.fixture
def salobj_python(kafka_server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The interpreter, in an environment that leads to the broker of this run."""
    for name, value in kafka_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LSST_TOPIC_SUBNAME", f"test_{secrets.token_hex(6)}")
    monkeypatch.setenv("LSST_SITE", "test")
    return os.environ["SALOBJ_PYTHON"]


@pytest.fixture
def salobj_on_own_broker(salobj_python: str, own_broker: OwnBroker, monkeypatch: pytest.MonkeyPatch) -> str:
    """The interpreter, in an environment that leads to a broker which the test may take away."""
    for name, value in own_broker.environment.items():
        monkeypatch.setenv(name, value)
    return salobj_python


@pytest.fixture(scope="session")
def standard_scripts() -> pathlib.Path:
    """Where ts_standardscripts has its scripts."""
    where = "import lsst.ts.standardscripts as scripts; print(scripts.get_scripts_dir())"
    asked = subprocess.run(
        [os.environ["SALOBJ_PYTHON"], "-c", where], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        pytest.skip(
            f"SALOBJ_PYTHON cannot import ts_standardscripts: {asked.stderr.strip().splitlines()[-1]}"
        )
    return pathlib.Path(asked.stdout.splitlines()[-1])
