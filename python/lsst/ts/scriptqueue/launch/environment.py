# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment a script is started with.

A script inherits everything the service has, with these changes, made in a copy:

* ``PATH`` begins with the script's own folder, so that it finds what was put
  beside it, and then the folder of this Python, so that
  ``#!/usr/bin/env python3`` means the installation the service runs in.
* `LAUNCH_ID_VARIABLE` names the launch. Children of the script inherit it,
  and it tells whose they are, wherever they went.
* What the service hands down, so that a script starts sooner.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from ..keeper.launch_id import LAUNCH_ID_VARIABLE

__all__ = ["LAUNCH_ID_VARIABLE", "child_environment"]


def child_environment(
    executable: str,
    launch_id: str,
    inherited: Mapping[str, str] | None = None,
    handed_down: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the whole environment of a script.

    Parameters
    ----------
    executable
        Absolute path of the script.
    launch_id
        Unique name of this launch.
    inherited
        What to start from; default: the environment of this process.
    handed_down
        Variables to set besides.
    """
    environment = dict(os.environ if inherited is None else inherited)
    folders = (
        os.path.dirname(executable),
        os.path.dirname(sys.executable or ""),
        environment.get("PATH", os.defpath),
    )
    environment["PATH"] = os.pathsep.join(folder for folder in folders if folder)
    environment[LAUNCH_ID_VARIABLE] = launch_id
    environment |= handed_down or {}
    return environment
