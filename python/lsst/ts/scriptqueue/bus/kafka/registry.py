# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema registry, over HTTP. Every call blocks: for threads.

Schemas are registered in parallel, because each costs a round trip, and never
twice by one process.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import threading
import urllib.parse
from collections.abc import Collection, Mapping
from typing import Any

from ..contract import BusError

__all__ = ["Registry", "RegistryAway"]

_TIMEOUT_S = 10.0
_PARALLEL = 4
_TYPE = "application/vnd.schemaregistry.v1+json"


class RegistryAway(BusError):
    """The registry does not answer; it may come back."""


class Registry:
    """A schema registry.

    Parameters
    ----------
    url
        Where it is; may hold user name and password.
    """

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BusError(
                f"LSST_SCHEMA_REGISTRY_URL must look like http://schema-registry:8081, not {url!r}"
            )
        self._parts = parts
        self._where = f"{parts.hostname}:{parts.port or ''}".rstrip(":")
        self._headers = {"Content-Type": _TYPE, "Accept": f"{_TYPE}, application/json"}
        if parts.username is not None:
            login = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"

    def register(self, schemas: Mapping[str, str], timeout_s: float = _TIMEOUT_S) -> dict[str, int]:
        """Register schemas.

        Parameters
        ----------
        schemas
            Text by subject.
        timeout_s
            How long to wait for each step of an answer.

        Returns
        -------
        dict
            Id by subject.

        Raises
        ------
        RegistryAway
            If it does not answer.
        BusError
            If it refuses one.
        """
        left = list(schemas)
        ids: dict[str, int] = {}
        faults: list[BusError] = []

        def work() -> None:
            connection = self._connection(timeout_s)
            try:
                while left and not faults:
                    try:
                        subject = left.pop()
                    except IndexError:
                        return
                    ids[subject] = self._register(connection, subject, schemas[subject])
            except BusError as error:
                faults.append(error)
            finally:
                connection.close()

        workers = [
            threading.Thread(target=work, name="kafka-registry")
            for _ in range(min(_PARALLEL, len(schemas)) - 1)
        ]
        for worker in workers:
            worker.start()
        work()
        for worker in workers:
            worker.join()
        if faults:
            raise faults[0]
        return ids

    def remove(self, subjects: Collection[str], timeout_s: float = _TIMEOUT_S) -> None:
        """Remove subjects with all their schemas; one that is not there is no error.

        Parameters
        ----------
        subjects
            Their names.
        timeout_s
            How long to wait for each step of an answer.

        Raises
        ------
        RegistryAway
            If it does not answer.
        BusError
            If it refuses.
        """
        with contextlib.closing(self._connection(timeout_s)) as connection:
            # One at a time: a registry that is asked for several at once may leave some hidden.
            for subject in subjects:
                # What is removed is only hidden at first.
                for path in (_path(subject), f"{_path(subject)}?permanent=true"):
                    self._ask(connection, "DELETE", path, none_at=404)

    def id_of(self, subject: str, text: str, timeout_s: float = _TIMEOUT_S) -> int | None:
        """Return the id that a schema has under a subject, None if it is not registered there.

        Parameters
        ----------
        subject, text
            The schema.
        timeout_s
            How long to wait for each step of an answer.

        Raises
        ------
        RegistryAway
            If it does not answer.
        BusError
            If it refuses to say.
        """
        path = f"{_path(subject)}?normalize=False"
        with contextlib.closing(self._connection(timeout_s)) as connection:
            answer = self._ask(connection, "POST", path, {"schema": text}, none_at=404)
        return None if answer is None else self._id(answer, subject)

    def schema(self, schema_id: int, timeout_s: float = _TIMEOUT_S) -> str:
        """Return the text of a schema.

        Parameters
        ----------
        schema_id
            Its id.
        timeout_s
            How long to wait for each step of an answer.

        Raises
        ------
        RegistryAway
            If it does not answer.
        BusError
            If it has no such schema.
        """
        with contextlib.closing(self._connection(timeout_s)) as connection:
            answer = self._ask(connection, "GET", f"/schemas/ids/{schema_id}")
        text = answer.get("schema") if isinstance(answer, dict) else None
        if not isinstance(text, str):
            raise BusError(f"the schema registry at {self._where} has no text of schema {schema_id}")
        return text

    def _register(self, connection: http.client.HTTPConnection, subject: str, text: str) -> int:
        path = f"{_path(subject)}/versions?normalize=False"
        return self._id(self._ask(connection, "POST", path, {"schema": text}), subject)

    def _id(self, answer: Any, subject: str) -> int:
        try:
            return int(answer["id"])
        except (KeyError, TypeError, ValueError):
            raise BusError(
                f"the schema registry at {self._where} gave no id for {subject}: {answer!r:.200}"
            ) from None

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        return kind(self._parts.hostname or "", self._parts.port, timeout=timeout_s)

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: object = None,
        none_at: int | None = None,
    ) -> Any:
        """Ask, and return what the answer holds; None if its status is `none_at`."""
        content = None if body is None else json.dumps(body)
        try:
            connection.request(method, self._parts.path.rstrip("/") + path, content, self._headers)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise RegistryAway(f"the schema registry at {self._where} does not answer: {error}") from error
        if response.status >= 500:
            raise RegistryAway(
                f"the schema registry at {self._where} answers {response.status}: {text[:200]!r}"
            )
        if response.status == none_at:
            return None
        if response.status >= 300:
            raise BusError(
                f"the schema registry at {self._where} refuses {method} {path}: {response.status} "
                f"{text.decode(errors='replace')[:500]}"
            )
        try:
            return json.loads(text)
        except ValueError as error:
            raise BusError(
                f"{self._where} does not answer as a schema registry does; check LSST_SCHEMA_REGISTRY_URL"
            ) from error


def _path(subject: str) -> str:
    return f"/subjects/{urllib.parse.quote(subject, safe='')}"
