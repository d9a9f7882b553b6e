# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A SAL component seen from inside: it gets commands and writes events.

Each command has an attribute ``cmd_<name>``, whose callback is the method
``do_<name>`` if there is one; each event has ``evt_<name>``, each topic of
telemetry ``tel_<name>``. The same by name: ``commands``, ``events``,
``telemetry``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from .. import __version__
from ..bus.contract import IndexRange, Reading, TopicSpec
from .controller_command import ControllerCommand
from .definitions import xml_version
from .domain import Domain
from .endpoint import Endpoint
from .enums import SalRetCode
from .errors import ComponentError
from .heartbeat import beat
from .log_relay import LogRelay
from .records import record_class
from .writer import EventWriter, Stamping

__all__ = ["Controller"]


class Controller(Endpoint):
    """A SAL component that gets commands and writes events.

    Start it with ``async with``, or await its ``start_task``. A subclass that
    extends ``start`` has the topics open after ``await super().start()``, and
    from then on gets commands: what they need must be ready before.

    Parameters
    ----------
    domain
        What it shares with the other endpoints of the process.
    name
        Name of the component.
    index
        SAL index; 0 if the component is not indexed.
    write_only
        Get no commands?

    Attributes
    ----------
    commands, events, telemetry
        Its topics by plain name.
    log
        Its logger. Records of level INFO and above also become ``logMessage``.
    identity
        Who it is, such as ``ScriptQueue:1``.
    is_taking_commands
        Are commands carried out now? Otherwise they wait.
    ends_because
        Why it closes, for those whose commands come too late; "" if that was not said.

    Raises
    ------
    TypeError
        If it has a method ``do_<name>`` and there is no such command.
    """

    #: Version of the component, reported in ``softwareVersions``.
    version: ClassVar[str] = __version__

    #: Time between two heartbeats (seconds); 0 for none.
    heartbeat_interval: float = 0.0

    def __init__(self, domain: Domain, name: str, index: int, *, write_only: bool = False) -> None:
        super().__init__(domain, name, index)
        self.identity = self.title
        self.log = logging.getLogger(f"{name}.{index}" if self.spec.indexed else name)
        if self.log.getEffectiveLevel() > logging.INFO:
            self.log.setLevel(logging.INFO)
        self.is_taking_commands = False
        self.ends_because = ""
        self._write_only = write_only
        self._ack_type = record_class(self.spec.ackcmd)
        self._ack_stamping = Stamping(self.spec.ackcmd, self)
        self.commands: Mapping[str, ControllerCommand] = MappingProxyType(
            {}
            if write_only
            else {key: ControllerCommand(topic, key, self) for key, topic in self.spec.commands.items()}
        )
        self.events: Mapping[str, EventWriter] = MappingProxyType(
            {key: EventWriter(topic, self) for key, topic in self.spec.events.items()}
        )
        self.telemetry: Mapping[str, EventWriter] = MappingProxyType(
            {key: EventWriter(topic, self) for key, topic in self.spec.telemetry.items()}
        )
        self._attach("cmd_", self.commands)
        self._attach("evt_", self.events)
        self._attach("tel_", self.telemetry)
        self._bind_commands()
        self._log_relay = LogRelay(self.log, self.events["logMessage"], domain.clock)
        domain.add_controller(self)

    async def start(self) -> None:
        """Open the topics, introduce the component, and begin to take commands."""
        if self.spec.indexed and self.index <= 0:
            raise ComponentError(f"a controller of {self.spec.name} has an index above 0, not {self.index}")
        self._log_relay.attach()
        await super().start()
        await self._check_alone()
        await self._introduce()
        self.is_taking_commands = True
        for command in self.commands.values():
            command.run_waiting()

    async def do_setLogLevel(self, data: Any) -> None:
        """Carry out the command ``setLogLevel``."""
        self.log.setLevel(data.level)
        await self.put_log_level(data.subsystem)

    async def put_log_level(self, subsystem: str = "") -> None:
        """Write the event ``logLevel``."""
        await self.events["logLevel"].set_write(level=self.log.getEffectiveLevel(), subsystem=subsystem)

    def make_ackcmd(
        self,
        private_seqNum: int,
        ack: SalRetCode,
        error: int = 0,
        result: str = "",
        timeout: float = 0.0,
    ) -> Any:
        """Make an acknowledgement that a command's callback may return.

        Parameters
        ----------
        private_seqNum
            Number of the command.
        ack
            Its code.
        error
            0 if all is well.
        result
            What to tell.
        timeout
            How much longer it takes (seconds), for one in progress.
        """
        return self._ack_type(
            private_seqNum=private_seqNum, ack=ack, error=error, result=result, timeout=timeout
        )

    async def write_ack(self, **fields: Any) -> None:
        """Write an acknowledgement."""
        message = self._ack_type.default_message() | self._ack_type.checked(fields)
        if self.spec.indexed:
            message["salIndex"] = self.index
        self._ack_stamping.fill(message, self.identity, fields["private_seqNum"])
        await self.send(self.spec.ackcmd, message)

    async def _check_alone(self) -> None:
        """Raise if the component runs already; nothing has been written yet."""

    async def _introduce(self) -> None:
        """Write the events that say who this is."""
        await self.put_log_level()
        await self.events["softwareVersions"].set_write(
            salVersion=__version__, xmlVersion=xml_version(), cscVersion=self.version
        )
        self.spawn(self._log_relay.run(), "log relay", background=True)
        if self.heartbeat_interval > 0:
            self.spawn(
                beat(self.events["heartbeat"], self.heartbeat_interval, self.log),
                "heartbeat",
                background=True,
            )

    def _bind_commands(self) -> None:
        for name in dir(type(self)):
            if not name.startswith("do_") or self._write_only:
                continue
            command = self.commands.get(name[3:])
            if command is None:
                raise TypeError(
                    f"{type(self).__name__}.{name}: {self.spec.name} has no command {name[3:]};"
                    f" its commands are {', '.join(self.commands)}"
                )
            command.callback = getattr(self, name)

    def _writes(self) -> list[TopicSpec]:
        acks = [] if self._write_only else [self.spec.ackcmd]
        return [*self.spec.events.values(), *self.spec.telemetry.values(), *acks]

    def _reads(self) -> list[Reading]:
        indices = IndexRange.one(self.index)
        return [Reading(command.topic, indices, command.deliver) for command in self.commands.values()]

    async def _say_last_words(self) -> None:
        await self._log_relay.drain()

    def _let_go(self) -> None:
        self._log_relay.detach()
