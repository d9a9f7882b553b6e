# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the benchmark's program; nothing is said about how fast anything is."""
