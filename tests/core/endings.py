# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows about how scripts end, and the steps they are written in.

Every row brings a script into a phase, lets something happen to it, and says
how it ends: script state, process state, whether it keeps its place (and so
pauses the queue), and what its reason must say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from .driver import Driver

__all__ = ["Row", "Step", "exits", "expires", "launch_fails", "refuses", "reports", "starts", "stopped"]

Step = Callable[[Driver, int], None]


def reports(*states: ScriptState, reason: str = "") -> Step:
    return lambda driver, index: driver.report(index, *states, reason=reason)


def exits(exit_code: int | None = 0, signal: int | None = None, output_tail: str = "") -> Step:
    return lambda driver, index: driver.exit(index, exit_code, signal=signal, output_tail=output_tail)


def refuses(text: str = "no") -> Step:
    return lambda driver, index: driver.answer(index, accepted=False, text=text)


def stopped(terminate: bool = False) -> Step:
    def step(driver: Driver, index: int) -> None:
        driver.stop(index, terminate=terminate)

    return step


def expires(driver: Driver, index: int) -> None:
    driver.expire(index)


def starts(driver: Driver, index: int) -> None:
    driver.start(index)


def launch_fails(driver: Driver, index: int) -> None:
    driver.fail_launch(index)


@dataclass(frozen=True)
class Row:
    says: str
    phase: Phase
    steps: tuple[Step, ...]
    ends: tuple[str, str]
    reason: str = ""
    stays: bool = False
