# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ScriptQueue as a SAL component: its edges, its settings, its life."""
