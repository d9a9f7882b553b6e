# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue as a pure state machine: events in, effects out."""

from .model import QueueModel as QueueModel
