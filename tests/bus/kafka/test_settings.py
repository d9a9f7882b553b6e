# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the environment and its files say arrives; what is wrong with them is told by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.scriptqueue.bus import BusError
from lsst.ts.scriptqueue.bus.kafka.consumer import Consumer
from lsst.ts.scriptqueue.bus.kafka.producer import Producer
from lsst.ts.scriptqueue.bus.kafka.registry import Registry
from lsst.ts.scriptqueue.bus.kafka.schemas import KnownSchemas
from lsst.ts.scriptqueue.bus.kafka.settings import Settings

from .settings_files import an_environment, with_file

COMMON = "LSST_KAFKA_BROKER_CLIENT_CONFIGURATION"
CONSUMER = "LSST_KAFKA_CONSUMER_CONFIGURATION"
PRODUCER = "LSST_KAFKA_PRODUCER_CONFIGURATION"


def settings_with(folder: Path, variable: str, text: str, **more: str) -> Settings:
    return Settings.from_environment(an_environment(**with_file(folder, variable, text), **more))


@pytest.mark.parametrize("variable", [COMMON, PRODUCER])
async def test_settings_of_a_file_reach_the_producer(tmp_path: Path, variable: str) -> None:
    seen: list[dict[str, Any]] = []

    def connect(conf: dict[str, Any], **kwargs: Any) -> Any:
        import confluent_kafka

        seen.append(conf)
        return confluent_kafka.Producer(conf, **kwargs)

    settings = settings_with(tmp_path, variable, "client.id: somebody\nlinger.ms: 7\n")
    await Producer(settings, connect).aclose()
    assert (seen[0]["client.id"], seen[0]["linger.ms"]) == ("somebody", 7)


def test_the_more_particular_file_counts(tmp_path: Path) -> None:
    common = with_file(tmp_path, COMMON, "client.id: anybody\nsocket.timeout.ms: 9000\n")
    settings = settings_with(tmp_path, CONSUMER, "client.id: reader\n", **common)
    conf = settings.client({"client.id": "ours"}, settings.common, settings.consumer)
    assert (conf["client.id"], conf["socket.timeout.ms"]) == ("reader", 9000)


@pytest.mark.parametrize("variable", [COMMON, CONSUMER])
@pytest.mark.parametrize(
    ("text", "setting", "words"),
    [
        ("fetch.wait.max.ms: 10\nno.such.setting: 1\n", "no.such.setting", "No such configuration property"),
        ("socket.timeout.ms: soon\n", "socket.timeout.ms", "Invalid value"),
        ("log_level: 6\nsocket.timeout.ms: 1\n", "socket.timeout.ms", "outside allowed range"),
    ],
)
async def test_a_wrong_setting_of_the_reader_is_told(
    tmp_path: Path, variable: str, text: str, setting: str, words: str
) -> None:
    settings = settings_with(tmp_path, variable, text)
    path = re.escape(settings.files["common" if variable == COMMON else "consumer"])
    expected = rf"^{variable} names {path}, whose setting {setting} cannot be used: .*{words}"
    with pytest.raises(BusError, match=expected):
        Consumer(settings, KnownSchemas(Registry(settings.registry)))


async def test_a_wrong_setting_of_the_writer_is_told_by_the_name_in_the_file(tmp_path: Path) -> None:
    # The library itself calls this one queue.buffering.max.ms.
    settings = settings_with(tmp_path, PRODUCER, "client.id: me\nlinger.ms: long\n")
    with pytest.raises(BusError, match=rf"^{PRODUCER} names .*, whose setting linger\.ms cannot be used"):
        Producer(settings)


@pytest.mark.parametrize(
    ("text", "words"),
    [("- a list\n", "must hold librdkafka settings"), ("a: [\n", "cannot be read"), (None, "cannot be read")],
)
def test_a_file_that_holds_no_settings_is_told(tmp_path: Path, text: str | None, words: str) -> None:
    named = {PRODUCER: str(tmp_path / "absent")} if text is None else with_file(tmp_path, PRODUCER, text)
    with pytest.raises(BusError, match=rf"^{PRODUCER} names .*{words}"):
        Settings.from_environment(an_environment(**named))


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("LSST_TOPIC_SUBNAME", "", "needs LSST_TOPIC_SUBNAME"),
        ("LSST_KAFKA_REPLICATION_FACTOR", "1.5", "must be a whole number above 0, not '1.5'"),
        ("LSST_KAFKA_PRODUCER_WAIT_ACKS", "2", "must be one of 0, 1, -1, all, not '2'"),
        ("LSST_KAFKA_START_LIMIT_S", "nan", "must be a number above 0, not 'nan'"),
    ],
)
def test_a_variable_that_makes_no_sense_is_told(variable: str, value: str, words: str) -> None:
    with pytest.raises(BusError, match=words):
        Settings.from_environment(an_environment(**{variable: value}))


def test_user_name_and_password_count_together() -> None:
    login = {"LSST_KAFKA_SECURITY_USERNAME": "me", "LSST_KAFKA_SECURITY_PASSWORD": "secret"}
    security = Settings.from_environment(an_environment(**login)).security
    assert security == {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "me",
        "sasl.password": "secret",
    }
    for name in login:
        half = {key: value for key, value in login.items() if key != name}
        assert Settings.from_environment(an_environment(**half)).security == {}
