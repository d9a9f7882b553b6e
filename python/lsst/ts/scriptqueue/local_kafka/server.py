# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and stopping a broker and a registry on this machine.

They run apart from whoever starts them, on free ports of the loopback
interface, and live in one folder: their data, their logs, and ``server.json``
that says where they listen and which processes they are. They go together: the
registry keeps its schemas in memory, and messages without their schemas are
worth nothing, so stopping them removes all that. Who starts or stops holds a
lock of the folder.

The broker alone can be taken away for a while and be brought back, with its
data and its address, to try what that does.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import http.client
import json
import random
import secrets
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from .artifacts import Artifacts, KafkaMissing, fetch
from .broker_properties import broker_properties
from .processes import alive, end, spawn, start_ticks

__all__ = ["Server", "bring_back", "ended", "running", "start", "stop", "take_away"]

#: How long they may take until they answer; a busy machine needs its time.
START_LIMIT_S = 120.0

_GLANCE_S = 0.05
_FILES = ("server.json", "server.json.new", "server.properties", "broker.log", "registry.log")
_STOP_LIMIT_S = 10.0
_JAVA = ("java", "-Xmx400m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

#: Below the ports that a system hands out to anybody: one of those could be given away before it is used.
_PORTS = range(15_000, 32_000)


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
        The processes, broker first, each with the tick it was started at.
    """

    broker: str
    sasl: str
    registry: str
    user: str
    password: str
    pids: Mapping[int, int]

    @property
    def broker_pid(self) -> int:
        """The process of the broker."""
        return next(iter(self.pids))

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
    """Return what runs in a folder, as a whole; None if nothing does, or only a part.

    What is being started or stopped is waited for.

    Raises
    ------
    KafkaMissing
        If the folder's ``server.json`` is no such thing.
    """
    if not (folder / "server.json").exists():
        return None
    with _lock(folder):
        return _running(folder)


def ended(folder: Path) -> tuple[str, ...]:
    """Return which have ended of those that were started in a folder, and not stopped: broker, registry.

    Raises
    ------
    KafkaMissing
        If the folder's ``server.json`` is no such thing.
    """
    if not (folder / "server.json").exists():
        return ()
    with _lock(folder):
        server = _kept(folder)
        if server is None:
            return ()
        living = alive(server.pids)
        return tuple(
            [
                name
                for name, pid in zip(("broker", "registry"), server.pids, strict=False)
                if pid not in living
            ]
        )


def start(folder: Path, environment: Mapping[str, str] | None = None, registry_url: str = "") -> Server:
    """Start a broker and a registry, and wait until both answer; if they run already, return them.

    What is left in the folder of an earlier pair is removed. Whatever ends
    this early, an exception of a signal handler included, nothing goes on running.

    Parameters
    ----------
    folder
        Where they live; made if need be.
    environment
        What their processes have in their environment; if None, no more than they need.
    registry_url
        A registry that runs already, to be used instead of one more.

    Raises
    ------
    KafkaMissing
        If Java or Maven is missing, or they do not answer.
    OSError
        If the folder cannot be used.
    """
    artifacts = fetch()
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        server = _running(folder)
        if server is None:
            _clear(folder)
            server = _start(folder, artifacts, environment, registry_url)
        return server


def take_away(folder: Path, number: signal.Signals = signal.SIGTERM) -> None:
    """End the broker that runs in a folder, and keep its data; it has gone when this returns."""
    with _lock(folder):
        server = _running(folder)
        if server is not None:
            pid = server.broker_pid
            end({pid: server.pids[pid]}, _STOP_LIMIT_S, number)


def bring_back(folder: Path) -> Server:
    """Start the broker again that was taken away, and wait until it answers.

    Raises
    ------
    KafkaMissing
        If there is none to be brought back, or it does not answer.
    """
    with _lock(folder):
        before = _kept(folder)
        if before is None:
            raise KafkaMissing(f"nothing was started in {folder}")
        process = spawn(_broker_command(folder, fetch()), folder / "broker.log", {}, None)
        others = {pid: ticks for pid, ticks in before.pids.items() if pid != before.broker_pid}
        server = replace(before, pids={process.pid: start_ticks(process.pid) or 0, **others})
        _write(folder, server)
        port = int(server.broker.rpartition(":")[2])
        _wait(folder / "broker.log", process, lambda: _listens(port))
        return server


def stop(folder: Path) -> bool:
    """Stop what runs in a folder, be it only a part, and remove its data; False if nothing ran."""
    if not folder.is_dir():
        return False
    with _lock(folder):
        return _clear(folder)


def _running(folder: Path) -> Server | None:
    server = _kept(folder)
    return server if server is not None and len(alive(server.pids)) == len(server.pids) else None


def _kept(folder: Path) -> Server | None:
    file = folder / "server.json"
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        pids = {int(pid): int(ticks) for pid, ticks in kept.pop("pids").items()}
        return Server(**kept, pids=pids)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KafkaMissing(
            f"{file} was not written by this program ({error}); remove it, or use another folder"
        ) from error


def _clear(folder: Path) -> bool:
    server = _kept(folder)
    lives = server is not None and bool(alive(server.pids))
    if server is not None:
        # A broker that is asked to end first puts in order what is removed then.
        end(server.pids, _STOP_LIMIT_S, signal.SIGKILL)
    # Only what is known to be ours: the folder was named by a person.
    shutil.rmtree(folder / "data", ignore_errors=True)
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)
    return lives


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with open(folder / "lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(
    folder: Path, artifacts: Artifacts, environment: Mapping[str, str] | None, registry_url: str
) -> Server:
    broker, sasl, controller, registry = _free_ports(4)
    user, password = "scriptqueue", secrets.token_hex(8)
    properties = broker_properties(folder / "data", broker, sasl, controller)
    (folder / "server.properties").write_text(properties, encoding="utf-8")
    _format(folder, artifacts, user, password)
    commands: dict[str, tuple[list[str], dict[str, str], Callable[[], bool]]] = {
        "broker": (
            _broker_command(folder, artifacts),
            {},
            lambda: _listens(broker),
        ),
        "registry": (
            [*_JAVA, "-jar", str(artifacts.registry)],
            {"QUARKUS_HTTP_PORT": str(registry), "QUARKUS_HTTP_HOST": "127.0.0.1"},
            lambda: _answers(registry),
        ),
    }
    if registry_url:
        del commands["registry"]
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, (command, settings, _) in commands.items():
            processes[name] = spawn(command, folder / f"{name}.log", settings, environment)
        server = Server(
            broker=f"127.0.0.1:{broker}",
            sasl=f"127.0.0.1:{sasl}",
            registry=registry_url or f"http://127.0.0.1:{registry}/apis/ccompat/v7",
            user=user,
            password=password,
            pids={process.pid: start_ticks(process.pid) or 0 for process in processes.values()},
        )
        # Before they answer, so that they are known even if this process is killed.
        _write(folder, server)
        for name, (_, _, is_ready) in commands.items():
            _wait(folder / f"{name}.log", processes[name], is_ready)
    except BaseException:
        end({process.pid: start_ticks(process.pid) or 0 for process in processes.values()}, _STOP_LIMIT_S)
        raise
    return server


def _write(folder: Path, server: Server) -> None:
    """Write down what runs, all of it or nothing."""
    (folder / "server.json.new").write_text(json.dumps(asdict(server)), encoding="utf-8")
    (folder / "server.json.new").rename(folder / "server.json")


def _broker_command(folder: Path, artifacts: Artifacts) -> list[str]:
    return [*_JAVA, *_classes(artifacts), "kafka.Kafka", str(folder / "server.properties")]


def _classes(artifacts: Artifacts) -> list[str]:
    return ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{artifacts.libraries}/*"]


def _format(folder: Path, artifacts: Artifacts, user: str, password: str) -> None:
    identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = ["java", "-XX:TieredStopAtLevel=1", *_classes(artifacts), "kafka.tools.StorageTool"]
    # Written as one word: an id may begin with a dash.
    command += ["format", f"--cluster-id={identity}", "-c", str(folder / "server.properties")]
    command += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KafkaMissing(f"the broker's storage cannot be made: {(done.stdout + done.stderr)[-1000:]}")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        found: list[int] = []
        for port in random.sample(_PORTS, len(_PORTS)):
            each = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                each.bind(("127.0.0.1", port))
                found.append(port)
            if len(found) == count:
                return found
    raise KafkaMissing(f"no {count} ports from {_PORTS.start} to {_PORTS.stop} are free")


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
