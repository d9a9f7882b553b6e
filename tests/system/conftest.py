# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service runs on both middlewares."""

from __future__ import annotations

from ..local_kafka import kafka_server, pytest_collection_finish, pytest_sessionfinish

__all__ = ["kafka_server", "pytest_collection_finish", "pytest_sessionfinish"]
