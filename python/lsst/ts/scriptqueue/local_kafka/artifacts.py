# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs a local Kafka consists of: fetched once, by Maven, and kept.

They are kept in the cache directory of the user, so that a second start needs
no network. Two that fetch at the same time wait for each other, and what was
interrupted is fetched again.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Artifacts", "KafkaMissing", "check_programs", "fetch", "must_be_fetched"]

KAFKA_VERSION = "3.9.1"
REGISTRY_VERSION = "3.0.9"

_REGISTRY = f"io.apicurio:apicurio-registry-app:{REGISTRY_VERSION}:tar.gz:all"
_LIBRARIES = (("org.apache.kafka", "kafka_2.13", KAFKA_VERSION), ("org.slf4j", "slf4j-simple", "1.7.36"))

#: What the registry needs; the broker would do with less.
_JAVA_VERSION = 17

#: Programs needed, and the package of Debian that has each.
_PROGRAMS = {"java": "default-jre-headless", "mvn": "maven"}


class KafkaMissing(RuntimeError):
    """There is no Kafka on this machine; the text says what to install."""


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Where the programs are.

    Attributes
    ----------
    libraries
        Folder of the broker's jar files.
    registry
        The registry's jar file.
    """

    libraries: Path
    registry: Path


def must_be_fetched() -> bool:
    """Tell whether `fetch` would need the network."""
    return _kept(_cache()) is None


def check_programs() -> None:
    """Look whether this machine has what `fetch` and the servers need.

    Raises
    ------
    KafkaMissing
        If Java or Maven is missing, or Java is too old.
    """
    _check_paths("java", *(["mvn"] if must_be_fetched() else []))
    _check_java()


def fetch() -> Artifacts:
    """Return the programs, fetched if need be.

    Raises
    ------
    KafkaMissing
        If Java or Maven is missing, or they cannot be fetched.
    """
    check_programs()
    cache = _cache()
    cache.mkdir(parents=True, exist_ok=True)
    with _lock(cache):
        kept = _kept(cache)
        if kept is None:
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                _fetch_libraries(Path(folder), cache / "broker")
                _fetch_registry(Path(folder), cache / "registry")
            (cache / "complete").touch()
            kept = _kept(cache)
    if kept is None:
        raise KafkaMissing(f"what Maven fetched into {cache} has no registry in it; remove it and try again")
    return kept


def _check_paths(*names: str) -> None:
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        packages = " ".join(_PROGRAMS[name] for name in missing)
        raise KafkaMissing(
            f"no {' and no '.join(missing)} on PATH; Debian, Ubuntu: apt install {packages}"
            f" (Java {_JAVA_VERSION} or newer)"
        )


def _check_java() -> None:
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    text = (done.stdout + done.stderr).strip()
    # "17.0.15", "21-ea"; until 8 it was "1.8.0_402".
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    where = shutil.which("java")
    if done.returncode or found is None:
        raise KafkaMissing(f"`{where} -version` does not say a version: {text[-500:] or 'it says nothing'}")
    if int(found[1]) < _JAVA_VERSION:
        raise KafkaMissing(
            f"{where} is Java {found[1]}, and {_JAVA_VERSION} or newer is needed; Debian, Ubuntu: apt install"
            f" openjdk-{_JAVA_VERSION}-jre-headless"
        )


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "ts_scriptqueue", f"kafka-{KAFKA_VERSION}-{REGISTRY_VERSION}")


def _kept(cache: Path) -> Artifacts | None:
    if not (cache / "complete").exists():
        return None
    registry = next((cache / "registry").rglob("apicurio-registry-app-*-runner.jar"), None)
    return Artifacts(cache / "broker", registry) if registry else None


@contextmanager
def _lock(cache: Path) -> Iterator[None]:
    with open(cache / "lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch_libraries(scratch: Path, target: Path) -> None:
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version></dependency>"
        for group, name, version in _LIBRARIES
    )
    (scratch / "pom.xml").write_text(
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>local</groupId><artifactId>broker</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>",
        encoding="utf-8",
    )
    _maven(scratch, "dependency:copy-dependencies", f"-DoutputDirectory={target}", "-DincludeScope=runtime")


def _fetch_registry(scratch: Path, target: Path) -> None:
    _maven(scratch, "dependency:get", "-Dtransitive=false", f"-Dartifact={_REGISTRY}")
    _maven(scratch, "dependency:copy", f"-Dartifact={_REGISTRY}", f"-DoutputDirectory={scratch}")
    with tarfile.open(next(scratch.glob("apicurio-*.tar.gz"))) as archive:
        archive.extractall(target, filter="data")


def _maven(folder: Path, *words: str) -> None:
    command = ["mvn", "--quiet", "--batch-mode", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KafkaMissing(f"`{' '.join(command)}` failed: {(done.stdout + done.stderr).strip()[-1000:]}")
