# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments of the Kafka bus without a broker, and the files they name."""

from __future__ import annotations

from pathlib import Path

__all__ = ["an_environment", "with_file"]


def an_environment(**more: str) -> dict[str, str]:
    """Return an environment that names a broker nobody asks."""
    nowhere = {
        "LSST_KAFKA_BROKER_ADDR": "127.0.0.1:1",
        "LSST_SCHEMA_REGISTRY_URL": "http://127.0.0.1:1",
        "LSST_TOPIC_SUBNAME": "test",
    }
    return nowhere | more


def with_file(folder: Path, variable: str, text: str) -> dict[str, str]:
    """Write a file of settings; return the variable that names it."""
    path = folder / f"{variable.lower()}.yaml"
    path.write_text(text, encoding="utf-8")
    return {variable: str(path)}
