# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Kafka broker and schema registry on this machine, for tests and for trying things by hand.

`artifacts` fetches them once; `server` starts and stops them, each as
`processes` knows it; the module itself is the program behind ``bin/kafka``.
Nothing here knows of SAL, and the service knows nothing of this.
"""

from .artifacts import KafkaMissing, check_programs, must_be_fetched
from .server import Server, running, start, stop

__all__ = ["KafkaMissing", "Server", "check_programs", "must_be_fetched", "running", "start", "stop"]
