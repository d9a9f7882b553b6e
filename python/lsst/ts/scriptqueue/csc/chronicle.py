# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has become of scripts, as far as the history does not tell it yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..core.effects import Effect, Forget, PublishScript
from ..core.model import QueueModel
from ..core.views import ScriptRecord
from ..journal import Happening, ScriptRow
from .entries import row_of

__all__ = ["Chronicle", "News"]


@dataclass(frozen=True, slots=True)
class News:
    """What is new in the history.

    Attributes
    ----------
    rows, happenings
        To be written.
    told
        SAL index to how many lines of the script's story were written before,
        and to what has become of it, if the model has forgotten it.
    """

    rows: list[ScriptRow] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    told: dict[int, tuple[int, ScriptRecord | None]] = field(default_factory=dict)


class Chronicle:
    """Knows of which scripts there is something to tell, and how much of each story was told.

    Parameters
    ----------
    model
        The queue.
    """

    def __init__(self, model: QueueModel) -> None:
        self._model = model
        #: SAL index of each script that has changed -> what has become of it, if the model has forgotten it.
        self._changed: dict[int, ScriptRecord | None] = {}
        #: How many lines of each script's story have been told.
        self._told: dict[int, int] = {}

    @property
    def has_news(self) -> bool:
        """Has anything changed since `take`?"""
        return bool(self._changed)

    def note(self, effects: Sequence[Effect]) -> None:
        """Note which scripts have changed."""
        for effect in effects:
            if isinstance(effect, PublishScript):
                self._changed[effect.view.index] = None
            elif isinstance(effect, Forget):
                self._changed[effect.index] = effect.record

    def take(self) -> News:
        """Return what has become of scripts since this was last asked."""
        news, changed, self._changed = News(), self._changed, {}
        for index, last in changed.items():
            record = last or self._model.record(index)
            news.rows.append(row_of(record))
            told = self._told.pop(index, 0)
            news.told[index] = (told, last)
            if last is None:
                self._told[index] = record.lines_told
            first = max(0, len(record.latest_lines) - (record.lines_told - told))
            for at_tai, text in record.latest_lines[first:]:
                news.happenings.append(Happening(record.key, at_tai, text))
        return news

    def take_back(self, news: News) -> None:
        """Have what could not be written told once more."""
        for index, (told, last) in news.told.items():
            self._told[index] = min(told, self._told.get(index, told))
            # What is known by now is no older.
            self._changed[index] = self._changed.get(index) or last
