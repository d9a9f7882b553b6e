# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the keeper does with what it hears, and when it ends.

The rules:

* It serves one queue at a time. Another one is refused while the process of
  the first lives.
* If the queue goes away it waits for the next one, for ever, or for as long
  as the queue has said; then it ends all children, and waits on. If there
  is nothing to keep, it ends.
* Asked to close, by the queue or by SIGTERM, it starts nothing more, ends all
  children, and then itself.
"""

from __future__ import annotations

import enum
import os
import socket
from collections.abc import Callable

from .boot_clock import boot_s
from .children import Child, Children, LaunchRefused
from .connection import Connection
from .identity import Identity
from .poll import Poll
from .protocol import (
    VERSION,
    Message,
    ProtocolError,
    identity_field,
    integer_field,
    mapping_field,
    seconds_field,
    text_field,
    texts_field,
)
from .work import drive

__all__ = ["Service", "Stage"]

#: How many may be connected and have not said who they are.
_MAX_STRANGERS = 16

#: SIGTERM to SIGKILL, in seconds, where no queue has said it.
_KILL_AFTER_S = 5.0

#: How long the queue that has started this keeper may take to say so, in seconds.
_FIRST_HELLO_S = 60.0

#: The pause after a connection could not be made, in seconds.
_PAUSE_S = 1.0


class Stage(enum.Enum):
    """How far the service has come."""

    OPEN = enum.auto()
    #: It ends its children.
    CLOSING = enum.auto()
    #: No child is left.
    CLOSED = enum.auto()


class _Refused(Exception):
    """A request that is refused; the text says why."""


class Service:
    """Serves the queue.

    Parameters
    ----------
    poll
        Who waits.
    listener
        The socket that listens.
    say
        Told what an operator should know.
    is_lasting
        Whether it stays although there is nothing to keep.

    Attributes
    ----------
    stage
        How far it has come.
    kill_after_s
        SIGTERM to SIGKILL, in seconds, as the queue has said.
    """

    def __init__(
        self, poll: Poll, listener: socket.socket, say: Callable[[str], None], *, is_lasting: bool
    ) -> None:
        self.children = Children(poll, self._exited, say)
        self.stage = Stage.OPEN
        self.kill_after_s = _KILL_AFTER_S
        self._poll = poll
        self._listener = listener
        self._say = say
        self._is_lasting = is_lasting
        self._queue: Connection | None = None
        self._strangers: set[Connection] = set()
        self._absence_limit_s: float | None = None
        self._searches: dict[str, list[Callable[[Message], None]]] = {}
        self._requests: dict[str, Callable[[Message], Message]] = {
            "adopt": self._adopt,
            "terminate": self._terminate,
            "taken": self._taken,
            "close": self._close,
        }
        self._listen()
        if not is_lasting:
            poll.after(_FIRST_HELLO_S, "absence", self._close_unused)

    @property
    def is_connected(self) -> bool:
        """Whether a queue is connected."""
        return self._queue is not None

    def close(self, kill_after_s: float, why: str) -> None:
        """End all children, and then the service.

        Parameters
        ----------
        kill_after_s
            From SIGTERM to SIGKILL, in seconds.
        why
            Who wants it, for the log.
        """
        if self.stage is Stage.OPEN:
            self.stage = Stage.CLOSING
            if self.children.are_living:
                self._say(f"{why}: {self._count('is', 'are')} ended, and then this keeper")
            else:
                self._say(f"{why}: no script is left, and this keeper ends")
        for child in self.children:
            self.children.terminate(child, kill_after_s)
        self._close_if_empty()

    def _count(self, one: str, several: str) -> str:
        """How many scripts live, with the verb for so many."""
        living = sum(child.is_living for child in self.children)
        return f"{living or 'no'} script{'' if living == 1 else 's'} {one if living == 1 else several}"

    def open_again(self) -> None:
        """Serve another queue, after all children of one have been ended."""
        self.stage = Stage.OPEN

    def _close_if_empty(self) -> None:
        if self.stage is Stage.CLOSING and not self.children.are_living and not self._searches:
            self.stage = Stage.CLOSED
            if self._queue is not None:
                self._queue.end()

    def _listen(self) -> None:
        self._poll.watch(self._listener.fileno(), self._accept)

    def _close_unused(self) -> None:
        self._say(f"no queue came within {_FIRST_HELLO_S:g} s")
        self.stage = Stage.CLOSED

    def _accept(self) -> None:
        try:
            peer, _ = self._listener.accept()
        except OSError as error:
            # Whoever waits there is still there, and would be seen again at once.
            self._say(f"a connection was not made: {error.strerror}")
            self._poll.unwatch(self._listener.fileno())
            self._poll.after(_PAUSE_S, "accept", self._listen)
            return
        connection = Connection(self._poll, peer, self._heard, self._lost)
        self._strangers.add(connection)
        if connection.user not in (0, os.geteuid()):
            connection.close(f"it is of user {connection.user}")
        elif len(self._strangers) > _MAX_STRANGERS:
            connection.close("too many are connected that say nothing")

    def _lost(self, connection: Connection, why: str) -> None:
        if connection is not self._queue:
            self._strangers.discard(connection)
            self._say(f"a connection of process {connection.pid} has ended: {why}")
            return
        self._queue = None
        if self.stage is not Stage.OPEN:
            return
        if not self._is_lasting and not list(self.children) and not self._searches:
            self._say(f"the queue, process {connection.pid}, has gone, and there is nothing to keep")
            self.stage = Stage.CLOSED
            return
        limit = "without a limit" if self._absence_limit_s is None else f"for {self._absence_limit_s:g} s"
        goes_on = self._count("goes on", "go on")
        self._say(
            f"the queue, process {connection.pid}, has gone ({why}): {goes_on}, "
            f"and this keeper waits for the next queue, {limit}"
        )
        if self._absence_limit_s is not None:
            self._poll.after(self._absence_limit_s, "absence", self._give_up)

    def _give_up(self) -> None:
        self._say(f"no queue came within {self._absence_limit_s:g} s: {self._count('is', 'are')} ended")
        for child in self.children:
            self.children.terminate(child, self.kill_after_s)

    def _exited(self, child: Child) -> None:
        self._say(f"{child} {child.ending}")
        if self._queue is not None:
            self._queue.send({"push": "exited", **_description(child)})
        self._close_if_empty()

    def _heard(self, connection: Connection, message: Message) -> None:
        number = integer_field(message, "id")
        name = text_field(message, "do")

        def answer(answered: Message) -> None:
            connection.send({"to": number, **answered})

        try:
            if name == "hello":
                answer(self._hello(connection, message))
            elif connection is not self._queue:
                raise _Refused("say hello first")
            elif name == "launch":
                self._launch(message, answer)
            elif name in self._requests:
                answer(self._requests[name](message))
            else:
                raise _Refused(f"there is no {name!r}; there are hello, launch, {', '.join(self._requests)}")
        except (_Refused, LaunchRefused, ProtocolError) as error:
            answer({"error": str(error)})

    def _hello(self, connection: Connection, message: Message) -> Message:
        version = integer_field(message, "version")
        if version != VERSION:
            raise _Refused(
                f"the keeper, process {os.getpid()}, speaks version {VERSION} of the protocol, the queue "
                f"version {version}; let its scripts end and stop it with: kill {os.getpid()}"
            )
        queue = self._queue
        if queue is not None and queue is not connection:
            if not queue.peer_is_gone:
                raise _Refused(f"process {queue.pid} is the queue of this keeper, and lives; stop it first")
            queue.close("another one took its place")
        self.kill_after_s = seconds_field(message, "kill_after_s")
        has_limit = message.get("absence_limit_s") is not None
        self._absence_limit_s = seconds_field(message, "absence_limit_s") if has_limit else None
        self._poll.cancel("absence")
        self._strangers.discard(connection)
        self._queue = connection
        self._say(f"the queue, process {connection.pid}, is here: {self._count('runs', 'run')}")
        return {
            "pid": os.getpid(),
            "version": VERSION,
            "children": [_description(child) for child in self.children],
        }

    def _launch(self, message: Message, answer: Callable[[Message], None]) -> None:
        launch_id = text_field(message, "launch_id")
        if self.stage is not Stage.OPEN:
            raise _Refused("the keeper ends: nothing is started any more")
        child = self.children.get(launch_id)
        if child is not None:
            answer({"child": _description(child)})
        elif launch_id in self._searches:
            self._searches[launch_id].append(answer)
        elif message.get("search"):
            self._searches[launch_id] = [answer]
            drive(self._poll, self.children.find(launch_id), lambda found: self._searched(message, found))
        else:
            answer({"child": _description(self._start(message))})

    def _searched(self, message: Message, found: Identity | None) -> None:
        launch_id = text_field(message, "launch_id")
        try:
            if found is not None:
                child = self.children.adopt(
                    launch_id, integer_field(message, "sal_index"), text_field(message, "output_path"), found
                )
                self._say(f"{child} was found running, and is adopted")
            elif self.stage is not Stage.OPEN:
                raise _Refused("the keeper ends: nothing is started any more")
            else:
                child = self._start(message)
            answered: Message = {"child": _description(child)}
        except (_Refused, LaunchRefused, ProtocolError) as error:
            answered = {"error": str(error)}
        for answer in self._searches.pop(launch_id):
            answer(answered)
        if self.stage is Stage.CLOSING:
            self.close(self.kill_after_s, "it ends")

    def _start(self, message: Message) -> Child:
        child = self.children.start(
            text_field(message, "launch_id"),
            integer_field(message, "sal_index"),
            [text_field(message, "executable"), *texts_field(message, "arguments")],
            mapping_field(message, "environment"),
            text_field(message, "cwd"),
            text_field(message, "output_path"),
        )
        self._say(f"{child} is started: {text_field(message, 'executable')}")
        return child

    def _adopt(self, message: Message) -> Message:
        launch_id = text_field(message, "launch_id")
        child = self.children.get(launch_id)
        if child is None:
            identity = identity_field(message)
            child = self.children.adopt(
                launch_id, integer_field(message, "sal_index"), text_field(message, "output_path"), identity
            )
            if child.pidfd is not None:
                self._say(f"{child} is adopted")
            if self.stage is not Stage.OPEN:
                self.close(self.kill_after_s, "it ends")
        return {"child": _description(child), "is_gone": child.pidfd is None}

    def _terminate(self, message: Message) -> Message:
        child = self.children.get(text_field(message, "launch_id"))
        if child is not None:
            kill_after_s = seconds_field(message, "kill_after_s")
            if child.is_living:
                self._say(f"{child} is to be ended: SIGTERM, and SIGKILL after {kill_after_s:g} s")
            self.children.terminate(child, kill_after_s)
        return {}

    def _taken(self, message: Message) -> Message:
        child = self.children.get(text_field(message, "launch_id"))
        if child is not None:
            if child.is_living:
                raise _Refused(f"{child.launch_id} lives: its exit cannot have been taken")
            self.children.forget(child)
        return {}

    def _close(self, message: Message) -> Message:
        # Answered first, so that the answer is not behind the end of the connection.
        kill_after_s = seconds_field(message, "kill_after_s")
        queue = "the queue" if self._queue is None else f"the queue, process {self._queue.pid},"
        self._poll.after(0, "close", lambda: self.close(kill_after_s, f"{queue} makes its planned stop"))
        return {}


def _description(child: Child) -> Message:
    ended = None if child.is_living else [child.exit_code, child.signal]
    return {
        "launch_id": child.launch_id,
        "sal_index": child.sal_index,
        "identity": list(child.identity),
        "output_path": child.output_path,
        "ended": ended,
        "ended_ago_s": None if child.ended_at_s is None else round(boot_s() - child.ended_at_s, 3),
    }
