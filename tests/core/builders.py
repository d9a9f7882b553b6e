# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts in any phase, brought there by events as the world would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .driver import START_TAI, Driver
from .layouts import BESIDE, TWO_SLOTS

__all__ = ["WAYS", "a_process_exited", "a_script"]

S = ScriptState


def a_process_exited(index: int = 100_000, **overrides: Any) -> ev.ProcessExited:
    """The exit of a process, with code 0 unless said otherwise."""
    fields: dict[str, Any] = {"at_tai": START_TAI + 3600, "index": index, "exit_code": 0}
    if overrides.get("signal") is not None:
        fields["exit_code"] = None
    return ev.ProcessExited(**(fields | overrides))


def a_script(phase: Phase, driver: Driver | None = None, **overrides: Any) -> tuple[Driver, int]:
    """A queue with a script in a phase, and the script's index.

    Parameters
    ----------
    phase
        Where it is to be.
    driver
        The queue; a new, enabled one if not given.
    **overrides
        Fields of its ``add``.
    """
    if phase is Phase.ENTERING:
        # Main gives group ids ahead; beside it they are given on entering.
        driver = driver or Driver(layout=TWO_SLOTS)
        overrides.setdefault("slot", BESIDE)
    if phase is Phase.POSTPONED:
        driver = driver or Driver(relaunches=1)
    driver = driver or Driver()
    index = driver.add(**overrides)
    WAYS[phase](driver, index)
    assert driver.phase(index) is phase, f"{driver.phase(index)} instead of {phase}"
    return driver, index


def _launching(driver: Driver, index: int) -> None:
    """Nothing more: it was added."""


def _abandoned(driver: Driver, index: int) -> None:
    driver.stop(index)


def _loading(driver: Driver, index: int) -> None:
    driver.start(index)


def _configuring(driver: Driver, index: int) -> None:
    _loading(driver, index)
    driver.report(index, S.UNCONFIGURED)


def _settling(driver: Driver, index: int) -> None:
    _configuring(driver, index)
    driver.report(index, S.CONFIGURED)


def _configured(driver: Driver, index: int) -> None:
    driver.enable(False)
    driver.configure(index)


def _naming(driver: Driver, index: int) -> None:
    driver.configure(index)


def _named(driver: Driver, index: int) -> None:
    _naming(driver, index)
    driver.pause()
    driver.answer(index)


def _unnaming(driver: Driver, index: int) -> None:
    _naming(driver, index)
    driver.add(location=Location.FIRST)


def _straying(driver: Driver, index: int) -> None:
    _configuring(driver, index)
    driver.report(index, S.RUNNING)


def _dropping(driver: Driver, index: int) -> None:
    _loading(driver, index)
    driver.stop(index)


def _lost_waiting(driver: Driver, index: int) -> None:
    _configuring(driver, index)
    driver.exit(index, 1)


def _starting(driver: Driver, index: int) -> None:
    _naming(driver, index)
    driver.answer(index)


def _running(driver: Driver, index: int) -> None:
    _starting(driver, index)
    driver.report(index, S.RUNNING)


def _recalled(driver: Driver, index: int) -> None:
    _running(driver, index)
    driver.fall_silent(index)


def _stopping(driver: Driver, index: int) -> None:
    _running(driver, index)
    driver.stop(index)


def _killing(driver: Driver, index: int) -> None:
    _running(driver, index)
    driver.stop(index, terminate=True)


def _breaking(driver: Driver, index: int) -> None:
    _starting(driver, index)
    driver.answer(index, accepted=False, text="Cannot run: state=UNCONFIGURED instead of CONFIGURED")


def _giving_up(driver: Driver, index: int) -> None:
    _recalled(driver, index)
    driver.expire(index)


def _lost_running(driver: Driver, index: int) -> None:
    _running(driver, index)
    driver.exit(index, signal=9)


def _failed(driver: Driver, index: int) -> None:
    _running(driver, index)
    driver.report(index, S.FAILING, S.FAILED, reason="no star found")


def _failed_gone(driver: Driver, index: int) -> None:
    _failed(driver, index)
    driver.exit(index, 1)


def _leaving(driver: Driver, index: int) -> None:
    _running(driver, index)
    driver.report(index, S.ENDING, S.DONE)


def _gone(driver: Driver, index: int) -> None:
    _leaving(driver, index)
    driver.exit(index)


def _lost_stopping(driver: Driver, index: int) -> None:
    _stopping(driver, index)
    driver.exit(index)


def _lost_away(driver: Driver, index: int) -> None:
    _naming(driver, index)
    driver.take_over(resumes=True)
    driver.exit(index, signal=9, while_away=True)
    driver.enable()


def _postponed(driver: Driver, index: int) -> None:
    _lost_away(driver, index)
    for _ in range(driver.limits.relaunches):
        driver.add()
    driver.expire(index)


def _doubted(driver: Driver, index: int) -> None:
    _starting(driver, index)
    driver.take_over(resumes=True)
    driver.enable()


#: Phase -> the way to it, for a script that was added.
WAYS: dict[Phase, Callable[[Driver, int], None]] = {
    Phase.LAUNCHING: _launching,
    Phase.ABANDONED: _abandoned,
    Phase.LOADING: _loading,
    Phase.CONFIGURING: _configuring,
    Phase.SETTLING: _settling,
    Phase.CONFIGURED: _configured,
    Phase.NAMING: _naming,
    Phase.NAMED: _named,
    Phase.UNNAMING: _unnaming,
    Phase.ENTERING: _naming,
    Phase.STRAYING: _straying,
    Phase.DROPPING: _dropping,
    Phase.LOST_WAITING: _lost_waiting,
    Phase.STARTING: _starting,
    Phase.RUNNING: _running,
    Phase.RECALLED: _recalled,
    Phase.STOPPING: _stopping,
    Phase.KILLING: _killing,
    Phase.BREAKING: _breaking,
    Phase.GIVING_UP: _giving_up,
    Phase.LOST_RUNNING: _lost_running,
    Phase.LOST_STOPPING: _lost_stopping,
    Phase.FAILED: _failed,
    Phase.FAILED_GONE: _failed_gone,
    Phase.LEAVING: _leaving,
    Phase.GONE: _gone,
    Phase.LOST_AWAY: _lost_away,
    Phase.POSTPONED: _postponed,
    Phase.DOUBTED: _doubted,
}
