# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo as people run it: a whole night, and nights that are ended early."""

from __future__ import annotations

import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from lsst.ts.scriptqueue.local_kafka import Server

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]

DEMO = (sys.executable, "-P", "-m", "lsst.ts.scriptqueue.cli.demo")

#: Longer than a night may take in the worst case (seconds).
LIMIT_S = 120

SOON_S = 30.0


@contextmanager
def demo(*command: str, environ: Mapping[str, str] = os.environ) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            # What it leaves behind fails the test; it must not outlive it, too.
            if process.poll() is None:
                process.kill()


def read_until(process: subprocess.Popen[str], text: str) -> None:
    """Read its lines up to one with a text."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return
    pytest.fail(f"{text!r} is not in what it printed:\n{''.join(lines)}")


def subname_of(process: subprocess.Popen[str]) -> str:
    """The subname that a demo has made for its topics, when its queue runs."""
    (queue,) = psutil.Process(process.pid).children()
    return queue.environ()["LSST_TOPIC_SUBNAME"]


def assert_nothing_is_left(server: Server, subname: str) -> None:
    """Look for what a demo has made at a broker that goes on."""
    admin = AdminClient({"bootstrap.servers": server.broker})
    topics = admin.list_topics(timeout=SOON_S).topics
    assert [name for name in topics if f".{subname}." in name] == []
    groups = [group.group_id for group in admin.list_consumer_groups().result().valid]
    assert [name for name in groups if subname in name or name == "ts_scriptqueue"] == []
    with urllib.request.urlopen(f"{server.registry}/subjects?deleted=true", timeout=SOON_S) as answer:
        assert [name for name in json.load(answer) if f".{subname}." in name] == []


@pytest.mark.parametrize("bus", ["dds", "kafka"])
def test_a_night_is_as_it_should_be(bus: str, request: pytest.FixtureRequest) -> None:
    environ = dict(os.environ)
    if bus == "kafka":
        environ |= request.getfixturevalue("kafka_server").environment
    with demo(*DEMO, "--lines", environ=environ) as process:
        read_until(process, "is ENABLED")
        subname = subname_of(process)
        text, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, text
    assert ("✓ no topic is left at the broker" in text) is (bus == "kafka"), text
    if bus == "kafka":
        assert_nothing_is_left(request.getfixturevalue("kafka_server"), subname)
    expected = (
        "pauses",
        "goes on",
        "has a new order",
        "is refused",
        "is stopped, and the queue is not paused",
        "no process is left",
        "the queue has the slots main, calibration, engineering, utility",
        " ms apart, while 100011 take_flats ran",
        "waits: MTMount is held by 100012 (main) since ",
        "slot engineering is paused since ",
        "main goes on meanwhile: 100013 take_images runs",
        "it is said: Done; still paused: slot engineering",
        "was ready, and waited",
        "were as they should be.",
    )
    assert "broker and a schema registry are started" not in text, "one was given, or none is needed"
    assert [words for words in expected if words not in text] == [], text
    assert "NOT SO" not in text


@pytest.mark.parametrize(
    ("moment", "signals"),
    [
        pytest.param("starts ScriptQueue:1", 1, id="once, before there is a queue"),
        pytest.param("loading", 2, id="twice, while scripts load"),
        pytest.param(" running", 1, id="once, while a script runs"),
        pytest.param("starts ScriptQueue:1", 2, id="twice, before there is a queue", marks=pytest.mark.long),
        pytest.param("loading", 1, id="once, while scripts load", marks=pytest.mark.long),
        pytest.param(" running", 2, id="twice, while a script runs", marks=pytest.mark.long),
    ],
)
def test_an_interrupted_night_leaves_nothing(moment: str, signals: int) -> None:
    with demo(*DEMO, "--lines") as process:
        read_until(process, moment)
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 128 + signal.SIGINT, text
    assert text.endswith("The night was ended early; no process is left.\n")
    assert "Traceback" not in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_it_as_well(number: signal.Signals) -> None:
    with demo(*DEMO, "--lines") as process:
        read_until(process, "is ENABLED")
        process.send_signal(number)
        text, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 128 + number, text


def test_whoever_stops_reading_ends_it() -> None:
    with demo(*DEMO, "--lines") as process:
        read_until(process, "is ENABLED")
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(LIMIT_S) != 0


def test_a_queue_that_does_not_start_is_told() -> None:
    broken = (
        "import sys\n"
        "from lsst.ts.scriptqueue.cli import demo\n"
        "from lsst.ts.scriptqueue.cli.night import stage\n"
        "stage._command = lambda *_: (sys.executable, '-c', 'raise SystemExit(\"no stars\")')\n"
        "sys.exit(demo.main(['--lines']))\n"
    )
    with demo(sys.executable, "-P", "-c", broken) as process:
        text, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1, text
    assert "✗ NOT SO: the queue runs until it is sent OFFLINE; it ended with 1" in text
    assert "no stars" in text


@pytest.mark.parametrize(
    ("moment", "signals"),
    [
        pytest.param("broker", 1, id="while Kafka starts"),
        pytest.param("broker", 2, id="while Kafka starts, twice", marks=pytest.mark.long),
        pytest.param("starts ScriptQueue:1", 1, id="when it runs", marks=pytest.mark.long),
    ],
)
def test_an_interrupted_night_leaves_no_kafka(moment: str, signals: int, kafka_server: Server) -> None:
    """That `kafka_server` is there says that one can be started; this is another one."""
    with demo(*DEMO, "--bus=kafka", "--lines") as process:
        read_until(process, moment)
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
        text, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 128 + signal.SIGTERM, text
    assert text.endswith("The night was ended early; no process is left.\n")
    assert "Traceback" not in text


def test_an_interrupted_night_leaves_no_topics(kafka_server: Server) -> None:
    with demo(*DEMO, "--lines", environ=os.environ | kafka_server.environment) as process:
        read_until(process, "is ENABLED")
        subname = subname_of(process)
        process.send_signal(signal.SIGTERM)
        text, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 128 + signal.SIGTERM, text
    assert text.endswith("The night was ended early; no process is left.\n")
    assert_nothing_is_left(kafka_server, subname)


@pytest.mark.long
def test_a_kafka_of_its_own_ends_with_the_night(kafka_server: Server) -> None:
    broken = (
        "import sys\n"
        "from lsst.ts.scriptqueue.cli import demo\n"
        "from lsst.ts.scriptqueue.cli.night import stage\n"
        "stage._command = lambda *_: (sys.executable, '-c', 'raise SystemExit(\"no stars\")')\n"
        "sys.exit(demo.main(['--bus=kafka', '--lines']))\n"
    )
    with demo(sys.executable, "-P", "-c", broken) as process:
        text, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1, text
    assert "✗ NOT SO: the queue runs until it is sent OFFLINE; it ended with 1" in text
    assert "✓ Kafka has ended, and no process is left" in text


def test_without_java_and_maven_it_says_what_to_install(tmp_path: pathlib.Path) -> None:
    nothing = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    with demo(*DEMO, "--bus=kafka", environ=os.environ | nothing) as process:
        text, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1, text
    assert "demo: no java and no mvn on PATH; Debian, Ubuntu: apt install default-jre-headless maven" in text
    assert "Traceback" not in text


def test_a_broker_that_is_away_is_named() -> None:
    away = {
        "LSST_KAFKA_BROKER_ADDR": "127.0.0.1:1",
        "LSST_SCHEMA_REGISTRY_URL": "http://127.0.0.1:1",
        "LSST_KAFKA_START_LIMIT_S": "0.5",
    }
    with demo(*DEMO, "--lines", environ=os.environ | away) as process:
        text, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1, text
    assert "no Kafka broker answers at 127.0.0.1:1" in text
    assert "Traceback" not in text


def test_ctrl_c_on_a_terminal_gives_it_back() -> None:
    """The screen is left, the cursor is shown, and nothing stays."""
    terminal, its_end = pty.openpty()
    try:
        process = subprocess.Popen(
            DEMO,
            stdin=its_end,
            stdout=its_end,
            stderr=its_end,
            env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
            # The terminal becomes its controlling one, so that Ctrl-C reaches it.
            preexec_fn=lambda: os.login_tty(its_end),
        )
        os.close(its_end)
        seen = _read_terminal(terminal, until=b"running")
        os.write(terminal, b"\x03")
        seen += _read_terminal(terminal)
        assert process.wait(LIMIT_S) == 128 + signal.SIGINT
    finally:
        os.close(terminal)
    text = seen.decode(errors="replace")
    assert text.index("\x1b[?1049h") < text.rindex("\x1b[?1049l")
    assert text.rindex("\x1b[?25l") < text.rindex("\x1b[?25h")
    assert "The night was ended early; no process is left." in text


def _read_terminal(terminal: int, until: bytes | None = None) -> bytes:
    """Read what is written to a terminal until some words, or until nobody has it open."""
    seen = b""
    give_up_at = time.monotonic() + LIMIT_S
    while until is None or until not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0.0, give_up_at - time.monotonic()))
        assert ready, f"nothing more after {seen[-2000:]!r}"
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            # Linux says so when the last one has closed its end.
            break
        if not chunk:
            break
        seen += chunk
    return seen
