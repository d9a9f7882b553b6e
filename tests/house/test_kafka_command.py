# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``bin/kafka``, with a stand-in for Java that listens where a broker and a registry would.

That the real ones do is seen by every test that needs them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

import psutil
import pytest

from lsst.ts.scriptqueue.local_kafka.artifacts import KAFKA_VERSION, REGISTRY_VERSION

pytestmark = pytest.mark.system

KAFKA = (sys.executable, "-P", "-m", "lsst.ts.scriptqueue.local_kafka")
SOON_S = 30.0

#: It is called as Java is; files beside the broker's settings make it fail, or not listen.
JAVA = f"""#!{sys.executable} -IS
import os, signal, socket, sys

if "-version" in sys.argv:
    sys.stderr.write('openjdk version "VERSION" 2025-04-15\\n')
elif "-jar" in sys.argv:
    server = socket.create_server(("127.0.0.1", int(os.environ["QUARKUS_HTTP_PORT"])))
    while True:
        with server.accept()[0] as connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
elif "kafka.Kafka" in sys.argv:
    if os.path.exists("fails"):
        sys.exit("No space left on device")
    [line] = [line for line in open("server.properties") if line.startswith("advertised")]
    server = socket.create_server(("127.0.0.1", int(line.split(",")[0].rpartition(":")[2])))
    if os.path.exists("is-silent"):
        server.close()
    open("there", "w").close()
    signal.pause()
"""


@dataclass(frozen=True)
class Machine:
    """A machine with Java, and with a broker and a registry fetched."""

    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def start(self, *words: str, state: Path | None = None, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*KAFKA, *words, "--state-dir", str(state or self.state)],
            env={
                "PATH": str(self.folder / "bin"),
                "XDG_CACHE_HOME": str(self.folder / "cache"),
                **{name: value for name, value in os.environ.items() if name.startswith("SCRIPTQUEUE_")},
                **environment,
            },
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            text=True,
        )

    def run(
        self, *words: str, state: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        with self.start(*words, state=state, **environment) as process:
            stdout, stderr = process.communicate(timeout=SOON_S)
        return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)

    def write_java(self, version: str = "17.0.15") -> None:
        file = self.folder / "bin/java"
        file.write_text(JAVA.replace("VERSION", version))
        file.chmod(0o755)

    def pids(self, state: Path | None = None) -> list[int]:
        kept = json.loads(((state or self.state) / "server.json").read_text())
        return [int(pid) for pid in kept["pids"]]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    (tmp_path / "bin").mkdir()
    machine.write_java()
    cache = f"kafka-{KAFKA_VERSION}-{REGISTRY_VERSION}"
    registry = tmp_path / "cache/ts_scriptqueue" / cache / "registry"
    registry.mkdir(parents=True)
    (registry / "apicurio-registry-app-0-runner.jar").touch()
    (registry.parent / "complete").touch()
    yield machine
    for state in (machine.state, tmp_path / "other"):
        if (state / "server.json").exists():
            machine.run("stop", state=state)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_start_prints_what_to_export_and_stop_what_to_take_back(machine: Machine) -> None:
    started = machine.run("start")
    assert (started.returncode, started.stderr) == (0, "")
    pids = machine.pids()
    shell = f"{started.stdout}\necho $LSST_KAFKA_BROKER_ADDR $LSST_SCHEMA_REGISTRY_URL $LSST_TOPIC_SUBNAME"
    broker, registry, subname = subprocess.check_output(["/bin/sh", "-c", shell], text=True).split()
    host, port = broker.split(":")
    socket.create_connection((host, int(port))).close()
    assert registry.startswith("http://127.0.0.1:")
    assert subname == "local"
    stopped = machine.run("stop")
    shell += f"\n{stopped.stdout}\necho $LSST_KAFKA_BROKER_ADDR $LSST_SCHEMA_REGISTRY_URL $LSST_TOPIC_SUBNAME"
    assert subprocess.check_output(["/bin/sh", "-c", shell], text=True).splitlines()[1] == ""
    assert not any(map(is_alive, pids))


def test_a_second_start_finds_the_first(machine: Machine) -> None:
    first = machine.run("start")
    pids = machine.pids()
    second = machine.run("start")
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert machine.run("status").stdout == first.stdout
    assert machine.pids() == pids


def test_a_second_stop_is_no_error(machine: Machine) -> None:
    machine.run("start")
    assert machine.run("stop").stderr == ""
    again = machine.run("stop")
    assert (again.returncode, again.stderr) == (0, "kafka: nothing ran\n")


def test_status_where_nothing_runs(machine: Machine) -> None:
    status = machine.run("status")
    assert (status.returncode, status.stdout) == (1, "")
    assert "start it with: bin/kafka start" in status.stderr
    assert not machine.state.exists()


@pytest.mark.parametrize(
    ("killed", "says"),
    [
        pytest.param([0], "the broker has ended, and the registry runs; ", id="broker"),
        pytest.param([1], "the registry has ended, and the broker runs; ", id="registry"),
        pytest.param([0, 1], "both have ended by themselves; ", id="both"),
    ],
)
def test_what_was_killed_is_told_and_started_anew_and_nothing_is_left_of_it(
    machine: Machine, killed: list[int], says: str
) -> None:
    machine.run("start")
    before = machine.pids()
    (machine.state / "data").mkdir()
    (machine.state / "data/stale").touch()
    for which in killed:
        os.kill(before[which], signal.SIGKILL)
    status = machine.run("status")
    assert (status.returncode, status.stdout) == (1, "")
    assert status.stderr.startswith(f"kafka: {says}")
    assert machine.run("start").returncode == 0
    assert not any(map(is_alive, before))
    assert not (machine.state / "data/stale").exists()
    assert all(map(is_alive, machine.pids()))


def test_two_run_side_by_side(machine: Machine) -> None:
    other = machine.folder / "other"
    first, second = machine.run("start"), machine.run("start", state=other)
    assert not {*first.stdout.splitlines()[:2]} & {*second.stdout.splitlines()[:2]}
    machine.run("stop", state=other)
    assert machine.run("status").stdout == first.stdout


def test_two_starts_at_once_start_one(machine: Machine) -> None:
    with machine.start("start") as one, machine.start("start") as another:
        said = one.communicate(timeout=SOON_S), another.communicate(timeout=SOON_S)
    assert said[0] == said[1]


def test_sasl_is_printed_when_asked_for(machine: Machine) -> None:
    plain, sasl = machine.run("start"), machine.run("status", "--sasl")
    assert "SECURITY" not in plain.stdout
    assert "export LSST_KAFKA_SECURITY_USERNAME=scriptqueue\n" in sasl.stdout
    assert "export LSST_KAFKA_SECURITY_PASSWORD=" in sasl.stdout
    assert plain.stdout.splitlines()[0] != sasl.stdout.splitlines()[0]


def test_a_shell_that_had_sasl_loses_it(machine: Machine) -> None:
    started = machine.run("start", LSST_KAFKA_SECURITY_USERNAME="me", LSST_TOPIC_SUBNAME="mine")
    assert "unset LSST_KAFKA_SECURITY_USERNAME\n" in started.stdout
    assert "export LSST_TOPIC_SUBNAME=mine\n" in started.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_run_stops_both_when_it_is_told_to(machine: Machine, number: signal.Signals) -> None:
    with machine.start("run", SCRIPTQUEUE_TEST_MARK="here") as process:
        assert process.stdout is not None
        # It closes its stdout when both answer.
        assert process.stdout.read() == machine.run("status").stdout
        pids = machine.pids()
        assert all(psutil.Process(pid).environ()["SCRIPTQUEUE_TEST_MARK"] == "here" for pid in pids)
        process.send_signal(number)
        assert process.wait(SOON_S) == 128 + number
    assert not any(map(is_alive, pids))
    assert machine.run("status").returncode == 1


def test_run_ends_when_one_of_them_does(machine: Machine) -> None:
    with machine.start("run") as process:
        assert process.stdout is not None
        assert process.stdout.read()
        broker, registry = machine.pids()
        os.kill(broker, signal.SIGKILL)
        _, stderr = process.communicate(timeout=SOON_S)
    assert (process.returncode, stderr) == (1, "kafka: the broker has ended by itself\n")
    assert not is_alive(registry)


def test_run_leaves_what_was_started_alone(machine: Machine) -> None:
    machine.run("start")
    ran = machine.run("run")
    assert ran.returncode == 1
    assert "already" in ran.stderr
    assert machine.run("status").returncode == 0


@pytest.mark.parametrize("action", ["start", "run"])
def test_a_start_that_is_interrupted_leaves_nothing(machine: Machine, action: str) -> None:
    machine.state.mkdir()
    (machine.state / "is-silent").touch()
    os.mkfifo(machine.state / "there")
    with machine.start(action) as process:
        # Opening a fifo waits for its other end to be opened.
        (machine.state / "there").read_bytes()
        pids = machine.pids()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=SOON_S)
    assert (process.returncode, stdout, stderr) == (128 + signal.SIGINT, "", "")
    assert not any(map(is_alive, pids))


def test_a_broker_that_fails_is_quoted_and_the_registry_is_not_left(machine: Machine) -> None:
    machine.state.mkdir()
    (machine.state / "fails").touch()
    started = machine.run("start")
    assert (started.returncode, started.stdout) == (1, "")
    assert started.stderr == "kafka: broker does not answer: No space left on device\n\n"
    assert not any(map(is_alive, machine.pids()))


@pytest.mark.parametrize(
    ("version", "is_enough"), [("1.8.0_402", False), ("11.0.2", False), ("17", True), ("21-ea", True)]
)
def test_java_must_be_new_enough(machine: Machine, version: str, is_enough: bool) -> None:
    machine.write_java(version)
    started = machine.run("start")
    assert (started.returncode == 0) == is_enough
    if not is_enough:
        number = "8" if version.startswith("1.8") else "11"
        assert f"/bin/java is Java {number}, and 17 or newer is needed" in started.stderr
        assert "apt install openjdk-17-jre-headless" in started.stderr


def test_without_java_and_maven_both_packages_are_named(machine: Machine) -> None:
    (machine.folder / "bin/java").unlink()
    started = machine.run("start", XDG_CACHE_HOME=str(machine.folder / "empty"))
    assert started.returncode == 1
    assert (
        "no java and no mvn on PATH; Debian, Ubuntu: apt install default-jre-headless maven" in started.stderr
    )


def test_what_was_fetched_needs_no_maven(machine: Machine) -> None:
    (machine.folder / "bin/java").unlink()
    assert "no java on PATH" in machine.run("start").stderr


def test_maven_that_fails_is_quoted(machine: Machine) -> None:
    maven = machine.folder / "bin/mvn"
    maven.write_text("#!/bin/sh\necho 'Could not resolve dependencies'\nexit 1\n")
    maven.chmod(0o755)
    started = machine.run("start", XDG_CACHE_HOME=str(machine.folder / "empty"))
    assert started.returncode == 1
    assert "kafka: fetching a broker and a registry with Maven" in started.stderr
    assert "failed: Could not resolve dependencies" in started.stderr


@pytest.mark.parametrize("content", ["{", '{"pids": {}}'])
def test_a_folder_that_is_somebody_elses_is_left_alone(machine: Machine, content: str) -> None:
    machine.state.mkdir()
    file = machine.state / "server.json"
    file.write_text(content)
    for action in ("start", "stop"):
        ended = machine.run(action)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert f"{file} was not written by this program" in ended.stderr
        assert "Traceback" not in ended.stderr
    assert file.read_text() == content


def test_a_folder_that_cannot_be_used_is_named(machine: Machine) -> None:
    (machine.folder / "file").touch()
    started = machine.run("start", state=machine.folder / "file")
    assert started.returncode == 1
    assert str(machine.folder / "file") in started.stderr
    assert "Traceback" not in started.stderr
