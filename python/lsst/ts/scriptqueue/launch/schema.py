# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a script for the schema of its configuration.

The script is called as ``script 0 --schema`` and prints the schema to stdout,
or nothing if it takes no configuration. It gets the environment of a script
that runs, a limited time, and room for so much output; whatever it does, it
and its children are gone when the answer is given. As many are asked at a time
as the machine has cores.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import uuid
import weakref
from collections.abc import Iterator

from ..keeper.spawning import why_not_started
from .environment import child_environment
from .leftovers import Leftovers
from .output import readable
from .processes import OwnedProcess, Spawned, spawn

__all__ = ["SchemaError", "script_schema"]

_MAX_SCHEMA_BYTES = 1_000_000

_MAX_COMPLAINT_BYTES = 16_000

_MAX_LINES = 10

_MAX_CHARS = 1000

_READ_BYTES = 65_536

_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()


class SchemaError(RuntimeError):
    """A script did not tell its schema; the text says why."""


async def script_schema(executable: str, timeout_s: float = 20.0) -> str:
    """Return the schema of a script's configuration, as it prints it.

    Parameters
    ----------
    executable
        Absolute path of the script.
    timeout_s
        How long the script may take. Waiting for its turn does not count.

    Returns
    -------
    schema
        YAML, or "" if the script takes no configuration.

    Raises
    ------
    SchemaError
        If the script cannot be started, fails, takes too long, or prints
        too much or what is not text.
    """
    turns = _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(os.cpu_count() or 1))
    async with turns:
        return await _ask(executable, timeout_s)


async def _ask(executable: str, timeout_s: float) -> str:
    command = f"{os.path.basename(executable)} 0 --schema"
    launch_id = f"schema-{uuid.uuid4().hex}"
    with _capture(_MAX_SCHEMA_BYTES) as schema, _capture(None) as complaints:
        start = functools.partial(_start, executable, launch_id, schema.writer, complaints.writer)
        async with OwnedProcess(launch_id, start, Leftovers()) as process:
            await asyncio.wait(
                {process.exited, schema.full}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            in_time = process.exited.done()
        schema.drain()
        complaints.drain()
    if schema.full.done():
        raise SchemaError(f"{command} printed more than {_MAX_SCHEMA_BYTES} bytes and was killed")
    status = process.status
    said = readable(complaints.data, _MAX_LINES, _MAX_CHARS) or "it said nothing on stderr"
    if not in_time:
        raise SchemaError(f"{command} took longer than {timeout_s:g} s and was killed: {said}")
    if status.exit_code is None:
        raise SchemaError(f"{command} was ended by signal {status.signal}: {said}")
    if status.exit_code != 0:
        raise SchemaError(f"{command} ended with exit code {status.exit_code}: {said}")
    try:
        text = schema.data.decode()
    except UnicodeDecodeError as error:
        raise SchemaError(f"{command} printed what is not UTF-8 text: {error}") from None
    return text if text.strip() else ""


def _start(executable: str, launch_id: str, stdout: int, stderr: int) -> Spawned:
    """Start the script; called in a thread."""
    try:
        return spawn((executable, "0", "--schema"), child_environment(executable, launch_id), stdout, stderr)
    except (OSError, ValueError) as error:
        raise SchemaError(why_not_started(executable, error)) from error


class _Capture:
    """Takes what is written to a pipe, without ever keeping the writer waiting.

    Parameters
    ----------
    limit
        Number of bytes after which nothing more is kept; None: only the
        newest are kept.

    Attributes
    ----------
    writer
        Descriptor for the writer.
    data
        What was kept.
    full
        Done when there was more than the limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self.data = b""
        self.full: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._reader, self._read)

    def drain(self) -> None:
        """Take what is left in the pipe of a writer that has gone."""
        while self._read():
            pass

    def close(self) -> None:
        """Let go of the pipe."""
        self._loop.remove_reader(self._reader)
        os.close(self._reader)
        os.close(self.writer)

    def _read(self) -> bool:
        try:
            chunk = os.read(self._reader, _READ_BYTES)
        except BlockingIOError:
            return False
        if self._limit is None:
            self.data = (self.data + chunk)[-_MAX_COMPLAINT_BYTES:]
        elif len(self.data) + len(chunk) <= self._limit:
            self.data += chunk
        elif not self.full.done():
            self.full.set_result(None)
        return bool(chunk)


@contextlib.contextmanager
def _capture(limit: int | None) -> Iterator[_Capture]:
    capture = _Capture(limit)
    try:
        yield capture
    finally:
        capture.close()
