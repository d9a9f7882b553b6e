# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and stopping a broker and a registry on this machine.

They run apart from whoever starts them, on free ports of the loopback
interface, and live in one folder: their data, their logs, and ``server.json``
that says where they listen and which processes they are. Stopping them
removes all that. A process is ended only if it still is the one
that was started.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .artifacts import Artifacts, KafkaMissing, fetch

__all__ = ["Server", "running", "start", "stop"]

#: How long they may take until they answer; a busy machine needs its time.
START_LIMIT_S = 120.0

_GLANCE_S = 0.05
_FILES = ("server.json", "server.properties", "broker.log", "registry.log")
_STOP_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """A broker and a registry that run.

    Attributes
    ----------
    broker
        Address of the broker's open listener.
    sasl
        Address of the listener that wants user name and password.
    registry
        URL of the registry.
    user, password
        What the SASL listener accepts (SCRAM-SHA-512).
    pids
        The processes, each with the tick it was started at.
    """

    broker: str
    sasl: str
    registry: str
    user: str
    password: str
    pids: Mapping[int, int]

    @property
    def environment(self) -> dict[str, str]:
        """What to export to use it."""
        return {"LSST_KAFKA_BROKER_ADDR": self.broker, "LSST_SCHEMA_REGISTRY_URL": self.registry}

    @property
    def sasl_environment(self) -> dict[str, str]:
        """What to export to use it with user name and password."""
        return self.environment | {
            "LSST_KAFKA_BROKER_ADDR": self.sasl,
            "LSST_KAFKA_SECURITY_USERNAME": self.user,
            "LSST_KAFKA_SECURITY_PASSWORD": self.password,
        }


def running(folder: Path) -> Server | None:
    """Return what runs in a folder; None if nothing does."""
    try:
        kept = json.loads((folder / "server.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    pids = {int(pid): ticks for pid, ticks in kept.pop("pids").items()}
    server = Server(**kept, pids=pids)
    return server if all(_start_ticks(pid) == ticks for pid, ticks in pids.items()) else None


def start(folder: Path) -> Server:
    """Start a broker and a registry, and wait until both answer.

    Raises
    ------
    KafkaMissing
        If Java or Maven is missing, or they do not answer.
    """
    artifacts = fetch()
    stop(folder)
    folder.mkdir(parents=True, exist_ok=True)
    broker, sasl, controller, registry = _free_ports(4)
    user, password = "scriptqueue", secrets.token_hex(8)
    (folder / "server.properties").write_text(
        _properties(folder / "data", broker, sasl, controller), encoding="utf-8"
    )
    _format(folder, artifacts, user, password)
    processes = [_start_broker(folder, artifacts), _start_registry(folder, artifacts, registry)]
    server = Server(
        broker=f"127.0.0.1:{broker}",
        sasl=f"127.0.0.1:{sasl}",
        registry=f"http://127.0.0.1:{registry}/apis/ccompat/v7",
        user=user,
        password=password,
        pids={process.pid: _start_ticks(process.pid) or 0 for process in processes},
    )
    (folder / "server.json").write_text(json.dumps(asdict(server)), encoding="utf-8")
    try:
        _wait(folder / "broker.log", processes[0], lambda: _listens(broker))
        _wait(folder / "registry.log", processes[1], lambda: _answers(registry))
    except BaseException:
        _end(server)
        raise
    return server


def stop(folder: Path) -> bool:
    """Stop what runs in a folder, and remove its data; False if nothing ran."""
    server = running(folder)
    if server is not None:
        _end(server)
    # Only what is known to be ours: the folder was named by a person.
    shutil.rmtree(folder / "data", ignore_errors=True)
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)
    return server is not None


def _properties(data: Path, broker: int, sasl: int, controller: int) -> str:
    open_, closed = f"PLAINTEXT://127.0.0.1:{broker}", f"SASL_PLAINTEXT://127.0.0.1:{sasl}"
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"{open_},{closed},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"{open_},{closed}",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT"
        ),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": scram,
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "num.partitions": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _java(artifacts: Artifacts, *words: str) -> list[str]:
    quick = ["-Xmx400m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return ["java", *quick, quiet, "-cp", f"{artifacts.libraries}/*", *words]


def _format(folder: Path, artifacts: Artifacts, user: str, password: str) -> None:
    identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = _java(artifacts, "kafka.tools.StorageTool", "format", f"--cluster-id={identity}", "-c")
    command += [str(folder / "server.properties")]
    command += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KafkaMissing(f"the broker's storage cannot be made: {(done.stdout + done.stderr)[-1000:]}")


def _start_broker(folder: Path, artifacts: Artifacts) -> subprocess.Popen[bytes]:
    command = _java(artifacts, "kafka.Kafka", str(folder / "server.properties"))
    return _spawn(command, folder / "broker.log", {})


def _start_registry(folder: Path, artifacts: Artifacts, port: int) -> subprocess.Popen[bytes]:
    command = ["java", "-Xmx400m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar"]
    where = {"QUARKUS_HTTP_PORT": str(port), "QUARKUS_HTTP_HOST": "127.0.0.1"}
    return _spawn([*command, str(artifacts.registry)], folder / "registry.log", where)


def _spawn(command: list[str], log: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # Nothing of what marks or configures the caller belongs to a server that outlives it.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "JAVA_HOME") if name in os.environ}
    with open(log, "wb") as output:
        return subprocess.Popen(
            command,
            cwd=log.parent,
            env={**kept, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait(log: Path, process: subprocess.Popen[bytes], is_ready: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + START_LIMIT_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise KafkaMissing(f"{log.stem} does not answer: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(_GLANCE_S)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
        return True
    return False


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5.0)
    try:
        connection.request("GET", "/apis/ccompat/v7/subjects")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(server: Server) -> None:
    give_up_at = time.monotonic() + _STOP_LIMIT_S
    alive = dict(server.pids)
    for pid in alive:
        _signal(pid, alive[pid], signal.SIGTERM)
    while alive and time.monotonic() < give_up_at:
        alive = {pid: ticks for pid, ticks in alive.items() if _start_ticks(pid) == ticks}
        time.sleep(_GLANCE_S)
    for pid, ticks in alive.items():
        _signal(pid, ticks, signal.SIGKILL)


def _signal(pid: int, ticks: int, number: signal.Signals) -> None:
    if _start_ticks(pid) == ticks:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _start_ticks(pid: int) -> int | None:
    """Return when a process was started, None if it has gone or waits to be reaped."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])
