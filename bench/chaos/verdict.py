# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what must be so with the history, with what the scripts wrote down, and with what is left."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from leftovers import marked
from middleware import Middleware

from lsst.ts.scriptqueue.sal import ScriptProcessState, ScriptState

from .blocks import misfits
from .model import Model
from .service import INDEX
from .stage import ORDERED, SLOTS, Deed, Stage

__all__ = ["judge"]

#: How long before an order was acknowledged who is told to run by the order before may begin (seconds).
_HANDOVER_S = 1.0

_ENDED = frozenset({"DONE", "LOADFAILED", "CONFIGURE_FAILED", "TERMINATED"})

#: How a script was to end -> in which state it has ended, if nobody has stopped or killed it.
_STATE_OF_PLAN = {"done": "DONE", "fail": "FAILED", "die": "FAILED", "bad": "CONFIGURE_FAILED"}

_ASK_LIMIT_S = 60.0


def judge(model: Model, stage: Stage, middleware: Middleware) -> int:
    """Tell the model what is wrong now that all has ended; return how many scripts the history has."""
    told = _history(stage, middleware)
    rows = {row["salIndex"]: row for row in told}
    if len(rows) != len(told):
        model.fault(f"the history has {len(told)} scripts, but only {len(rows)} indices")
    deeds = {index: stage.deeds(index) for index in {*rows, *stage.written()}}
    for index, script in model.scripts.items():
        if index not in rows:
            model.fault(f"script {index} ({script.name or 'seen'}) is not in the history")
    for index in deeds.keys() - rows.keys():
        model.fault(f"script {index} has run, but is not in the history")
    for index, row in rows.items():
        _check_script(model, index, row, deeds[index])
    _check_adds(model, told)
    began = {index: lines[0].at for index, lines in deeds.items() if lines}
    for text in misfits(model.executions, told, began):
        model.fault(text)
    _check_order(model, began)
    _check_crowding(model, rows, deeds)
    _check_pauses(model, deeds)
    _check_logs(model, stage)
    for process in marked(middleware.subname):
        model.fault(f"process {process.pid} is left: {' '.join(process.cmdline())}")
    return len(rows)


def _history(stage: Stage, middleware: Middleware) -> list[dict[str, Any]]:
    program = (sys.executable, "-P", "-m", "lsst.ts.scriptqueue.cli.command_script_queue", str(INDEX))
    asked = ("history", "--limit", "0", "--json", "--state-dir", str(stage.state))
    done = subprocess.run(
        [*program, *asked],
        env=middleware.environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=_ASK_LIMIT_S,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _check_script(model: Model, index: int, row: Mapping[str, Any], deeds: Sequence[Deed]) -> None:
    what = f"script {index} ({json.loads(row['config'])['name']}, {row['processState']} {row['scriptState']})"
    begun = [deed for deed in deeds if deed.what == "begin"]
    ended = [deed.what.removeprefix("end ") for deed in deeds if deed.what != "begin"]
    if len(begun) > 1:
        model.fault(f"{what} ran {len(begun)} times: {begun}")
    if len(ended) > 1:
        model.fault(f"{what} ended {len(ended)} times: {ended}")
    if row["processState"] not in _ENDED:
        model.fault(f"{what} has no ending in the history")
    if row["processEnd"] is None and row["processState"] != "LOADFAILED":
        script = model.scripts.get(index)
        if script is None or not script.is_stop_asked:
            model.fault(f"{what} has no end of its process in the history")
    if [line["text"][:6] for line in row["story"]].count("added:") != 1:
        model.fault(f"{what} has a story that does not tell once that it was added")
    known = model.endings.get(index)
    if known is not None and _names(*known) != (row["processState"], row["scriptState"]):
        model.fault(f"{what} was told to have ended as {_names(*known)}")
    script = model.scripts.get(index)
    if script is not None and row["slot"] not in script.may_be_in:
        model.fault(f"{what} was in slot {row['slot']}, but was to be in {' or '.join(script.may_be_in)}")
    if script is not None and script.is_stop_asked:
        if script.stopped_at and begun and begun[0].at > script.stopped_at:
            model.fault(f"{what} began after it was stopped")
        return
    is_told_to_run = row["scriptState"] == "FAILED" and row["runStart"] is not None
    if model.was_ended_by_kill(index, is_told_to_run=is_told_to_run, has_begun=bool(begun)):
        return
    # One that ended while neither queue nor keeper was its parent leaves no exit code.
    if model.keeper_is_lost and row["exitCode"] is None and row["signal"] is None:
        return
    if (row["scriptState"] == "DONE") != (ended == ["done"]):
        model.fault(f"{what} is told as that, but it ended as {ended}")
    if script is None or not script.is_acknowledged:
        return
    plan = json.loads(row["config"])["how"]
    if row["scriptState"] != _STATE_OF_PLAN[plan]:
        model.fault(f"{what} was to end as {plan}: {row['exitReason']}")
    if plan != "bad" and not begun:
        model.fault(f"{what} has never run: {row['exitReason']}")


def _names(process_state: int, script_state: int) -> tuple[str, str]:
    return ScriptProcessState(process_state).name, ScriptState(script_state).name


def _check_adds(model: Model, told: Sequence[Mapping[str, Any]]) -> None:
    names = [json.loads(row["config"])["name"] for row in told]
    for name, asked in model.asked.items():
        if not model.granted[name] <= names.count(name) <= asked:
            model.fault(
                f"{name} was added {asked} times, {model.granted[name]} times with an acknowledgement, "
                f"but the history has it {names.count(name)} times"
            )


def _check_order(model: Model, began: Mapping[int, float]) -> None:
    for (first, second), since in model.before.items():
        if first not in began or second not in began or model.scripts[first].slot not in ORDERED:
            continue
        if since + _HANDOVER_S < began[second] < began[first]:
            model.fault(
                f"script {second} ran before {first}, but was behind it for {began[second] - since:.1f} s"
            )


def _check_crowding(
    model: Model, rows: Mapping[int, Mapping[str, Any]], deeds: Mapping[int, Sequence[Deed]]
) -> None:
    """No slot has more than it may, and nobody has what another one has."""
    rooms = dict(SLOTS) | {"Dome": 1, "Camera": 1}
    changes = []
    for index, lines in deeds.items():
        # Nobody knows when one that was killed ended.
        if len(lines) == 2 and index in rows:
            needs = rows[index]["resources"].replace(",", " ").split()
            for name in (rows[index]["slot"], *(name for name in ("Dome", "Camera") if name in needs)):
                changes += [(lines[0].at, 1, name, index), (lines[1].at, -1, name, index)]
    present: dict[str, list[int]] = {name: [] for name in rooms}
    for at, change, name, index in sorted(changes):
        if change < 0:
            present[name].remove(index)
            continue
        present[name].append(index)
        if len(present[name]) > rooms[name]:
            model.fault(f"{present[name]} ran in {name} at the same time ({at:.3f})")


def _check_pauses(model: Model, deeds: Mapping[int, Sequence[Deed]]) -> None:
    for began_at, resumed_at in model.paused:
        for index, lines in deeds.items():
            if lines and began_at + _HANDOVER_S < lines[0].at < resumed_at:
                after_s = lines[0].at - began_at
                model.fault(f"script {index} began {after_s:.1f} s after a restart, while all was paused")


def _check_logs(model: Model, stage: Stage) -> None:
    for log in [*stage.logs.iterdir(), *stage.state.glob("keeper.log*")]:
        lines = log.read_text(errors="replace").splitlines()
        for place, line in enumerate(lines):
            if " CRITICAL " in line:
                model.fault(f"{log.name} has: {line}")
            if line.startswith("Traceback"):
                # The log quotes the last words of scripts, and some of them are told to fail.
                error = next((text for text in lines[place + 1 :] if text and not text.startswith(" ")), "")
                if ": told " not in error:
                    model.fault(f"{log.name} has a traceback in line {place + 1}: {error}")
