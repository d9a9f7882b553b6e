# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding scripts, and owning their processes from spawn to reap."""
