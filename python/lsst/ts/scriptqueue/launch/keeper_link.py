# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to the keeper of a state directory, which is started where there is none."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..keeper.place import ANOTHER_RUNS, open_directory, socket_address
from ..keeper.protocol import MAX_LINE_BYTES, VERSION, Message, ProtocolError, decode, encode
from .contract import LaunchError

__all__ = ["KeeperLink", "open_link", "start_keeper"]

_PROGRAM = Path(__file__).parents[1] / "keeper" / "__main__.py"

#: How long a keeper may take to be there, and to answer to the first word, in seconds.
_PATIENCE_S = 10.0

#: The pause between two attempts while another keeper comes or goes, in seconds.
_PAUSE_S = 0.05


class KeeperLink:
    """One connection.

    Parameters
    ----------
    reader, writer
        The two directions of it.
    pushed
        Told of each message that is no answer.

    Attributes
    ----------
    is_open
        Whether anything can be asked.
    lost
        Done when the connection is. Wait for it with `asyncio.wait`, which does not cancel it.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pushed: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._pushed = pushed
        self._asked: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._requests = 0
        self.is_open = True
        self.lost = asyncio.get_running_loop().create_task(self._read(), name="keeper")

    def ask(self, do: str, **fields: object) -> asyncio.Future[Mapping[str, Any]]:
        """Send a request; returns the answer to come.

        It fails with `ConnectionError` if the connection is lost, and with
        `LaunchError` if the request is refused.
        """
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        # An answer that nobody waits for is none that could be missed.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        if not self.is_open:
            answer.set_exception(ConnectionError("the keeper is lost"))
            return answer
        self._requests += 1
        self._asked[self._requests] = answer
        self._writer.write(encode({"id": self._requests, "do": do, **fields}))
        return answer

    async def aclose(self) -> None:
        """Close the connection."""
        self.lost.cancel()
        await asyncio.wait({self.lost})
        # A task that was cancelled before its first step has closed nothing.
        self.is_open = False
        self._writer.close()

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._hear(decode(line))
        except (ConnectionError, ProtocolError, ValueError):
            pass
        finally:
            self.is_open = False
            self._writer.close()
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("the keeper is lost"))

    def _hear(self, message: Message) -> None:
        number = message.get("to")
        if not isinstance(number, int):
            self._pushed(message)
            return
        answer = self._asked.pop(number, None)
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(LaunchError(str(message["error"])))
        else:
            answer.set_result(message)


async def start_keeper(state_dir: str) -> None:
    """Start the keeper of a state directory, unless one can be asked; whoever connects hears of trouble.

    Parameters
    ----------
    state_dir
        The state directory.
    """
    with contextlib.suppress(LaunchError):
        link = await _connect(state_dir, lambda message: None)
        if link is None:
            await asyncio.to_thread(_start, state_dir)
        else:
            await link.aclose()


async def open_link(
    state_dir: str, pushed: Callable[[Mapping[str, Any]], None], **hello: object
) -> tuple[KeeperLink, Mapping[str, Any]]:
    """Connect to the keeper of a state directory, and start it if there is none.

    Parameters
    ----------
    state_dir
        The state directory, which exists.
    pushed
        Told of each message that is no answer.
    hello
        What is said first, beside the version.

    Returns
    -------
    link
        The connection.
    answer
        What the keeper has answered to hello.

    Raises
    ------
    LaunchError
        If no keeper can be started or reached.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + _PATIENCE_S
    while True:
        why = ""
        link = await _connect(state_dir, pushed)
        if link is None:
            why = await asyncio.to_thread(_start, state_dir)
        else:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    return link, await link.ask("hello", version=VERSION, **hello)
            except ConnectionError:
                # It was just about to end.
                why = "the keeper ends as soon as it is asked; its log is keeper.log"
            except TimeoutError:
                await link.aclose()
                raise LaunchError(
                    f"the keeper in {state_dir} does not answer; its process id is in keeper.lock"
                ) from None
            except (LaunchError, asyncio.CancelledError):
                await link.aclose()
                raise
        if why:
            if loop.time() > give_up_at:
                raise LaunchError(f"no keeper can be had in {state_dir}: {why}")
            await asyncio.sleep(_PAUSE_S)


async def _connect(state_dir: str, pushed: Callable[[Mapping[str, Any]], None]) -> KeeperLink | None:
    try:
        directory = open_directory(state_dir)
    except OSError as error:
        raise LaunchError(f"no keeper can be had in {state_dir}: {error.strerror}") from None
    try:
        reader, writer = await asyncio.open_unix_connection(socket_address(directory), limit=MAX_LINE_BYTES)
    except (FileNotFoundError, ConnectionError, BlockingIOError):
        return None
    except OSError as error:
        raise LaunchError(f"the keeper in {state_dir} cannot be asked: {error.strerror}") from None
    finally:
        os.close(directory)
    return KeeperLink(reader, writer, pushed)


def _start(state_dir: str) -> str:
    """Start a keeper; returns why there is none, if that may soon be otherwise. Called in a thread.

    Raises
    ------
    LaunchError
        If it will be the same the next time.
    """
    command = [sys.executable, "-I", "-S", "-X", "utf8", str(_PROGRAM), "--detach", state_dir]
    try:
        started = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LaunchError(f"no keeper can be started for {state_dir}: {error}") from error
    if started.returncode == 0:
        return ""
    why = started.stderr.decode(errors="replace").strip() or f"it ended with status {started.returncode}"
    if started.returncode == ANOTHER_RUNS:
        return why
    raise LaunchError(f"no keeper can be started: {why}")
