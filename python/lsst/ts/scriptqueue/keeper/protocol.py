# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue and the keeper say to each other: one JSON object per line.

A request of the queue has an ``id`` and names what to ``do``::

    hello      version, kill_after_s, absence_limit_s
    launch     launch_id, sal_index, executable, arguments, environment, cwd, output_path, search
    adopt      launch_id, sal_index, identity, output_path
    terminate  launch_id, kill_after_s
    taken      launch_id
    close      kill_after_s

and is answered by an object with the same id as ``to``, and with an ``error``
if it was refused. Before ``hello`` nothing else is answered. Answers are:

    hello      pid, version, children
    launch     child
    adopt      child
    others     nothing

A child is described by ``launch_id``, ``sal_index``, ``identity``, ``output_path``, and
``ended``, which is null while it lives, and then ``[exit code, signal]``, both null
if that is not known. ``ended_ago_s`` is how long ago that was (seconds), null if nobody
saw it; an earlier keeper does not tell. The same description, with ``push`` saying ``exited``, is sent
unasked when a child has ended. It is kept until it is said to be taken.
``close`` is answered at once; when all children have ended and their exits
have been sent, the keeper closes the connection.
"""

from __future__ import annotations

import json

from .identity import Identity

__all__ = [
    "MAX_LINE_BYTES",
    "VERSION",
    "Message",
    "ProtocolError",
    "decode",
    "encode",
    "identity_field",
    "integer_field",
    "mapping_field",
    "seconds_field",
    "text_field",
    "texts_field",
]

#: Version of this protocol; the other side must speak the same.
VERSION = 1

#: Longer lines are refused. An environment may have 2 MB, a command line as much.
MAX_LINE_BYTES = 16_000_000

Message = dict[str, object]


class ProtocolError(ValueError):
    """A message that nobody of this protocol would send; the text says why."""


def encode(message: Message) -> bytes:
    """Return a message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Return the message of a line.

    Raises
    ------
    ProtocolError
        If it is none.
    """
    try:
        message = json.loads(line)
    except ValueError as error:
        raise ProtocolError(f"a line is no JSON: {error}") from None
    if not isinstance(message, dict):
        raise ProtocolError(f"a message must be an object, not {type(message).__name__}")
    return message


def text_field(message: Message, name: str) -> str:
    """Return a field that is a text; raises `ProtocolError` if it is none."""
    value = message.get(name)
    if not isinstance(value, str):
        raise ProtocolError(f"{name!r} must be a text, but is {value!r:.100}")
    return value


def texts_field(message: Message, name: str) -> list[str]:
    """Return a field that is a list of texts; raises `ProtocolError` if it is none."""
    value = message.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ProtocolError(f"{name!r} must be a list of texts, but is {value!r:.100}")
    return value


def mapping_field(message: Message, name: str) -> dict[str, str]:
    """Return a field that maps text to text; raises `ProtocolError` if it is none."""
    value = message.get(name)
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ProtocolError(f"{name!r} must be an object of texts")
    return value


def integer_field(message: Message, name: str) -> int:
    """Return a field that is an integer; raises `ProtocolError` if it is none."""
    value = message.get(name)
    if type(value) is not int:
        raise ProtocolError(f"{name!r} must be an integer, but is {value!r:.100}")
    return value


def seconds_field(message: Message, name: str) -> float:
    """Return a field that is a time in seconds; raises `ProtocolError` if it is none."""
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ProtocolError(f"{name!r} must be a number of seconds, but is {value!r:.100}")
    return value


def identity_field(message: Message) -> Identity:
    """Return the identity of a process in a message.

    Raises
    ------
    ProtocolError
        If it is none.
    """
    values = message.get("identity")
    if not isinstance(values, list) or [type(value) for value in values] != [int, int, str, int]:
        raise ProtocolError(
            f"'identity' must be [pid, start ticks, boot id, PID namespace], but is {values!r:.100}"
        )
    return Identity(*values)
