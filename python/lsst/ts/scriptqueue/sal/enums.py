# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The enumerations of the SAL interfaces, with the values that go on the wire.

Deployed clients decode them: no value is ever added, renumbered or reused.
"""

from __future__ import annotations

import enum

__all__ = [
    "Location",
    "MetadataCoordSys",
    "MetadataDome",
    "MetadataRotSys",
    "SalIndex",
    "SalRetCode",
    "ScriptProcessState",
    "ScriptState",
    "State",
]


class State(enum.IntEnum):
    """Summary state of a CSC."""

    DISABLED = 1
    ENABLED = 2
    FAULT = 3
    OFFLINE = 4
    STANDBY = 5


class SalRetCode(enum.IntEnum):
    """Codes of SAL, of which the acknowledgements of commands are in use."""

    OK = 0
    ERR = -1
    ILLEGAL_REVCODE = -2
    TOO_MANY_HANDLES = -3
    NOT_DEFINED = -4
    STATE_DISABLED = 1
    STATE_ENABLED = 2
    STATE_FAULT = 3
    STATE_OFFLINE = 4
    STATE_STANDBY = 5
    TIMEOUT = -5
    SIGNAL_INTERRUPT = -6
    WAIT_FOR_NEXT_UPDATE = -10000
    WAIT_FOR_CHANGE = -10001
    NO_UPDATES = -100
    WAITING_FOR_NEXT = 100
    GOT_UPDATE = 101
    SYNC_IN = 102
    SYNC_OUT = 103
    SYNC_SET = 104
    SYNC_CLEAR = 105
    SYNC_READ = 106
    EVENT_INFO = 200
    EVENT_WARN = -200
    EVENT_ERROR = -201
    EVENT_ABORT = -202
    CMD_ACK = 300
    CMD_INPROGRESS = 301
    CMD_STALLED = 302
    CMD_COMPLETE = 303
    CMD_NOPERM = -300
    CMD_NOACK = -301
    CMD_FAILED = -302
    CMD_ABORTED = -303
    CMD_TIMEOUT = -304
    DATA_AVAIL = 400
    DEADLINE_MISS = 401
    INCOMPAT_QOS = 402
    SAMPLE_REJ = 403
    LIVELINESS_CHG = 404
    SAMPLELOST = 405
    SUBSCR_MATCH = 406


class ScriptState(enum.IntEnum):
    """State of a script, as it reports it."""

    UNKNOWN = 0
    UNCONFIGURED = 1
    CONFIGURED = 2
    RUNNING = 3
    PAUSED = 4
    ENDING = 5
    STOPPING = 6
    FAILING = 7
    DONE = 8
    STOPPED = 9
    FAILED = 10
    CONFIGURE_FAILED = 11


class ScriptProcessState(enum.IntEnum):
    """State of a script's process, as the queue knows it."""

    UNKNOWN = 0
    LOADING = 1
    CONFIGURED = 2
    RUNNING = 3
    DONE = 4
    LOADFAILED = 5
    CONFIGURE_FAILED = 6
    TERMINATED = 7


class Location(enum.IntEnum):
    """Where in the queue a script goes."""

    FIRST = 1
    LAST = 2
    BEFORE = 3
    AFTER = 4


class SalIndex(enum.IntEnum):
    """SAL indices of the observatory's queues."""

    MAIN_TEL = 1
    AUX_TEL = 2
    OCS = 3


class MetadataCoordSys(enum.IntEnum):
    """Coordinate system of a script's position."""

    NONE = 1
    ICRS = 2
    OBSERVED = 3
    MOUNT = 4


class MetadataRotSys(enum.IntEnum):
    """What a script's camera angle is measured against."""

    NONE = 1
    SKY = 2
    HORIZON = 3
    MOUNT = 4


class MetadataDome(enum.IntEnum):
    """How a script needs the dome."""

    CLOSED = 1
    OPEN = 2
    EITHER = 3
