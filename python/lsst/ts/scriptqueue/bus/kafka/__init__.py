# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bus on Apache Kafka, as the observatory runs it.

From the bottom up: `framing` and `codec` are the bytes of a message;
`settings` is what the environment says; `registry` knows the schemas and
`topics` the broker's topics; `stream` is what one topic owes to its readers;
`consumer` and `producer` are this process's connection in each direction;
`link` and `bus` keep the contract.
"""

from .bus import KafkaBus

__all__ = ["KafkaBus"]
