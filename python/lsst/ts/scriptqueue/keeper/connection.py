# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to whoever asks something of the keeper."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable

from .identity import Identity, identity_of
from .poll import READABLE, WRITABLE, Poll
from .protocol import MAX_LINE_BYTES, Message, ProtocolError, decode, encode

__all__ = ["Connection"]

_READ_BYTES = 262_144

#: struct ucred: process, user and group id.
_CREDENTIALS = struct.Struct("3i")


class Connection:
    """One connection.

    Parameters
    ----------
    poll
        Who waits.
    peer
        The connected socket, which is closed with the connection.
    heard
        Told of each message.
    lost
        Told when the connection has been closed, by whomever.

    Attributes
    ----------
    pid
        Process id of the other side.
    user
        Its user id.
    """

    def __init__(
        self,
        poll: Poll,
        peer: socket.socket,
        heard: Callable[[Connection, Message], None],
        lost: Callable[[Connection, str], None],
    ) -> None:
        self._poll = poll
        self._socket = peer
        self._heard = heard
        self._lost = lost
        self._received = bytearray()
        self._unsent = bytearray()
        self._is_open = True
        self._is_ending = False
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        self.pid, self.user, _ = _CREDENTIALS.unpack(credentials)
        self._identity = self._peer_now()
        peer.setblocking(False)
        poll.watch(peer.fileno(), self._read)

    @property
    def peer_is_gone(self) -> bool:
        """Whether the other side's process has ended or closed its end."""
        if self._identity is None or self._peer_now() != self._identity:
            return True
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def send(self, message: Message) -> None:
        """Send a message, as soon as the other side takes it."""
        if self._is_open:
            self._unsent += encode(message)
            self._write()

    def end(self) -> None:
        """Close when all has been sent."""
        self._is_ending = True
        self._write()

    def close(self, why: str) -> None:
        """Close at once."""
        if self._is_open:
            self._is_open = False
            self._poll.unwatch(self._socket.fileno())
            self._socket.close()
            self._lost(self, why)

    def _peer_now(self) -> Identity | None:
        try:
            return identity_of(self.pid)
        except OSError:
            return None

    def _read(self) -> None:
        if self._unsent:
            self._write()
        try:
            received = self._socket.recv(_READ_BYTES) if self._is_open else b""
        except BlockingIOError:
            return
        except OSError as error:
            self.close(os.strerror(error.errno or 0))
            return
        if not received:
            self.close("it was closed by the other side")
            return
        # Only what is new is looked through for ends of lines.
        searched = len(self._received)
        self._received += received
        while self._is_open and (end := self._received.find(b"\n", searched)) >= 0:
            line = bytes(self._received[:end])
            del self._received[: end + 1]
            searched = 0
            try:
                self._heard(self, decode(line))
            except ProtocolError as error:
                self.close(str(error))
        if len(self._received) > MAX_LINE_BYTES:
            self.close(f"it sent a line of more than {MAX_LINE_BYTES} bytes")

    def _write(self) -> None:
        if not self._is_open:
            return
        try:
            sent = self._socket.send(self._unsent) if self._unsent else 0
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.close(os.strerror(error.errno or 0))
            return
        del self._unsent[:sent]
        if self._is_ending and not self._unsent:
            self.close("it is done")
            return
        events = READABLE | WRITABLE if self._unsent else READABLE
        self._poll.watch(self._socket.fileno(), self._read, events)
