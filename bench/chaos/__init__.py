# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night in which the queue is killed again and again, and a model of its own that says what was lost.

`night` is the order of events; `stage` has the folders, `service` the processes, `clients` those who
command the queue, `operator` who brings it back to work, `killer` who kills it and when. `model` is what
must be so by what was acknowledged, `blocks` what must be so of blocks, and `verdict` compares that with the
history and with what the scripts have written down themselves. `awake` is the clock by which all limits go.
"""
