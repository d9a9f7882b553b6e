# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an opening asks of registry and broker, at the same time and in as few calls as there can be.

A broker or registry that is away is waited for, and that is said. Every call
blocks: for threads.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..contract import BusError, TopicSpec
from .blocking import Interrupted
from .consumer import Consumer
from .faults import BrokerAway
from .producer import Producer
from .registry import RegistryAway
from .schema_ids import SchemaIds
from .settings import Settings

__all__ = ["Found", "Opening", "Wish"]

logger = logging.getLogger(__name__)

_SAY_EVERY_S = 10.0
_TRY_EVERY_S = 0.5
_ANSWER_S = 1.0
_TRY_AGAIN_S = 0.03


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be seen to.

    Attributes
    ----------
    topics
        All topics by the broker's name.
    ends
        Names of those whose ends are wanted.
    may_read, may_write
        Names of those that we must be allowed to read, and to write; empty
        not to ask, because the broker takes its time to say that.
    written, read
        Text of each schema that is written or read, by the broker's name of
        the topic; without those whose ids are known.
    """

    topics: Mapping[str, TopicSpec]
    ends: Collection[str]
    may_read: Collection[str]
    may_write: Collection[str]
    written: Mapping[str, str]
    read: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """What an opening found out.

    Attributes
    ----------
    ends
        The offset of the next message of each topic whose end was wanted.
    ids
        The id of each schema that is written, and of others, by topic.
    is_all_there
        Has the consumer seen every topic? If not, it remembers that for a while.
    """

    ends: Mapping[str, int]
    ids: Mapping[str, int]
    is_all_there: bool


class Opening:
    """One opening.

    Parameters
    ----------
    settings
        The connection.
    schema_ids
        Who finds the ids of schemas.
    wish
        What is to be seen to.
    consumer
        A consumer that has not been asked for anything yet, for one look at
        topics; None to look with a client that is only made for it, which can
        tell more.
    producers
        Those that have not written yet.
    """

    def __init__(
        self,
        settings: Settings,
        schema_ids: SchemaIds,
        wish: Wish,
        consumer: Consumer | None = None,
        producers: Collection[Producer] = (),
    ) -> None:
        self._settings = settings
        self._schema_ids = schema_ids
        self._wish = wish
        self._consumer = consumer
        self._producers = producers

    def carry_out(self, stop: threading.Event) -> Found:
        """Ask until all is answered.

        Raises
        ------
        BusError
            If somebody refuses, or does not answer in time.
        """
        began_at = said_at = time.monotonic()
        while True:
            left_s = self._settings.start_limit_s - (time.monotonic() - began_at)
            try:
                # Even the shortest limit leaves a broker that is there the time to answer.
                return self._try(stop, min(max(left_s, _ANSWER_S), _SAY_EVERY_S))
            except (BrokerAway, RegistryAway) as error:
                now = time.monotonic()
                if now - began_at >= self._settings.start_limit_s:
                    raise BusError(f"{error} (waited {self._settings.start_limit_s:g} s)") from error
                if now - said_at >= _SAY_EVERY_S:
                    said_at = now
                    logger.warning("waiting: %s", error)
                pause_s = _TRY_AGAIN_S if _is_brief(error) else _TRY_EVERY_S
            if stop.wait(pause_s):
                raise Interrupted

    def _try(self, stop: threading.Event, limit_s: float) -> Found:
        ids: dict[str, int] = {}
        faults: list[BusError] = []

        def find_ids() -> None:
            try:
                ids.update(self._schema_ids.find(self._wish.written, self._wish.read, limit_s))
            except BusError as error:
                faults.append(error)

        finding = threading.Thread(target=find_ids, name="kafka-schema-ids")
        finding.start()
        try:
            ends = self._look(stop, limit_s)
            is_all_there = ends is not None
            if ends is None:
                ends = self._prepare(stop, limit_s)
            self._introduce()
        except BrokerAway as error:
            # What is brief passes by itself; what the registry says may not.
            finding.join()
            if error.is_brief and faults:
                raise faults[0] from None
            raise
        finally:
            finding.join()
        if faults:
            raise faults[0]
        return Found(ends, ids, is_all_there)

    def _look(self, stop: threading.Event, limit_s: float) -> Mapping[str, int] | None:
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return None
        ends = consumer.look(self._wish.topics, stop, limit_s)
        return None if ends is None else {name: ends[name] for name in self._wish.ends}

    def _prepare(self, stop: threading.Event, limit_s: float) -> Mapping[str, int]:
        # A large import for a process whose topics are all there.
        from .topics import prepare

        wish = self._wish
        return prepare(self._settings, wish.topics, wish.ends, wish.may_read, wish.may_write, stop, limit_s)

    def _introduce(self) -> None:
        producers, self._producers = self._producers, ()
        for producer in producers:
            producer.introduce(next(iter(self._wish.topics)))


def _is_brief(error: BusError) -> bool:
    return isinstance(error, BrokerAway) and error.is_brief
