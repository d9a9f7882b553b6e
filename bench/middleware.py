# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The middlewares that are measured side by side, each with the environment that chooses it."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lsst.ts.scriptqueue.bus import connect
from lsst.ts.scriptqueue.local_kafka import KafkaMissing, start, stop
from lsst.ts.scriptqueue.sal import Domain

__all__ = ["Middleware", "dds", "deployed", "kafka"]

_WHERE = ("LSST_KAFKA_BROKER_ADDR", "LSST_SCHEMA_REGISTRY_URL")


@dataclass(frozen=True, slots=True)
class Middleware:
    """A middleware.

    Attributes
    ----------
    name
        ``dds`` or ``kafka``.
    environment
        The whole environment of processes that use it.
    salobj_python
        An interpreter that has the deployed ScriptQueue and salobj, if those
        are measured; "" for ours.
    """

    name: str
    environment: Mapping[str, str]
    salobj_python: str = ""

    @property
    def title(self) -> str:
        """Whose figures these are: ``dds``, ``kafka`` or ``deployed``."""
        return "deployed" if self.salobj_python else self.name

    @property
    def subname(self) -> str:
        """The topic subname, which no other run has."""
        return self.environment["LSST_TOPIC_SUBNAME"]

    def domain(self) -> Domain:
        """Return a new domain of this process."""
        return Domain(connect(self.name, self.environment))


def dds(domain: int) -> Middleware:
    """Return DDS, in a domain."""
    return Middleware(
        "dds", _environment({"LSST_DDS_DOMAIN_ID": str(domain), "LSST_TOPIC_SUBNAME": _subname()})
    )


@contextlib.contextmanager
def kafka(given: Mapping[str, str]) -> Iterator[Middleware | str]:
    """Give Kafka: the broker that the environment names, else one of our own; or why there is none.

    Parameters
    ----------
    given
        The ``LSST_`` variables of whoever started this.
    """
    with contextlib.ExitStack() as stack:
        where = {name: value for name, value in given.items() if name.startswith(("LSST_KAFKA_", _WHERE[1]))}
        if not all(where.get(name) for name in _WHERE):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scriptqueue-bench-")))
            stack.callback(stop, folder)
            try:
                where = start(folder).environment
            except KafkaMissing as error:
                yield str(error)
                return
        yield Middleware("kafka", _environment({**where, "LSST_TOPIC_SUBNAME": _subname()}))


def deployed(kafka: Middleware, interpreter: str, site: str) -> Middleware:
    """Return the same broker for the deployed ScriptQueue, with topics of its own.

    Parameters
    ----------
    kafka
        The broker.
    interpreter
        One that has ts_scriptqueue, ts_salobj, ts_xml and ts_utils of the deployed generation.
    site
        The site, which salobj wants to be told.
    """
    own = {"LSST_TOPIC_SUBNAME": _subname(), "LSST_SITE": site}
    return Middleware("kafka", {**kafka.environment, **own}, interpreter)


def _environment(variables: Mapping[str, str]) -> Mapping[str, str]:
    return {**os.environ, **variables}


def _subname() -> str:
    return f"bench_{secrets.token_hex(6)}"
