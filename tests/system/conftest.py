# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The brokers of these tests."""

from ..local_kafka import (
    kafka_server,
    pytest_collection_finish,
    pytest_runtest_setup,
    pytest_sessionfinish,
)
from ..own_broker import own_broker, own_broker_process
from .service import apart, on_each

__all__ = [
    "apart",
    "kafka_server",
    "on_each",
    "own_broker",
    "own_broker_process",
    "pytest_collection_finish",
    "pytest_runtest_setup",
    "pytest_sessionfinish",
]
