# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script author's tests import the script by its name."""

import sys

from lsst.ts.scriptqueue.resources import packaged_scripts

sys.path.append(str(packaged_scripts("standard")))
