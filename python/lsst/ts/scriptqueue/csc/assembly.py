# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting a ScriptQueue together from its rooms."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import logging
import os
import pathlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from ..configuration import default_folder
from ..journal import Journal, JournalError, Recovered
from ..launch.contract import StopPlan
from ..launch.kept import KeptLauncher
from ..launch.paths import ScriptLibrary, default_directories
from ..sal.clock import SystemClock
from ..sal.csc import DUPLICATE_WATCH_S
from ..sal.domain import Domain
from ..sal.enums import State
from .block_ids import BlockIds, LocalBlockIds
from .index_counter import IndexCounter
from .memory import Memory
from .script_queue import ScriptQueueCsc
from .settings import Settings, SettingsError

__all__ = ["QueueOptions", "script_queue"]


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """What whoever starts a ScriptQueue chooses.

    Attributes
    ----------
    index
        SAL index.
    state_dir
        Where it keeps what must outlive it.
    standard, external
        Directories of scripts; None for the default ones.
    bus
        Name of the middleware; None to let the environment choose.
    initial_state
        Summary state to start in.
    settings
        Limits and such.
    duplicate_watch_s
        How long another one of that index is listened for (seconds).
    config_dir
        Configuration directory; None for the default one.
    """

    index: int
    state_dir: pathlib.Path
    standard: pathlib.Path | None = None
    external: pathlib.Path | None = None
    bus: str | None = None
    initial_state: State = State.STANDBY
    settings: Settings = field(default_factory=Settings)
    duplicate_watch_s: float = DUPLICATE_WATCH_S
    config_dir: pathlib.Path | None = None


@contextlib.asynccontextmanager
async def script_queue(
    options: QueueOptions, environ: Mapping[str, str] = os.environ
) -> AsyncIterator[ScriptQueueCsc]:
    """Start a ScriptQueue; on leaving, all its scripts are ended.

    Raises
    ------
    BusError
        If the middleware cannot be reached.
    DuplicateError
        If there is one of that index already.
    SettingsError
        If there can be no such state directory.
    ConfigurationError
        If there is no such configuration directory.
    """
    settings = options.settings
    # To load takes processor time; more at once would only be late together.
    limits = dataclasses.replace(settings.limits, relaunches=2 * (os.cpu_count() or 1))
    settings = dataclasses.replace(settings, limits=limits)
    standard, external = default_directories()
    library = ScriptLibrary(options.standard or standard, options.external or external)
    launcher = KeptLauncher(
        options.state_dir,
        plan=StopPlan(settings.kill_after_s),
        limits=settings.output,
        absence_limit_s=settings.absence_limit_s,
    )
    journal, recovered = await _open_journal(options)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(journal.aclose)
        domain = await stack.enter_async_context(Domain.connect(options.bus))
        csc = ScriptQueueCsc(
            domain,
            options.index,
            library=library,
            launcher=launcher,
            block_ids=_block_ids(options, environ),
            settings=settings,
            configurations=default_folder(options.config_dir, environ),
            index_counter=IndexCounter(options.state_dir / "last_index", logging.getLogger(__name__)),
            initial_state=options.initial_state,
            state_directory=options.state_dir,
            duplicate_watch_s=options.duplicate_watch_s,
            memory=Memory(journal, recovered, launcher, settings.resume_after_restart),
        )
        async with csc:
            yield csc


async def _open_journal(options: QueueOptions) -> tuple[Journal, Recovered]:
    try:
        return await Journal.open(
            options.state_dir,
            SystemClock().tai,
            logging.getLogger(__name__),
            options.settings.journal,
        )
    except JournalError as error:
        raise SettingsError(str(error)) from None


def _block_ids(options: QueueOptions, environ: Mapping[str, str]) -> BlockIds:
    url = environ.get("IMAGE_SERVER_URL", "")
    if url:
        # aiohttp is a large import for a queue that needs no name service.
        from .image_name_service import ImageNameService

        service = options.settings.image_name_service
        return ImageNameService(url, service.limit_s, service.try_s)
    return LocalBlockIds(
        options.state_dir / "block_ids.json",
        lambda: datetime.datetime.now(datetime.UTC),
        logging.getLogger(__name__),
    )
