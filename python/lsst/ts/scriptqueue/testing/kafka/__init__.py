# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Kafka broker and schema registry on this machine, for tests and for trying things by hand.

`artifacts` fetches them once; `server` starts and stops them; the module
itself is the program behind ``bin/kafka``.
"""
