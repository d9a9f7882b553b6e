# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The testing kit itself: virtual time, script cases, scripted scripts."""
