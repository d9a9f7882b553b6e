# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal as the queue sees it: it is told what to keep, and says when that is on the disk.

A thread owns the file. What several callers write while the disk is busy goes
to it together, in the order in which they asked.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import pathlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from .. import __version__
from .connecting import Connect, connect
from .faults import JournalError
from .journal_file import JournalFile, Writing
from .layout import STEPS, Step
from .lock import JournalLock
from .margin import MEMORY, Margin
from .records import Entry, Happening, Limits, Mark, Recovered, ScriptRow
from .rows import entry_values, happening_values, script_values

__all__ = ["Journal"]

#: So many callers at most share a commit.
_MOST_TOGETHER = 1_000

#: After so long without a write it is looked whether anything has been kept long enough (seconds).
_TIDY_S = 86_400.0

DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class _Write:
    done: asyncio.Future[Mark]
    writing: Writing


@dataclass(frozen=True, slots=True)
class _WriteSnapshot:
    done: asyncio.Future[Mark]
    body: str


@dataclass(frozen=True, slots=True)
class _Close:
    done: asyncio.Future[Mark] | None


_Job = _Write | _WriteSnapshot | _Close

_T = TypeVar("_T")


class Journal:
    """A journal that is open; made by `open`."""

    def __init__(
        self,
        file: JournalFile,
        lock: JournalLock,
        loop: asyncio.AbstractEventLoop,
        log: logging.Logger,
        memory: pathlib.Path,
    ) -> None:
        self._file = file
        self._log = log
        self._memory = memory
        self._lock = lock
        self._loop = loop
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._opened: asyncio.Future[Recovered] = loop.create_future()
        self._is_closed = False
        self._margin: Margin | None = None
        # A program that fails to close it must end all the same: what is confirmed is on the disk.
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)

    @classmethod
    async def open(
        cls,
        directory: pathlib.Path,
        now: Callable[[], float],
        log: logging.Logger,
        limits: Limits = DEFAULT_LIMITS,
        *,
        steps: tuple[Step, ...] = STEPS,
        connect: Connect = connect,
        memory: pathlib.Path = MEMORY,
    ) -> tuple[Self, Recovered]:
        """Open the journal of a state directory, or begin one.

        Parameters
        ----------
        directory
            The state directory; made if it is not there.
        now
            Tells the time (TAI, unix seconds); called in a thread.
        log
            Where it is said what could not be done later on.
        limits
            How much is kept.
        steps
            The steps to the newest format of the file.
        connect
            Opens the file.
        memory
            A file system in memory, for what is not on the disk yet.

        Returns
        -------
        tuple
            The journal, and what was found in it.

        Raises
        ------
        JournalInUseError
            If another process has it.
        JournalTooNewError
            If a newer program has written it.
        JournalFullError
            If there is no room to begin one, or to rescue a damaged one. One that can be read is
            opened, and a complaint says that nothing can be written for now.
        JournalError
            If it cannot be used for another reason. A damaged file is no reason: it is set aside.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise JournalError(f"the state directory {directory} cannot be made: {error.strerror}") from None
        lock = JournalLock(directory)
        lock.acquire()
        file = JournalFile(directory, limits, now, __version__, steps, connect, log)
        journal = cls(file, lock, asyncio.get_running_loop(), log, memory)
        journal._thread.start()
        try:
            recovered = await journal._opened
        except asyncio.CancelledError:
            journal._is_closed = True
            journal._jobs.put(_Close(None))
            raise
        except JournalError:
            journal._is_closed = True
            journal._thread.join()
            raise
        return journal, recovered

    @property
    def path(self) -> pathlib.Path:
        """The file."""
        return self._file.path

    @property
    def wants_snapshot(self) -> bool:
        """Should a snapshot be written soon? There is much to replay otherwise, or a gap in it."""
        return self._file.wants_snapshot

    def write(
        self,
        entries: Iterable[Entry] = (),
        scripts: Iterable[ScriptRow] = (),
        happenings: Iterable[Happening] = (),
    ) -> asyncio.Future[Mark]:
        """Write what has happened; it keeps the order in which this is called.

        Parameters
        ----------
        entries
            What happened, in order.
        scripts
            Scripts of the history, new ones or anew.
        happenings
            Lines of their stories.

        Returns
        -------
        asyncio.Future
            Done when all of it is on the disk; it says how far the journal is
            written then. It raises `JournalError` if it cannot be written:
            then nothing of it is, nor of what was to be written together with
            it, and what comes later is tried again. Cancelling it does not
            take it back.

        Raises
        ------
        JournalError
            If the journal is closed.
        ValueError
            If a value cannot be kept.
        """
        writing = Writing(
            tuple(map(entry_values, entries)),
            tuple(map(script_values, scripts)),
            tuple(map(happening_values, happenings)),
        )
        done = self._new_future()
        self._jobs.put(_Write(done, writing))
        return done

    def write_snapshot(self, body: str) -> asyncio.Future[Mark]:
        """Write all that the queue knows after the entries written so far; older ones may be forgotten then.

        Parameters
        ----------
        body
            What it knows, as text.

        Returns
        -------
        asyncio.Future
            As that of `write`.

        Raises
        ------
        JournalError
            If the journal is closed.
        ValueError
            If the text cannot be kept.
        """
        body.encode()
        done = self._new_future()
        self._jobs.put(_WriteSnapshot(done, body))
        return done

    def jot(self, mark: Mark, entries: Sequence[Entry]) -> bool:
        """Note in the margin what has happened and is not known to be on the disk yet.

        It waits for no disk, and outlives this process, but not the machine. It
        counts for the next time the journal is opened, as far as it is not
        written by then.

        Parameters
        ----------
        mark
            What the last write that is done has said.
        entries
            What has happened since; to be written all the same.

        Returns
        -------
        bool
            Whether it could be noted.
        """
        return self._margin is not None and not self._is_closed and self._margin.note(mark, entries)

    async def aclose(self) -> None:
        """Write what was asked for, and let go of the file."""
        if not self._is_closed:
            done = self._new_future()
            self._is_closed = True
            self._jobs.put(_Close(done))
            await done
            self._thread.join()

    def _new_future(self) -> asyncio.Future[Mark]:
        if self._is_closed:
            raise JournalError(f"the journal {self.path} is closed")
        return self._loop.create_future()

    def _work(self) -> None:
        """Be the thread that owns the file."""
        closing: _Close | None = None
        try:
            closing = self._serve()
        finally:
            self._is_closed = True
            self._file.close()
            if self._margin is not None:
                self._margin.close(self._file.mark)
            self._lock.release()
            left = [job.done for job in self._gathered() if job.done is not None]
            closed = JournalError(f"the journal {self.path} is closed")
            self._tell(left, closed)
            if not self._opened.done():
                self._loop.call_soon_threadsafe(_fail, self._opened, closed)
            if closing is not None and closing.done is not None:
                self._tell([closing.done], self._file.mark)

    def _serve(self) -> _Close | None:
        try:
            recovered = self._with_margin(self._file.open())
        except JournalError as error:
            self._loop.call_soon_threadsafe(_fail, self._opened, error)
            return None
        self._loop.call_soon_threadsafe(_succeed, self._opened, recovered)
        while True:
            if self._file.is_untidy and self._jobs.empty():
                self._file.tidy()
                continue
            try:
                job = self._jobs.get(timeout=_TIDY_S)
            except queue.Empty:
                # What nobody adds to grows old all the same.
                self._file.is_untidy = True
                continue
            if isinstance(job, _Write):
                together = [job]
                following = None
                for job in self._gathered():
                    if not isinstance(job, _Write):
                        following = job
                        break
                    together.append(job)
                self._do([each.done for each in together], functools.partial(self._write, together))
                if following is None:
                    continue
                job = following
            if isinstance(job, _Close):
                return job
            self._do([job.done], functools.partial(self._file.write_snapshot, job.body))

    def _with_margin(self, recovered: Recovered) -> Recovered:
        """Open the margin, and write what is only there."""
        try:
            self._margin = Margin.open(self.path.parent, self._memory)
        except OSError as error:
            self._log.warning(
                "Nothing can be noted in memory, so all that happens waits for the disk: %s", error
            )
            return recovered
        left = self._margin.after(self._file.mark)
        if not left:
            return recovered
        try:
            self._file.write([Writing(tuple(map(entry_values, left)), (), ())])
        except JournalError as error:
            complaints = dict.fromkeys((*recovered.complaints, str(error)))
            recovered = replace(recovered, complaints=tuple(complaints))
        return replace(recovered, entries=(*recovered.entries, *left))

    def _gathered(self) -> Iterator[_Job]:
        """Yield what else is to be done now."""
        for _ in range(_MOST_TOGETHER):
            try:
                yield self._jobs.get_nowait()
            except queue.Empty:
                return

    def _write(self, together: Iterable[_Write]) -> None:
        self._file.write([job.writing for job in together])

    def _do(self, done: list[asyncio.Future[Mark]], work: Callable[[], None]) -> None:
        outcome: JournalError | Mark = JournalError(f"the journal {self.path} does not work any more")
        try:
            work()
            outcome = self._file.mark
        except JournalError as fault:
            outcome = fault
        finally:
            # Also a fault of the program itself leaves nobody waiting.
            self._tell(done, outcome)

    def _tell(self, done: Sequence[asyncio.Future[Mark]], outcome: JournalError | Mark) -> None:
        self._loop.call_soon_threadsafe(_settle, done, outcome)


def _settle(futures: Sequence[asyncio.Future[Mark]], outcome: JournalError | Mark) -> None:
    for future in futures:
        if isinstance(outcome, Mark):
            _succeed(future, outcome)
        else:
            # Each caller raises one of its own.
            _fail(future, type(outcome)(*outcome.args))


def _succeed(future: asyncio.Future[_T], value: _T) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[_T], error: JournalError) -> None:
    if not future.done():
        future.set_exception(error)
