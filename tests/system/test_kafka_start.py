# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""run_script_queue where Kafka cannot be used: it says why in one line, and ends."""

from __future__ import annotations

import pathlib
import secrets
import socket
from collections.abc import Iterator

import pytest

from lsst.ts.scriptqueue.local_kafka.server import Server

from .service import a_service

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

#: What the process itself takes to start and to end on a busy machine is not counted; what it says is.
LIMIT = {"LSST_KAFKA_START_LIMIT_S": "1"}


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address that takes no connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def silence() -> Iterator[str]:
    """An address that takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


async def last_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> str:
    """Start the service where it cannot start; return the last line it says."""
    monkeypatch.setenv("LSST_TOPIC_SUBNAME", f"test_{secrets.token_hex(6)}")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with a_service(tmp_path) as service:
        status, errors = await service.end()
    assert (status, "Traceback" in errors) == (1, False), errors
    return errors.splitlines()[-1]


async def test_a_broker_that_is_away(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, kafka_server: Server, nobody: str
) -> None:
    environment = kafka_server.environment | LIMIT | {"LSST_KAFKA_BROKER_ADDR": nobody}
    line = await last_line(tmp_path, monkeypatch, environment)
    assert line.startswith(f"run_script_queue: no Kafka broker answers at {nobody}")
    assert line.endswith("(waited 1 s)")


async def test_a_broker_that_stands_still(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, kafka_server: Server, silence: str
) -> None:
    environment = kafka_server.environment | LIMIT | {"LSST_KAFKA_BROKER_ADDR": silence}
    line = await last_line(tmp_path, monkeypatch, environment)
    assert line.startswith(f"run_script_queue: no Kafka broker answers at {silence}")


@pytest.mark.parametrize("how", ["nobody", "silence"])
async def test_a_registry_that_is_away(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    kafka_server: Server,
    request: pytest.FixtureRequest,
    how: str,
) -> None:
    address = request.getfixturevalue(how)
    environment = kafka_server.environment | LIMIT | {"LSST_SCHEMA_REGISTRY_URL": f"http://{address}"}
    line = await last_line(tmp_path, monkeypatch, environment)
    assert line.startswith(f"run_script_queue: the schema registry at {address} does not answer")


async def test_a_wrong_password(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, kafka_server: Server
) -> None:
    environment = kafka_server.sasl_environment | {"LSST_KAFKA_SECURITY_PASSWORD": "wrong"}
    line = await last_line(tmp_path, monkeypatch, environment)
    assert line.startswith(f"run_script_queue: the broker at {kafka_server.sasl} refuses us: ")
    assert "check LSST_KAFKA_SECURITY_USERNAME" in line


async def test_a_file_with_a_wrong_setting(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, kafka_server: Server
) -> None:
    path = tmp_path / "producer.yaml"
    path.write_text("linger.ms: long\n", encoding="utf-8")
    environment = kafka_server.environment | {"LSST_KAFKA_PRODUCER_CONFIGURATION": str(path)}
    line = await last_line(tmp_path, monkeypatch, environment)
    assert f"LSST_KAFKA_PRODUCER_CONFIGURATION names {path}, whose setting linger.ms cannot be used" in line
