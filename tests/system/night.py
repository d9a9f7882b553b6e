# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ScriptQueue with real scripts over a real middleware, and a client of it, for tests."""

from __future__ import annotations

import contextlib
import pathlib
import secrets
import textwrap
from collections.abc import AsyncIterator, Mapping

import psutil
import pytest

from lsst.ts.scriptqueue.core import QueueModel
from lsst.ts.scriptqueue.core.limits import Limits
from lsst.ts.scriptqueue.csc.assembly import QueueOptions, script_queue
from lsst.ts.scriptqueue.csc.settings import Settings
from lsst.ts.scriptqueue.sal import Domain, State

from ..observer import Observer

#: A script that does what its configuration says, and is otherwise well-behaved.
WELL_BEHAVED = """
    import asyncio
    from lsst.ts.scriptqueue.sal import BaseScript

    class Script(BaseScript):
        def __init__(self, index):
            super().__init__(index=index, descr="well-behaved")

        @classmethod
        def get_schema(cls):
            return {'type': 'object', 'additionalProperties': {'type': 'boolean'}}

        async def configure(self, config):
            self.config = config

        def set_metadata(self, metadata):
            metadata.duration = 0.1

        async def run(self):
            await self.checkpoint("start")
            if getattr(self.config, "wait", False):
                await asyncio.Event().wait()
            if getattr(self.config, "fail", False):
                raise RuntimeError("told to fail")
            await self.checkpoint("end")

    asyncio.run(Script.amain())
"""


def write_script(file: pathlib.Path, text: str, interpreter: str = "/usr/bin/env python3") -> None:
    """Write an executable script."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!{interpreter}\n{textwrap.dedent(text)}")
    file.chmod(0o755)


def is_alive(pid: int) -> bool:
    """Does a process run? A zombie that its new parent has not reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Night(Observer):
    """An observer of a queue whose scripts it writes itself."""

    model: QueueModel
    directory: pathlib.Path

    def write(self, path: str, text: str, interpreter: str = "/usr/bin/env python3") -> None:
        """Write a standard script."""
        write_script(self.directory / path, text, interpreter)


@contextlib.asynccontextmanager
async def a_night(
    tmp_path: pathlib.Path,
    kill_after_s: float = 1.0,
    environment: Mapping[str, str] | None = None,
    bus: str = "",
    **limits: float,
) -> AsyncIterator[Night]:
    """Start a queue that is enabled, and a client of it; on Kafka if the environment says where that is."""
    bus = bus or ("kafka" if environment else "dds")
    standard = tmp_path / "standard"
    external = tmp_path / "external"
    standard.mkdir()
    external.mkdir()
    options = QueueOptions(
        index=1,
        state_dir=tmp_path / "state",
        standard=standard,
        external=external,
        bus=bus,
        initial_state=State.ENABLED,
        duplicate_watch_s=0.0,
        settings=Settings(
            limits=Limits(**limits, kill_s=kill_after_s + 1.0),  # type: ignore[arg-type]
            kill_after_s=kill_after_s,
        ),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSST_TOPIC_SUBNAME", f"test_{secrets.token_hex(6)}")
        for name, value in (environment or {}).items():
            patch.setenv(name, value)
        async with script_queue(options) as csc, Domain.connect(bus) as domain:
            night = Night(domain, csc.model.story)
            night.model = csc.model
            night.directory = standard
            night.write("good.py", WELL_BEHAVED)
            await night.start()
            yield night
