# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of ``bench`` import each other by their bare names, and so do their tests."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[2] / "bench"))
