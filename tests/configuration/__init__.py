# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the configuration of slots: files, faults, globs and rules."""
