# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's night: what it plans, does, sees and draws.

`programme` says which scripts there are, `acts` what happens in which order,
`deeds` and `slot_deeds` what the operator does in its two halves. `watcher` turns the events of the bus into
`sightings`, from which `picture` draws its conclusions; `screen`, `timeline`
and `summary` only show it. `processes` owns the queue's process.
"""
