# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's night: what it plans, does, sees and draws.

`program` says which scripts there are, `deeds` what the operator does with
them, in the order of the night. `watcher` turns the events of the bus into
`sightings`, from which `picture` draws its conclusions; `screen`, `transcript`
and `summary` only show it. `processes` owns the queue's process.
"""
