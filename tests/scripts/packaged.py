# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example scripts that come with the package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from lsst.ts.scriptqueue.resources import packaged_scripts
from lsst.ts.scriptqueue.sal import BaseScript

STANDARD = packaged_scripts("standard")
EXTERNAL = packaged_scripts("external")

#: All of them, by kind and relative path.
PACKAGED: dict[str, Path] = {
    f"{folder.name}/{path.relative_to(folder)}": path
    for folder in (STANDARD, EXTERNAL)
    for path in sorted(folder.rglob("*.py"))
}


def script_class(name: str) -> type[BaseScript]:
    """Return the class of a packaged script."""
    spec = importlib.util.spec_from_file_location(f"packaged_{PACKAGED[name].stem}", PACKAGED[name])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseScript) and value is not BaseScript
    )
    return found
