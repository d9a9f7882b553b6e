# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing one topic to one SAL index.

A writer knows how many readers it has when that matters: a command waits for
its reader, an acknowledgement's writer tells which clients can hear it.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from typing import Any

from ..contract import BusError, TopicKind, TopicSpec
from .endpoint import address_of_client
from .library import PUBLICATION_MATCHED, TIMED_OUT, MatchedStatus, check, dds
from .participant import Participant
from .partition import partition_of
from .qos import endpoint_qos
from .sample import address_of, stamp_ns

__all__ = ["Writer"]

_MATCHED_KINDS = frozenset({TopicKind.COMMAND, TopicKind.ACKNOWLEDGEMENT})


class Writer:
    """A DDS writer of one topic in one partition.

    Parameters
    ----------
    participant
        Who writes.
    spec
        The topic.
    index
        SAL index.
    token
        Names the link.
    on_change
        Called on the event loop when the readers have changed.

    Attributes
    ----------
    readers
        Instance handles of the readers found. Kept up to date for commands
        and acknowledgements only.
    """

    def __init__(
        self,
        participant: Participant,
        spec: TopicSpec,
        index: int,
        token: bytes,
        on_change: Callable[[Writer], None],
    ) -> None:
        self.spec = spec
        self.index = index
        self.readers: frozenset[int] = frozenset()
        self._participant = participant
        self._on_change = on_change
        self._changed = asyncio.Event()
        self._waiting = 0
        self._closed = False
        topic, self.sample = participant.topic(spec)
        with endpoint_qos(spec.kind, partition_of(participant.settings.subname, index), token) as qos:
            self.entity = check(
                dds.dds_create_writer(participant.entity, topic, qos, None),
                f"write {spec.component}.{spec.name}",
            )
        if spec.kind in _MATCHED_KINDS:
            participant.watch(self, PUBLICATION_MATCHED)
            self.readers = self.collect()

    @property
    def is_wanted(self) -> bool:
        """Has it a reader, or somebody who waits for one?"""
        return bool(self.readers) or self._waiting > 0

    def write(self, packed: bytearray) -> None:
        """Write a sample that was packed for this topic.

        Raises
        ------
        BusError
            If DDS does not take it.
        """
        code = dds.dds_write_ts(self.entity, address_of(packed), stamp_ns())
        if code == TIMED_OUT:
            raise BusError(f"{self.spec.component}.{self.spec.name}: a reader has not kept up; not written")
        check(code, f"write {self.spec.component}.{self.spec.name}")

    async def wait_for_reader(self, timeout_s: float) -> bool:
        """Wait until there is a reader; False if none came in time."""
        if self.readers:
            return True
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                while not self.readers and not self._closed:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return not self._closed

    def clients(self) -> set[bytes]:
        """Return the addresses of the readers found."""
        return {
            address
            for handle in self.readers
            if (address := address_of_client(dds.dds_get_matched_subscription_data(self.entity, handle)))
        }

    def flush(self, timeout_s: float) -> None:
        """Wait until all readers have acknowledged; blocks."""
        dds.dds_wait_for_acks(self.entity, int(timeout_s * 1e9))

    def retire(self) -> None:
        """Stop watching. Idempotent."""
        self._closed = True
        self._participant.forget(self)
        self._changed.set()

    def collect(self) -> frozenset[int]:
        status = MatchedStatus()
        dds.dds_get_publication_matched_status(self.entity, ctypes.byref(status))
        count = status.current_count
        while True:
            handles = (ctypes.c_uint64 * count)()
            found = dds.dds_get_matched_subscriptions(self.entity, handles, count)
            if found <= count:
                return frozenset(handles[: max(found, 0)])
            count = found

    def hand_over(self, news: Any) -> None:
        if not self._closed:
            self.readers = news
            self._changed.set()
            self._on_change(self)
