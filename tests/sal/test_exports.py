# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package's names are found when asked for, and cost nothing before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lsst.ts.scriptqueue import sal

#: What a script must not pay for when it imports the controller.
EXPENSIVE = {"aiohttp", "cyclonedds", "erfa", "jsonschema", "numpy", "rich", "yaml"}


@pytest.mark.parametrize("name", sal.__all__)
def test_name_is_found(name: str) -> None:
    assert getattr(sal, name).__name__ == name


def test_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match=r"module lsst.ts.scriptqueue.sal has no attribute Foo"):
        _ = sal.Foo


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout.split()
    )


@pytest.mark.system
def test_package_imports_nothing_of_its_own() -> None:
    loaded = modules_after("from lsst.ts.scriptqueue import sal")
    assert {name for name in loaded if name.startswith("lsst.ts.scriptqueue.")} == {"lsst.ts.scriptqueue.sal"}


@pytest.mark.system
def test_controller_and_remote_import_nothing_expensive() -> None:
    loaded = modules_after("import lsst.ts.scriptqueue.sal.controller, lsst.ts.scriptqueue.sal.remote")
    assert loaded & EXPENSIVE == set()
    assert "asyncio" in loaded
