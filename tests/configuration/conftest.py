# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of configuration files."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest

from lsst.ts.scriptqueue.configuration import Configuration, ConfigurationFolder, read_configuration

#: Makes a directory of files, by name without ``.yaml``.
Write = Callable[..., ConfigurationFolder]


@pytest.fixture
def write(tmp_path: pathlib.Path) -> Write:
    def written(init: str = "", site: str = "", **others: str) -> ConfigurationFolder:
        for name, text in {"_init": init, **others}.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return ConfigurationFolder(tmp_path, site)

    return written


@pytest.fixture
def configure(write: Write) -> Callable[[str], Configuration]:
    return lambda text: read_configuration(write(text))
