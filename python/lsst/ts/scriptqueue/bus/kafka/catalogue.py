# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topics that this process has opened: their names, their bytes, and the ids they are written with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..contract import TopicSpec
from .codec import Codec
from .settings import Settings

__all__ = ["Catalogue"]


class Catalogue:
    """What is known of topics.

    Parameters
    ----------
    settings
        The connection.

    Attributes
    ----------
    ids
        The registry's id of each schema that is known, by the broker's name of the topic.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._codecs: dict[tuple[str, str], Codec] = {}
        self.ids: dict[str, int] = {}

    def name(self, spec: TopicSpec) -> str:
        """Return the broker's name of a topic."""
        return self._settings.topic_name(spec)

    def codec(self, spec: TopicSpec) -> Codec:
        """Return the bytes of a topic.

        Raises
        ------
        BusError
            If it was opened with other fields before.
        """
        key = (spec.component, spec.name)
        codec = self._codecs.get(key)
        if codec is None:
            codec = self._codecs[key] = Codec(spec)
        codec.topic.check_same_fields(spec)
        return codec

    def by_name(self, specs: Iterable[TopicSpec]) -> dict[str, TopicSpec]:
        """Return topics by the broker's name."""
        return {self.name(spec): self.codec(spec).topic for spec in specs}

    def texts(self, specs: Iterable[TopicSpec]) -> dict[str, str]:
        """Return the text of each topic's schema, by the broker's name."""
        return {self.name(spec): self.codec(spec).text for spec in specs}

    def unknown(self, specs: Iterable[TopicSpec]) -> dict[str, str]:
        """As `texts`, of those whose ids are not known."""
        return {name: text for name, text in self.texts(specs).items() if name not in self.ids}

    def known(self) -> dict[str, str]:
        """As `texts`, of all whose ids are known."""
        texts = self.texts(codec.topic for codec in self._codecs.values())
        return {name: text for name, text in texts.items() if name in self.ids}

    def learn(self, ids: Mapping[str, int]) -> None:
        """Take in ids by the broker's name, of topics that were asked for."""
        self.ids |= ids
        for codec in self._codecs.values():
            name = self.name(codec.topic)
            if name in ids:
                codec.learn(ids[name], codec.text)
