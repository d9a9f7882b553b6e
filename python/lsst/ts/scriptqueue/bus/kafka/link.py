# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link on Kafka: what one component writes and reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..contract import BusError, Link, TopicSpec
from .codec import Codec
from .consumer import Consumer
from .producer import Producer
from .stream import Tap

__all__ = ["KafkaLink", "Outlet"]


@dataclass(frozen=True, slots=True)
class Outlet:
    """A topic that is written.

    Attributes
    ----------
    name
        The broker's name of it.
    codec
        Its bytes.
    key
        The key of each message.
    producer
        What writes it.
    """

    name: str
    codec: Codec
    key: bytes
    producer: Producer


class KafkaLink(Link):
    """The topics of one component, opened together.

    Parameters
    ----------
    consumer
        What reads; None if nothing is read.
    outlets
        Topics that are written, by component and name.
    schema_ids
        The registry's id of each schema, by the broker's name of the topic;
        as it is at the time of writing.
    taps
        Readers.
    on_close
        Called when the link is closed.
    """

    def __init__(
        self,
        consumer: Consumer | None,
        outlets: Mapping[tuple[str, str], Outlet],
        schema_ids: Mapping[str, int],
        taps: Sequence[Tap],
        on_close: Callable[[KafkaLink], None],
    ) -> None:
        self._consumer = consumer
        self._outlets = outlets
        self._schema_ids = schema_ids
        self._taps = taps
        self._on_close = on_close
        self._is_closed = False

    async def write(self, topic: TopicSpec, message: Mapping[str, Any]) -> None:
        if self._is_closed:
            raise BusError("this link was closed; open a new one")
        outlet = self._outlets.get((topic.component, topic.name))
        if outlet is None:
            raise BusError(
                f"{topic.component}.{topic.name} was not opened for writing; name it in `writes` of Bus.open"
            )
        value = outlet.codec.encode(self._schema_ids[outlet.name], message)
        await outlet.producer.write(outlet.name, outlet.key, value)

    async def aclose(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._consumer is not None:
            self._consumer.detach(self._taps)
        self._on_close(self)
