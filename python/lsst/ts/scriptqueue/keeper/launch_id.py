# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment variable by which a script's processes are known, wherever they went."""

__all__ = ["LAUNCH_ID_VARIABLE"]

#: Name of the environment variable that carries the launch id.
LAUNCH_ID_VARIABLE = "LSST_TS_SCRIPTQUEUE_LAUNCH_ID"
