# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A launcher with a recorder of exits, and scripts written on the spot."""

from __future__ import annotations

import asyncio
import itertools
import os
from pathlib import Path
from textwrap import dedent

from lsst.ts.scriptqueue.launch.contract import Exited, Launched, LaunchRequest, StopPlan
from lsst.ts.scriptqueue.launch.environment import child_environment
from lsst.ts.scriptqueue.launch.kept import KeptLauncher
from lsst.ts.scriptqueue.launch.local import LocalLauncher
from lsst.ts.scriptqueue.launch.output import OutputLimits

__all__ = ["Kind", "Stage", "is_alive", "write_script"]

Kind = type[LocalLauncher] | type[KeptLauncher]

_PATIENCE_S = 10.0

_numbers = itertools.count(100_000)


def write_script(path: Path, text: str, *, first_line: str = "#!/bin/sh", mode: int = 0o755) -> Path:
    """Write an executable script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{first_line}\n{dedent(text)}")
    path.chmod(mode)
    return path


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Stage:
    """A launcher in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        kind: Kind = LocalLauncher,
        *,
        kill_after_s: float = 0.2,
        limits: OutputLimits | None = None,
    ) -> None:
        self.folder = folder
        self.launcher = kind(folder / "state", plan=StopPlan(kill_after_s), limits=limits)
        self.launcher.on_exit(self._exited)
        self.told: list[Exited] = []
        self._waiting: dict[str, asyncio.Future[Exited]] = {}

    @property
    def output(self) -> list[Path]:
        """All output files."""
        return sorted((self.folder / "state" / "output").glob("*"))

    def request(self, executable: Path | str, *arguments: str, **variables: str) -> LaunchRequest:
        """Make a request with an id and an index of its own."""
        index = next(_numbers)
        launch_id = f"{index}-{os.urandom(8).hex()}"
        environment = child_environment(str(executable), launch_id) | variables
        return LaunchRequest(launch_id, index, str(executable), arguments, environment)

    def script(self, text: str, *, first_line: str = "#!/bin/sh") -> LaunchRequest:
        """Write a script and make a request for it."""
        number = next(_numbers)
        return self.request(write_script(self.folder / f"script_{number}", text, first_line=first_line))

    async def launch(self, request: LaunchRequest) -> Launched:
        return await self.launcher.launch(request)

    async def run(self, text: str, *, first_line: str = "#!/bin/sh") -> Exited:
        """Run a script to its end."""
        return await self.exit_of(await self.launch(self.script(text, first_line=first_line)))

    async def exit_of(self, launched: Launched) -> Exited:
        """Wait for the exit of a child."""
        for exited in self.told:
            if exited.launch_id == launched.launch_id:
                return exited
        future: asyncio.Future[Exited] = asyncio.get_running_loop().create_future()
        self._waiting[launched.launch_id] = future
        async with asyncio.timeout(_PATIENCE_S):
            return await future

    def _exited(self, exited: Exited) -> None:
        self.told.append(exited)
        waiting = self._waiting.get(exited.launch_id)
        if waiting is not None:
            waiting.set_result(exited)
