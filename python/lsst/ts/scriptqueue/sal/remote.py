# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A SAL component seen from outside: its events are read, and it is commanded.

Each command has an attribute ``cmd_<name>``, each event ``evt_<name>``, each
topic of telemetry ``tel_<name>``. The same by name: ``commands``, ``events``,
``telemetry``. All topics are opened in one go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ..bus.contract import IndexRange, Message, Reading, TopicSpec
from .acks import Acknowledgements
from .domain import Domain
from .endpoint import Endpoint
from .errors import ComponentError
from .reader import EventReader
from .remote_command import RemoteCommand

__all__ = ["Remote"]


class Remote(Endpoint):
    """A client of a SAL component.

    Start it with ``async with``, or await its ``start_task``. Callbacks are best
    set before, so that they get the history too.

    Parameters
    ----------
    domain
        What it shares with the other endpoints of the process.
    name
        Name of the component.
    index
        SAL index; 0 or None for all, a range for some. A remote of more than
        one names the component by ``salIndex=`` in each command.
    include, exclude
        Plain names of the only events and telemetry to be read, or of those
        not to be. One of the two at most.
    readonly
        Send no commands?

    Attributes
    ----------
    commands, events, telemetry
        Its topics by plain name.
    index
        SAL index; 0 for a remote of more than one.
    indices
        The SAL indices it reads.
    acknowledgements
        The commands under way.

    Raises
    ------
    ComponentError
        If the component is not known, or a name in include or exclude is not.
    """

    def __init__(
        self,
        domain: Domain,
        name: str,
        index: int | IndexRange | None = 0,
        *,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        readonly: bool = False,
    ) -> None:
        self.indices = _indices(index)
        super().__init__(domain, name, self.indices.first if self.indices.first == self.indices.last else 0)
        self.log = domain.log
        self.acknowledgements = Acknowledgements(self)
        wanted = self._wanted(include, exclude)
        self.commands: Mapping[str, RemoteCommand] = MappingProxyType(
            {}
            if readonly
            else {key: RemoteCommand(topic, key, self) for key, topic in self.spec.commands.items()}
        )
        self.events: Mapping[str, EventReader] = MappingProxyType(
            {key: EventReader(topic, self) for key, topic in self.spec.events.items() if key in wanted}
        )
        self.telemetry: Mapping[str, EventReader] = MappingProxyType(
            {key: EventReader(topic, self) for key, topic in self.spec.telemetry.items() if key in wanted}
        )
        self._attach("cmd_", self.commands)
        self._attach("evt_", self.events)
        self._attach("tel_", self.telemetry)
        domain.add_remote(self)

    def name_of(self, message: Message) -> str:
        """Return name and index of the component a message is for."""
        return f"{self.spec.name}:{message['salIndex']}" if self.spec.indexed else self.spec.name

    def _wanted(self, include: Iterable[str] | None, exclude: Iterable[str] | None) -> set[str]:
        if include is not None and exclude is not None:
            raise ComponentError("a remote takes include or exclude, not both")
        known = {*self.spec.events, *self.spec.telemetry}
        named = set(exclude or ()) if include is None else set(include)
        if not named <= known:
            raise ComponentError(
                f"{self.spec.name} has no event or telemetry {', '.join(sorted(named - known))};"
                f" there are {', '.join(sorted(known))}"
            )
        return known - named if include is None else named

    def _writes(self) -> list[TopicSpec]:
        return [command.topic for command in self.commands.values()]

    def _reads(self) -> list[Reading]:
        readings = [
            Reading(reader.topic, self.indices, reader.deliver)
            for reader in (*self.events.values(), *self.telemetry.values())
        ]
        if self.commands:
            readings.append(Reading(self.spec.ackcmd, self.indices, self.acknowledgements.deliver))
        return readings

    def _let_go(self) -> None:
        for reader in (*self.events.values(), *self.telemetry.values()):
            reader.close()
        self.acknowledgements.close()


def _indices(index: int | IndexRange | None) -> IndexRange:
    if isinstance(index, IndexRange):
        return index
    return IndexRange.one(index) if index else IndexRange.every()
