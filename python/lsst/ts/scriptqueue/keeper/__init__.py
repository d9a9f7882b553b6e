# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small process that owns the scripts' processes, and outlives the queue.

``python -m lsst.ts.scriptqueue.keeper STATE_DIR`` starts it; the queue speaks
with it through a socket, by way of ``launch/kept.py``. It is the one process
that must not fail, so it does little: standard library only, one thread, no
event loop but its own `poll`. It is also small: nothing in this room imports
``asyncio``, ``subprocess``, ``logging``, ``typing`` or ``dataclasses``, which would
make it half as large again.
"""
