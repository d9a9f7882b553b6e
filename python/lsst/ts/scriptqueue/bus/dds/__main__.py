# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the setting with which other programs on Cyclone DDS see our topics.

``eval "$(python -m lsst.ts.scriptqueue.bus.dds)"; cyclonedds ls -r 3s``
"""

import shlex
import sys

from .discovery import tool_configuration

sys.stdout.write(f"export CYCLONEDDS_URI={shlex.quote(tool_configuration())}\n")
