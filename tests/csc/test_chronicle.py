# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the history is told of scripts: each line once, whatever could not be written."""

from __future__ import annotations

from lsst.ts.scriptqueue.csc.chronicle import Chronicle, News

from ..core.driver import Driver


class Told:
    """A queue, and what is new of it."""

    def __init__(self, history: int = 100) -> None:
        self.driver = Driver(history=history)
        self.chronicle = Chronicle(self.driver.model)
        self._noted = 0

    def note(self) -> None:
        """Take in all that has come of what happened since the last time."""
        self.chronicle.note(self.driver.effects[self._noted :])
        self._noted = len(self.driver.effects)

    def take(self) -> News:
        self.note()
        return self.chronicle.take()


def texts(news: News) -> list[str]:
    return [happening.text for happening in news.happenings]


def test_each_line_is_told_once() -> None:
    told = Told()
    index = told.driver.add_configured()
    first = told.take()
    assert [row.sal_index for row in first.rows] == [index]
    assert texts(first)[0].startswith("added")
    assert not told.chronicle.has_news
    told.driver.run(index)
    second = told.take()
    story = told.driver.model.story(index).splitlines()
    assert len(texts(first)) + len(texts(second)) == len(story)
    assert not set(texts(second)) & set(texts(first))


def test_what_could_not_be_written_is_told_once_more() -> None:
    told = Told()
    index = told.driver.add_configured()
    first = told.take()
    told.driver.run(index)
    second = told.take()
    told.chronicle.take_back(second)
    told.chronicle.take_back(first)
    assert told.chronicle.has_news
    assert texts(told.take()) == texts(first) + texts(second)


def test_the_end_of_a_script_that_is_forgotten_is_not_lost() -> None:
    told = Told(history=1)
    first = told.driver.add_configured()
    news = told.take()
    told.driver.end_for_good(first)
    told.driver.end_for_good(told.driver.add_running())
    told.note()
    told.chronicle.take_back(news)
    rows = {row.sal_index: row for row in told.take().rows}
    assert rows[first].process_state == "TERMINATED"
    assert rows[first].process_end_tai > 0
