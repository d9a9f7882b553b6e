# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bus on Apache Kafka, as the observatory runs it.

From the bottom up: `framing` and `codec` are the bytes of a message;
`settings` is what the environment says; `registry` knows the schemas,
`schemas` and `schema_ids` are what is asked of it by those who read and
write, and `handed_down` is what a queue tells its scripts of the ids; `ends`,
`topics` and `policies` know the broker's topics; `stream` is what one topic
owes to its readers; `consumer` and `producer` are this process's connection
in each direction; `opening` asks registry and broker, and `catalogue` keeps
what is known of topics; `link` and `bus` keep the contract. `removal` is for
who wants to leave nothing at a broker.
"""

from .bus import KafkaBus

__all__ = ["KafkaBus"]
