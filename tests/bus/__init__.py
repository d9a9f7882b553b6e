# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the bus: one contract, and what each implementation adds."""
