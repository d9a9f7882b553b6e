# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that are data are found; in an installed package too, which ``.ci/run package`` checks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lsst.ts.scriptqueue import resources


def test_checkout_reads_its_own_schemas(pytestconfig: pytest.Config) -> None:
    assert resources.schema_path() == pytestconfig.rootpath / "schema"


def test_missing_schema_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"no schema 'sal/Nothing\.yaml'"):
        resources.schema_path("sal", "Nothing.yaml")


@pytest.mark.parametrize("kind", ["standard", "external"])
def test_scripts_are_inside_the_package(kind: str) -> None:
    package = Path(resources.__file__).parent
    assert resources.packaged_scripts(kind) == package / "scripts" / kind


def test_unknown_kind_of_scripts_is_refused() -> None:
    with pytest.raises(ValueError, match="'extern'; there are standard, external"):
        resources.packaged_scripts("extern")


@pytest.mark.system
def test_built_package_reads_the_schemas_inside_it(tmp_path: Path) -> None:
    package = tmp_path / "site-packages/lsst/ts/scriptqueue"
    (package / "schema").mkdir(parents=True)
    shutil.copy(resources.__file__, package)
    asked = "import resources; print(resources.schema_path())"
    run = subprocess.run(
        [sys.executable, "-c", asked], cwd=package, check=True, capture_output=True, text=True
    )
    assert Path(run.stdout.strip()) == package / "schema"
