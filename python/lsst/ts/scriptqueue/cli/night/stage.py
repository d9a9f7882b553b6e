# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole night: the queue's process, the client, what is shown, and the verdict.

The order of starting and of ending is here and nowhere else: folder, Kafka if
the night has one of its own, process, domain, remotes, view. Whatever happens,
the processes and all their descendants are gone when `play` returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pathlib
import random
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, MutableMapping, Sequence
from typing import Any

import psutil
from rich.console import Console
from rich.text import Text

from ...bus import IndexRange
from ...local_kafka import check_programs, must_be_fetched
from ...resources import packaged_scripts, schema_path
from ...sal.clock import SystemClock
from ...sal.domain import Domain
from ...sal.errors import AckError
from ...sal.remote import Remote
from .acts import night
from .deeds import Operator
from .kafka import KAFKA_MARK, clear_kafka, is_borrowed, own_kafka
from .looks import happening_line
from .picture import Picture
from .processes import MarkedProcess, end_left_over, left_over
from .sightings import ClaimSeen
from .summary import summary
from .views import view
from .watcher import NotSeenError, Watcher

__all__ = ["MARK", "alone", "end_all", "play"]

#: Environment variable that makes the night's processes known, and keeps their
#: topics apart from everybody else's.
MARK = "LSST_TOPIC_SUBNAME"

#: DDS domains a night may be in: not 0, where others are, and below those whose
#: ports the system gives away.
_DOMAINS = range(10, 90)

#: How long the queue's process may take to end after OFFLINE (seconds).
_EXIT_S = 15.0

#: How long after the queue's process its last event may arrive (seconds).
_LAST_EVENT_S = 2.0

#: How many lines of each log are shown when something went wrong.
_LOG_LINES = 15

#: Settings that would connect the night with the world.
_FOREIGN = ("CYCLONEDDS_URI", "IMAGE_SERVER_URL")

#: Begins the names of all settings of Kafka but that of the registry.
_KAFKA_PREFIX = "LSST_KAFKA_"


def alone(environ: MutableMapping[str, str], bus: str) -> str:
    """Change an environment so that who has it meets nobody but its own children; return its mark.

    On ``kafka``, a broker that it names is kept, and the topics are apart.
    """
    is_given = is_borrowed(bus, environ)
    for name in list(environ):
        is_kept = is_given and (name.startswith(_KAFKA_PREFIX) or name == "LSST_SCHEMA_REGISTRY_URL")
        if (name.startswith("LSST_") and not is_kept) or name in _FOREIGN:
            del environ[name]
    environ["LSST_DDS_DOMAIN_ID"] = str(random.choice(_DOMAINS))
    mark = environ[MARK] = f"demo_{secrets.token_hex(6)}"
    return mark


def end_all(mark: str) -> list[psutil.Process]:
    """End the processes of a night, whatever they are; return those that resist."""
    return end_left_over(MARK, mark) + end_left_over(KAFKA_MARK, mark)


async def play(console: Console, bus: str, *, lines: bool) -> bool:
    """Play a night, in an environment that was made `alone`.

    Parameters
    ----------
    console
        Where to show it.
    bus
        ``dds`` or ``kafka``. A Kafka that the environment does not name is started.
    lines
        Line by line, even if a screen is possible?

    Returns
    -------
    bool
        Was everything as it should be?

    Raises
    ------
    BusError
        If the middleware cannot be used.
    KafkaMissing
        If there is no Kafka and none can be started.
    """
    with tempfile.TemporaryDirectory(prefix="scriptqueue-demo-") as name:
        folder = pathlib.Path(name)
        # On the terminal, log lines of this process would destroy the screen.
        own_log = folder / "demo.log"
        logging.basicConfig(filename=own_log, level=logging.WARNING, force=True)
        queue_log = folder / "queue.log"
        borrows_kafka = is_borrowed(bus)
        needs_kafka = bus == "kafka" and not borrows_kafka
        try:
            async with _kafka(console, folder) if needs_kafka else contextlib.nullcontext():
                process = MarkedProcess(_command(folder / "state", bus), queue_log, os.environ, MARK)
                async with process, Domain.connect(bus) as domain:
                    picture = await _play(console, process, domain, lines=lines)
        finally:
            logging.shutdown()
        if needs_kafka:
            _see_kafka_gone(console, picture)
        if borrows_kafka:
            await _see_topics_gone(console, picture)
        console.print(summary(picture, console.width))
        if not (went_well := all(claim.held for claim in picture.claims)):
            _print_logs(console, queue_log, own_log)
        return went_well


@contextlib.asynccontextmanager
async def _kafka(console: Console, folder: pathlib.Path) -> AsyncIterator[None]:
    """Have a Kafka, and an environment that names it."""
    await asyncio.to_thread(check_programs)
    fetched = ", fetched with Maven (once, 150 MB)" if must_be_fetched() else ""
    console.print(f"A Kafka broker and a schema registry are started{fetched} ...", soft_wrap=True)
    mark = os.environ[MARK]
    environment = {name: value for name, value in os.environ.items() if name != MARK}
    async with own_kafka(folder, environment, mark) as settings:
        os.environ.update(settings)
        yield


def _command(state_dir: pathlib.Path, bus: str) -> tuple[str, ...]:
    program = (sys.executable, "-P", "-m", "lsst.ts.scriptqueue.cli.run_script_queue")
    scripts = [f"--{kind}={packaged_scripts(kind)}" for kind in ("standard", "external")]
    # Not the one that the environment may name.
    config = f"--config-dir={schema_path('examples', 'demo')}"
    return (*program, "1", f"--bus={bus}", f"--state-dir={state_dir}", config, *scripts)


async def _play(console: Console, process: MarkedProcess, domain: Domain, *, lines: bool) -> Picture:
    queue = Remote(domain, "ScriptQueue", 1)
    scripts = Remote(domain, "Script", IndexRange(100_000, 199_999))
    picture = Picture(domain.clock.tai())
    shown = view(console, picture, domain.clock, lines=lines)
    watcher = Watcher(queue, scripts, picture, domain.clock, shown.tell)
    async with shown:
        watcher.says("starts ScriptQueue:1 as a process of its own")
        async with queue, scripts:
            if await _do(night(Operator(queue, scripts, watcher)), process, watcher):
                await _see_it_end(process, watcher)
    return picture


async def _do(deeds: Coroutine[Any, Any, None], process: MarkedProcess, watcher: Watcher) -> bool:
    """Do the night's deeds; return whether they came to their end.

    They do not if one of them does not succeed, or if the queue's process ends before.
    """
    doing = asyncio.create_task(deeds, name="night")
    ending = asyncio.create_task(process.wait(), name="queue process")
    try:
        await asyncio.wait((doing, ending), return_when=asyncio.FIRST_COMPLETED)
        # The queue's process may be gone before its last event has been seen here.
        await asyncio.wait([doing], timeout=_LAST_EVENT_S)
        if not doing.done():
            watcher.claim(f"the queue runs until it is sent OFFLINE; it ended with {ending.result()}", False)
            return False
        await doing
    except AckError as refused:
        watcher.claim(f"the queue does as it is told; {refused}", False)
        return False
    except NotSeenError:
        # The claim that this is about has been made.
        return False
    finally:
        for task in (doing, ending):
            task.cancel()
        await asyncio.wait((doing, ending))
    return True


async def _see_it_end(process: MarkedProcess, watcher: Watcher) -> None:
    """Wait for the queue's process, and look for others."""
    try:
        status: int | None = await asyncio.wait_for(process.wait(), _EXIT_S)
    except TimeoutError:
        status = None
    watcher.claim(
        f"the queue's process has ended with 0{'' if status == 0 else f', not {status}'}", status == 0
    )
    left = await asyncio.to_thread(left_over, MARK, os.environ[MARK])
    watcher.claim(f"no process is left{_but(left)}", not left)


def _see_kafka_gone(console: Console, picture: Picture) -> None:
    """Look for processes of the night's own Kafka; nobody watches any more."""
    left = left_over(KAFKA_MARK, os.environ[MARK])
    _claim(console, picture, f"Kafka has ended, and no process is left{_but(left)}", not left)


async def _see_topics_gone(console: Console, picture: Picture) -> None:
    """Remove what the night has made at somebody else's Kafka; nobody watches any more."""
    left = await asyncio.to_thread(clear_kafka)
    _claim(console, picture, f"no topic is left at the broker{left and f', but {left}'}", not left)


def _claim(console: Console, picture: Picture, text: str, held: bool) -> None:
    claim = ClaimSeen(SystemClock().tai(), text, held)
    for happening in picture.see(claim):
        console.print(happening_line(happening, picture.start_tai), soft_wrap=True)


def _but(left: Sequence[psutil.Process]) -> str:
    return "".join(f", but {process.pid} is" for process in left)


def _print_logs(console: Console, *paths: pathlib.Path) -> None:
    for path in paths:
        lines = path.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        if lines:
            console.print(Text(f"The end of {path.name}:", "bold"))
            console.print(Text("\n".join(lines)), soft_wrap=True)
