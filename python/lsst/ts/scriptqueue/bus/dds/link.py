# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link on DDS: the readers and writers of one component.

There is one writer per topic and SAL index. Those of the component's own
index are made at once, so that they are found before the first message. Those
of another index, which a client commands, are made at the first command to
it: the one that is needed, and right after that command all others, because
who gets one gets another soon, which then need not wait until its writer is
found. They go some time after their reader has gone: each writer that goes is
announced to every process, and of those that end together most then need not
hear of it.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..contract import BusError, Link, Reading, TopicKind, TopicSpec
from .answering import Answering
from .library import dds
from .participant import Participant
from .presence import Presence, held_event
from .reader import Reader
from .settling import Settling
from .writer import Writer

__all__ = ["COMMAND_PATIENCE_S", "FLUSH_S", "SWEEP_S", "DdsLink", "in_thread"]

#: How long a command waits for its reader to be found.
COMMAND_PATIENCE_S = 2.0

#: How long after its reader a command's writer goes.
SWEEP_S = 5.0

#: How long closing waits in all for readers to acknowledge.
FLUSH_S = 1.0


class DdsLink(Link):
    """The topics of one component, opened together.

    Parameters
    ----------
    participant
        The participant they belong to.
    presence
        Its presence.
    index
        SAL index of the component, 0 for a client.
    writes
        Topics to be written.
    reads
        Topics to be read.
    on_close
        Called when the link has been closed.
    """

    def __init__(
        self,
        participant: Participant,
        presence: Presence,
        index: int,
        writes: Iterable[TopicSpec],
        reads: Iterable[Reading],
        on_close: Callable[[DdsLink], None],
    ) -> None:
        self._participant = participant
        self._presence = presence
        self._index = index
        self._on_close = on_close
        self._token = os.urandom(8)
        self._specs = {(spec.component, spec.name): spec for spec in writes}
        self._readings = list(reads)
        self._readers: list[Reader] = []
        self._told_readers = 0
        self._writers: dict[tuple[str, str, int], Writer] = {}
        self._held: dict[str, None] = {}
        self._answering: dict[str, Answering] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Make readers and writers, and meet everybody who is there."""
        for spec in self._specs.values():
            if spec.kind is not TopicKind.COMMAND:
                self._writer(spec, self._index)
        for reading in self._readings:
            reader = Reader(self._participant, reading, self._token)
            self._readers.append(reader)
            answering = self._answering.get(reading.topic.component)
            if reading.topic.kind is TopicKind.COMMAND and answering is not None:
                answering.guard(reader)
        self._told_readers = len(self._readers)
        self._presence.change(readers=self._told_readers)
        with Settling(self._participant, self._readers) as settling:
            await settling.wait()

    async def write(self, topic: TopicSpec, message: Mapping[str, Any]) -> None:
        if self._closing is not None:
            raise BusError("this link was closed; open a new one")
        spec = self._specs.get((topic.component, topic.name))
        if spec is None:
            raise BusError(
                f"{topic.component}.{topic.name} was not opened for writing; name it in `writes` of Bus.open"
            )
        _, sample = self._participant.topic(topic)
        packed = sample.pack(message)
        index = sample.shape.index_of(message)
        is_first = spec.kind is TopicKind.COMMAND and not self._has_commanded(spec.component, index)
        writer = self._writer(spec, index)
        if spec.kind is TopicKind.EVENT:
            self._hold(spec, writer.index)
        elif spec.kind is TopicKind.COMMAND and not await writer.wait_for_reader(COMMAND_PATIENCE_S):
            self._drop_if_idle(writer)
            return
        writer.write(packed)
        if is_first:
            for other in self._specs.values():
                if other.kind is TopicKind.COMMAND and other.component == spec.component:
                    self._writer(other, index)

    async def aclose(self) -> None:
        if self._closing is None:
            for reader in self._readers:
                reader.close()
            for answering in self._answering.values():
                answering.close()
            if self._sweeping is not None:
                self._sweeping.cancel()
            writers = list(self._writers.values())
            self._writers.clear()
            for writer in writers:
                writer.retire()
            self._presence.change(readers=-self._told_readers, no_longer_held=self._held)
            self._closing = asyncio.create_task(in_thread(lambda: _delete(writers)))
            self._closing.add_done_callback(lambda _: self._on_close(self))
        await asyncio.shield(self._closing)

    def _writer(self, spec: TopicSpec, index: int) -> Writer:
        key = (spec.component, spec.name, index)
        writer = self._writers.get(key)
        if writer is None:
            writer = Writer(self._participant, spec, index, self._token, self._readers_changed)
            self._writers[key] = writer
            if spec.kind is TopicKind.ACKNOWLEDGEMENT and index == self._index:
                self._answering[spec.component] = Answering(writer)
        return writer

    def _has_commanded(self, component: str, index: int) -> bool:
        """Is there a writer of a command to an index already?"""
        return any(
            (component, spec.name, index) in self._writers
            for spec in self._specs.values()
            if spec.kind is TopicKind.COMMAND
        )

    def _hold(self, spec: TopicSpec, index: int) -> None:
        event = held_event(spec, index)
        if event not in self._held:
            self._held[event] = None
            self._presence.hold(event)

    def _readers_changed(self, writer: Writer) -> None:
        if writer.spec.kind is TopicKind.ACKNOWLEDGEMENT:
            answering = self._answering.get(writer.spec.component)
            if answering is not None and writer.index == self._index:
                answering.look_again()
        elif not writer.readers and self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        for writer in list(self._writers.values()):
            if writer.spec.kind is TopicKind.COMMAND:
                self._drop_if_idle(writer)

    def _drop_if_idle(self, writer: Writer) -> None:
        key = (writer.spec.component, writer.spec.name, writer.index)
        if self._writers.get(key) is writer and not writer.is_wanted:
            del self._writers[key]
            writer.retire()
            dds.dds_delete(writer.entity)


def _delete(writers: Sequence[Writer]) -> None:
    deadline = time.monotonic() + FLUSH_S
    for writer in writers:
        writer.flush(max(0.0, deadline - time.monotonic()))
    for writer in writers:
        dds.dds_delete(writer.entity)


async def in_thread(function: Callable[[], None]) -> None:
    """Call a function that blocks, in a thread of its own."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def run() -> None:
        try:
            function()
        finally:
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="dds-close", daemon=True).start()
    await done.wait()
