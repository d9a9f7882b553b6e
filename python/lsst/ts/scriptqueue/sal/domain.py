# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controllers and remotes of one process share.

The bus, which the domain owns; the clock and the stamps; and who we are. A
controller in a domain gives it its name, so that commands sent by a component
are known to be its own; a domain without one speaks for ``user@host``.
"""

from __future__ import annotations

import logging
import os
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..bus import Bus, connect
from .clock import Clock, Stamper, SystemClock
from .sequence import SequenceNumbers

if TYPE_CHECKING:
    from .controller import Controller
    from .remote import Remote

__all__ = ["Domain"]


class Domain:
    """What the controllers and remotes of one process share.

    Closing it closes them all: controllers first, because they may need their
    remotes to end well, then remotes, then the bus.

    Parameters
    ----------
    bus
        The middleware; the domain closes it.
    clock
        Where time comes from; by default the machine's clock.
    identity
        Who writes; by default the name of the domain's controller, else
        ``user@host``.
    origin
        Process id of who writes; by default that of this process.

    Attributes
    ----------
    bus
        As given.
    clock
        Where time comes from.
    identity
        Who sends commands.
    origin
        Process id of who writes.
    stamper
        Gives the send stamps.
    sequence_numbers
        Gives the numbers of commands.
    log
        Where remotes log: the log of the domain's controller, if it has one.
    controllers, remotes
        What is in the domain, in the order in which it was made.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        clock: Clock | None = None,
        identity: str | None = None,
        origin: int | None = None,
    ) -> None:
        self.bus = bus
        self.clock: Clock = clock or SystemClock()
        self.identity = identity or _user_host()
        self.origin = os.getpid() if origin is None else origin
        self.stamper = Stamper(self.clock)
        self.sequence_numbers = SequenceNumbers()
        self.log = logging.getLogger("sal")
        self.controllers: list[Controller] = []
        self.remotes: list[Remote] = []
        self._is_named = identity is not None

    @classmethod
    def connect(cls, kind: str | None = None, leaf: bool = False) -> Self:
        """Make a domain on a bus chosen by name or environment.

        Parameters
        ----------
        kind
            One of `lsst.ts.scriptqueue.bus.BUS_KINDS`; None to follow the
            environment.
        leaf
            Is this a script, of which there may be hundreds?

        Raises
        ------
        BusError
            If there is no such bus.
        """
        return cls(connect(kind, leaf=leaf))

    def add_controller(self, controller: Controller) -> None:
        """Take in a controller; the first one gives the domain its name."""
        if not self.controllers:
            self.log = controller.log
            if not self._is_named:
                self.identity = controller.identity
        self.controllers.append(controller)

    def add_remote(self, remote: Remote) -> None:
        """Take in a remote."""
        self.remotes.append(remote)

    async def close(self) -> None:
        """Close all controllers and remotes, then the bus. Idempotent."""
        try:
            for endpoint in (*self.controllers, *self.remotes):
                await endpoint.close()
        finally:
            await self.bus.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def _user_host() -> str:
    # The login name of the process, without the cost of asking the user database.
    user = os.environ.get("LOGNAME") or os.environ.get("USER") or f"uid{os.getuid()}"
    return f"{user}@{os.uname().nodename}"
