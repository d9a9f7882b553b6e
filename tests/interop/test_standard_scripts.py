# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observatory's own scripts, unmodified, in our queue with the configuration packaged for them."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import shutil
from collections.abc import AsyncIterator

import pytest

from lsst.ts.scriptqueue.resources import schema_path
from lsst.ts.scriptqueue.sal import ScriptProcessState, ScriptState, State

from .our_queue import our_queue
from .peer import HERE, Client, a_client

SCRIPTS = ("sleep.py", "set_summary_state.py", "run_command.py", "pause_queue.py")

#: What Test:1 must have in its configuration.
CONFIGURATION = """
string0: a component for tests
bool0: true
int0: 5
float0: 3.14
intarr0: [-1, 1]
multi_type: null
"""

CONFIGURE_FAILED = (ScriptState.CONFIGURE_FAILED, ScriptProcessState.CONFIGURE_FAILED)
DONE = (ScriptState.DONE, ScriptProcessState.DONE)
STOPPED = (ScriptState.STOPPED, ScriptProcessState.DONE)


def put_scripts(source: pathlib.Path, standard: pathlib.Path, interpreter: str) -> None:
    """Put scripts where the queue finds them, and beside them the ``python`` that they ask for."""
    standard.mkdir()
    for name in SCRIPTS:
        shutil.copy(source / name, standard)
    python = standard / "python"
    python.write_text(f'#!/bin/sh\nexec {interpreter} "$@"\n')
    python.chmod(0o755)


@contextlib.asynccontextmanager
async def a_component(folder: pathlib.Path, interpreter: str) -> AsyncIterator[None]:
    """Start Test:1, and end it."""
    folder.mkdir()
    (folder / "_init.yaml").write_text(CONFIGURATION)
    process = await asyncio.create_subprocess_exec(
        interpreter, str(HERE / "salobj_component.py"), str(folder)
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def ended(operator: Client, index: int) -> tuple[int, int]:
    """Wait until a script's process has gone; return the states of script and process."""
    await operator.until(f"{index} gone", lambda: operator.script(index).get("timestampProcessEnd", 0) > 0)
    last = operator.script(index)
    return last["scriptState"], last["processState"]


@pytest.mark.timeout(500)
async def test_standard_scripts(
    salobj_python: str, standard_scripts: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    put_scripts(standard_scripts, tmp_path / "standard", salobj_python)
    configuration = schema_path("examples", "observatory", "_init.yaml").read_text()
    async with (
        our_queue(tmp_path, salobj_python, configuration=configuration),
        a_client(salobj_python) as operator,
        a_component(tmp_path / "component", salobj_python),
    ):
        await operator.open("queue", "ScriptQueue", 1)
        await operator.open("test", "Test", 1)
        await operator.until("Test:1", lambda: operator.last("summaryState", "test"))
        asleep = await operator.add("sleep.py", "sleep_for: 86400")
        await operator.until(
            "it sleeps", lambda: operator.script(asleep).get("scriptState") == ScriptState.RUNNING
        )

        # What concerns no telescope does not wait for the one that sleeps.
        enabling = await operator.add("set_summary_state.py", "data: [['Test:1', ENABLED]]")
        assert await ended(operator, enabling) == DONE
        states = [data["summaryState"] for data in operator.seen("summaryState", "test")]
        assert states == [State.STANDBY, State.DISABLED, State.ENABLED]
        assert operator.last("queue")["currentSalIndex"] == asleep
        await operator.stop([asleep])
        assert await ended(operator, asleep) == STOPPED

        scalars = "{component: 'Test:1', cmd: setScalars, event: scalars, parameters: {int0: 17}}"
        assert await ended(operator, await operator.add("run_command.py", scalars)) == DONE
        assert operator.last("scalars", "test")["int0"] == 17
        assert await ended(operator, await operator.add("sleep.py", "sleep_for: -1")) == CONFIGURE_FAILED

        pausing = await operator.add("pause_queue.py", "queue: MAIN_TEL")
        assert await ended(operator, pausing) == DONE
        last = await operator.add("sleep.py", "sleep_for: 0")
        await operator.until(
            "ready", lambda: operator.script(last).get("processState") == ScriptProcessState.CONFIGURED
        )
        assert not operator.last("queue")["running"]
        await operator.command("resume")
        assert await ended(operator, last) == DONE
