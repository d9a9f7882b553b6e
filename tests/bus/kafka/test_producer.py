# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How messages are confirmed, and what happens when the library's producer ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError

from lsst.ts.scriptqueue.bus import BusError
from lsst.ts.scriptqueue.bus.kafka.producer import Producer, delivery
from lsst.ts.scriptqueue.bus.kafka.settings import Settings

from .settings_files import an_environment, with_file

IDEMPOTENT = {"acks": -1, "enable.idempotence": True}
ACKS = "LSST_KAFKA_PRODUCER_WAIT_ACKS"


def plain(acks: object) -> dict[str, Any]:
    return {"acks": acks, "enable.idempotence": False, "max.in.flight": 1}


@pytest.mark.parametrize(
    ("acks", "file", "expected"),
    [
        ("", "", IDEMPOTENT),
        ("all", "", IDEMPOTENT),
        ("-1", "", IDEMPOTENT),
        ("1", "", plain(1)),
        ("0", "", plain(0)),
        ("", "acks: 1", plain(1)),
        ("", "request.required.acks: 1", plain(1)),
        ("1", "acks: all", IDEMPOTENT),
        ("", "enable.idempotence: false", plain(-1)),
    ],
)
def test_the_producer_is_idempotent_unless_told_otherwise(
    tmp_path: Path, acks: str, file: str, expected: dict[str, Any]
) -> None:
    named = with_file(tmp_path, "LSST_KAFKA_PRODUCER_CONFIGURATION", file)
    settings = Settings.from_environment(an_environment(**named, **{ACKS: acks}))
    assert delivery(settings) == expected


@pytest.mark.parametrize(
    "file", ["acks: 1", "request.required.acks: 1", "enable.idempotence: false", "acks: all", "linger.ms: 3"]
)
async def test_the_library_takes_what_comes_of_it(tmp_path: Path, file: str) -> None:
    named = with_file(tmp_path, "LSST_KAFKA_PRODUCER_CONFIGURATION", file)
    producer = Producer(Settings.from_environment(an_environment(**named)))
    await producer.aclose()


class Library:
    """Stands in for the library: makes producers that do what a test says."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        #: What the next client says to each message; None: that it is confirmed.
        self.answers: list[KafkaError | None] = []

    def connect(self, settings: dict[str, Any], **_: object) -> Client:
        client = Client(settings, self.answers.pop(0) if self.answers else None)
        self.clients.append(client)
        return client


class Client:
    """A producer that fails all it is given, or confirms it."""

    def __init__(self, settings: dict[str, Any], fatal: KafkaError | None) -> None:
        self.settings = settings
        self.values: list[bytes] = []
        self._fatal = fatal
        self._reports: list[Callable[[Any, Any], None]] = []
        self._given = threading.Event()

    def produce(
        self, topic: str, value: bytes, key: bytes | None, *, partition: int, on_delivery: Callable[..., None]
    ) -> None:
        self.values.append(value)
        self._reports.append(on_delivery)
        self._given.set()

    def flush(self, limit_s: float) -> int:
        self._given.wait(limit_s)
        self._given.clear()
        if self._fatal is not None:
            self.settings["error_cb"](self._fatal)
        while self._reports:
            self._reports.pop(0)(self._fatal, None)
        return 0

    def poll(self, _: float) -> int:
        return 0

    def purge(self) -> None:
        self._reports.clear()


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
async def a_producer(library: Library) -> AsyncIterator[Callable[[], Producer]]:
    made: list[Producer] = []

    def make() -> Producer:
        made.append(Producer(Settings.from_environment(an_environment()), library.connect))
        return made[-1]

    yield make
    for producer in made:
        await producer.aclose()


async def test_where_idempotence_is_forbidden_all_is_written_without_in_order(
    library: Library, a_producer: Callable[[], Producer], caplog: pytest.LogCaptureFixture
) -> None:
    library.answers = [KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED, "no", fatal=True)]
    producer = a_producer()
    values = [b"%d" % number for number in range(20)]
    await asyncio.gather(*(producer.write("topic", b"key", value) for value in values))
    first, second = library.clients
    assert first.settings["enable.idempotence"] is True
    assert (second.settings["enable.idempotence"], second.settings["max.in.flight"]) == (False, 1)
    assert second.values == values
    assert "does not allow an idempotent producer" in caplog.text
    await producer.write("topic", b"key", b"more")
    assert second.values[-1] == b"more"


async def test_a_producer_that_ended_has_a_successor_and_what_is_in_doubt_fails(
    library: Library, a_producer: Callable[[], Producer], caplog: pytest.LogCaptureFixture
) -> None:
    library.answers = [KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "lost count", fatal=True)]
    producer = a_producer()
    with pytest.raises(BusError, match=r"topic: the broker refuses the message: lost count"):
        await producer.write("topic", b"key", b"1")
    await producer.write("topic", b"key", b"2")
    assert library.clients[1].values == [b"2"]
    assert library.clients[1].settings["enable.idempotence"] is True
    assert "had to be replaced: lost count" in caplog.text


async def test_whoever_is_not_answered_when_it_closes_is_told(
    library: Library, a_producer: Callable[[], Producer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsst.ts.scriptqueue.bus.kafka.producer.FLUSH_S", 0.0)
    monkeypatch.setattr(Client, "flush", lambda *_: 1)
    producer = a_producer()
    writing = asyncio.create_task(producer.write("topic", b"key", b"1"))
    await asyncio.wait([writing], timeout=0)
    await producer.aclose()
    with pytest.raises(BusError, match=r"^topic: "):
        await asyncio.wait_for(writing, 10)
