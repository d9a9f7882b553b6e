# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files are that are data: the schemas and the packaged scripts.

The schemas are kept at the top of the repository and built into the wheel
below this package. Which of the two holds is seen from the folders alone, so
that a checkout never reads the schemas of an older build. Script processes
import this file: it imports nothing that bare asyncio has not imported, until
it is asked.
"""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["packaged_scripts", "schema_path"]

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_SCRIPT_KINDS = ("standard", "external")


def schema_path(*parts: str) -> Path:
    """Give the path of a file or folder of schemas.

    Parameters
    ----------
    *parts
        Path below ``schema/``; none for the folder itself.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    """
    from pathlib import Path

    path = Path(_schema_folder(), *parts)
    if not path.exists():
        raise FileNotFoundError(f"no schema {'/'.join(parts)!r}: {path} does not exist")
    return path


def packaged_scripts(kind: str) -> Path:
    """Give the directory of the example scripts that come with the package.

    Parameters
    ----------
    kind
        ``standard`` or ``external``.

    Raises
    ------
    ValueError
        If the kind is another one.
    """
    from pathlib import Path

    if kind not in _SCRIPT_KINDS:
        raise ValueError(f"no script directory of kind {kind!r}; there are {', '.join(_SCRIPT_KINDS)}")
    return Path(_PACKAGE, "scripts", kind)


def _schema_folder() -> str:
    built_in = os.path.join(_PACKAGE, "schema")
    if os.path.isdir(built_in):
        return built_in
    return os.path.normpath(os.path.join(_PACKAGE, *[os.pardir] * 4, "schema"))
