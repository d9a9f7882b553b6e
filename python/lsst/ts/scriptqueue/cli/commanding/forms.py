# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of ``command_script_queue``, as data.

This one table is the one-shot parser, the interactive one, the completion and
the help. Whoever adds a command, or a field to one, adds a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import kinds
from .kinds import Kind, Place, Source
from .parts import Answer, Form, Local, Parameter

__all__ = ["FORMS", "MAX_STOPPED", "Answer", "Form", "Local", "Parameter"]

#: Length of the array of indices in the command ``stopScripts``.
MAX_STOPPED = 400


def _field(name: str) -> Callable[[Any], Mapping[str, Any]]:
    return lambda value: {name: value}


def _place_fields(place: Place) -> Mapping[str, Any]:
    return {"location": int(place.location), "locationSalIndex": place.other}


def _stop_fields(indices: Iterable[int]) -> Mapping[str, Any]:
    # One that is named twice is stopped once.
    named = list(dict.fromkeys(indices))
    if len(named) > MAX_STOPPED:
        raise kinds.WordError(f"{len(named)} scripts are too many; stop at most {MAX_STOPPED} at a time")
    return {"length": len(named), "salIndices": named + [0] * (MAX_STOPPED - len(named))}


def _option(
    name: str, kind: Kind | None, field: str | None, text: str, *, default: str | None = None
) -> Parameter:
    return Parameter(name, kind, text, _field(field) if field else None, required=False, default=default)


_KIND = Parameter("kind", kinds.SCRIPT_KIND, "which directory the script is in", _field("isStandard"))
_PATH = Parameter("path", kinds.SCRIPT_PATH, "path of the script, relative to that directory", _field("path"))
_PLACE_HELP = "where in the queue"
_PLACE = Parameter(
    "--location",
    kinds.LOCATION,
    f"{_PLACE_HELP} (default: last)",
    _place_fields,
    required=False,
    default="last",
)
_WAITING = (
    _option("--wait", kinds.GOAL, None, "end only when the script has come this far"),
    _option("--wait-timeout", kinds.SECONDS, None, "wait at most so long for that (default: no limit)"),
)
_SCRIPT = Parameter("script", kinds.LIVE_INDEX, "index of the script")
_QUEUED = Parameter("index", kinds.LIVE_INDEX, "index of the script", _field("scriptSalIndex"))
_ANY = Parameter("index", kinds.EVERY_INDEX, "index of the script", _field("scriptSalIndex"))
_TO_SLOT = "slot it goes to"
_LOG_LEVEL = (
    Parameter("level", kinds.LEVEL, "log level, by name or number", _field("level")),
    Parameter("subsystem", kinds.TEXT, "of which logger (default: all)", _field("subsystem"), required=False),
)

FORMS: tuple[Form, ...] = (
    Form(
        "add",
        "Add a script; the result is its index.",
        "add",
        (
            _KIND,
            _PATH,
            Parameter(
                "config",
                kinds.CONFIG,
                "its configuration, YAML such as 'az: 10', or @FILE",
                _field("config"),
                required=False,
            ),
            _PLACE,
            *_WAITING,
            _option("--descr", kinds.TEXT, "descr", "why it is added, in words"),
            _option("--log-level", kinds.LEVEL, "logLevel", "log level of the script, by name or number"),
            _option(
                "--pause-checkpoint", kinds.CHECKPOINTS, "pauseCheckpoint", "pause it at checkpoints named so"
            ),
            _option(
                "--stop-checkpoint", kinds.CHECKPOINTS, "stopCheckpoint", "stop it at checkpoints named so"
            ),
            _option("--block", kinds.TEXT, "block", "the block it belongs to: BLOCK-123 or BLOCK-T123"),
            _option("--block-size", kinds.COUNT, "blockSize", "how many scripts the block has"),
            _option("--start-block", None, "startBlock", "open a new execution of the block"),
            _option("--execution-id", kinds.TEXT, "executionId", "the client's own name for the execution"),
            _option("--slot", kinds.SLOT, "slot", f"{_TO_SLOT} (default: as its rule says, else main)"),
            _option(
                "--resources",
                kinds.RESOURCES,
                "resources",
                "what it needs, such as MTMount,ESS:101, or none (default: as its rule or the script says)",
            ),
        ),
        adds=True,
        timeout_s=30.0,
    ),
    Form(
        "move",
        "Move a waiting script.",
        "move",
        (
            _QUEUED,
            Parameter("location", kinds.LOCATION, _PLACE_HELP, _place_fields),
            _option("--slot", kinds.SLOT, "slot", f"{_TO_SLOT} (default: the one it is in)"),
        ),
    ),
    Form(
        "requeue",
        "Add a script once more, as it was added; the result is the new index.",
        "requeue",
        (
            _ANY,
            _PLACE,
            *_WAITING,
            _option("--slot", kinds.SLOT, "slot", f"{_TO_SLOT} (default: the original's)"),
        ),
        adds=True,
        timeout_s=30.0,
    ),
    Form(
        "stop",
        "Stop scripts, waiting or running.",
        "stopScripts",
        (
            Parameter("index", kinds.LIVE_INDEX, "indices of the scripts", _stop_fields, many=True),
            _option("--terminate", None, "terminate", "end them at once, without their cleanup"),
        ),
    ),
    Form(
        "pause",
        "Start no further script; what runs goes on.",
        "pause",
        (Parameter("slot", kinds.SLOT, "which slot (default: all)", _field("slot"), required=False),),
    ),
    Form(
        "resume",
        "Go on after a pause or a failure; the result says what stays paused.",
        "resume",
        (
            Parameter(
                "slot",
                kinds.SLOT_OR_ALL,
                "which slot; '*', in a shell within quotes, for all"
                " (default: main, and what was paused with all slots)",
                _field("slot"),
                required=False,
            ),
        ),
    ),
    Form("show queue", "Show what runs, waits and has ended.", "showQueue", answer=Answer("queue")),
    Form(
        "show script",
        "Show one script.",
        "showScript",
        (_ANY,),
        answer=Answer("script", ("scriptSalIndex",)),
    ),
    Form(
        "show schema",
        "Show which configuration a script takes.",
        "showSchema",
        (_KIND, _PATH),
        answer=Answer("configSchema", ("isStandard", "path")),
        timeout_s=30.0,
    ),
    Form(
        "show available",
        "Show which scripts there are.",
        "showAvailableScripts",
        answer=Answer("availableScripts"),
        timeout_s=30.0,
    ),
    Form(
        "script stop",
        "Tell a script itself to stop, past the queue.",
        "stop",
        (_SCRIPT,),
        component="Script",
    ),
    Form(
        "script resume",
        "Let a script go on that is paused at a checkpoint.",
        "resume",
        (_SCRIPT,),
        component="Script",
    ),
    Form(
        "script setCheckpoints",
        "Tell a script where to pause and where to stop; what is not given is cleared.",
        "setCheckpoints",
        (
            _SCRIPT,
            _option("--pause", kinds.CHECKPOINTS, "pause", "pause at checkpoints named so"),
            _option("--stop", kinds.CHECKPOINTS, "stop", "stop at checkpoints named so"),
        ),
        component="Script",
    ),
    Form(
        "script setLogLevel",
        "Set the log level of a script.",
        "setLogLevel",
        (_SCRIPT, *_LOG_LEVEL),
        component="Script",
    ),
    Form(
        "start",
        "STANDBY to DISABLED.",
        "start",
        (
            Parameter(
                "configuration",
                kinds.TEXT,
                "configuration to use instead of the default one",
                _field("configurationOverride"),
                required=False,
            ),
        ),
        timeout_s=30.0,
    ),
    Form("enable", "DISABLED to ENABLED.", "enable", timeout_s=30.0),
    Form("disable", "ENABLED to DISABLED.", "disable"),
    Form("standby", "DISABLED or FAULT to STANDBY.", "standby"),
    Form(
        "exitControl",
        "STANDBY to OFFLINE: the queue ends all scripts, then itself.",
        "exitControl",
        timeout_s=30.0,
    ),
    Form("setLogLevel", "Set the log level of the queue.", "setLogLevel", _LOG_LEVEL),
    Form(
        "explain",
        "Say which slot a script goes to, what it needs, and which rule says so; nothing is sent.",
        Local.EXPLAIN,
        (
            Parameter("kind", kinds.SCRIPT_KIND, "which directory the script is in", required=False),
            Parameter("path", kinds.SCRIPT_PATH, "path of the script, relative to that", required=False),
            Parameter("config", kinds.CONFIG, "its configuration, or @FILE", required=False),
            _option("--all", None, None, "all scripts there are, those that run alone first"),
            _option(
                "--config-dir",
                kinds.DIRECTORY,
                None,
                "configuration directory (default: that of a queue started here)",
            ),
            _option("--override", kinds.TEXT, None, "name of an override, as for start"),
        ),
    ),
    Form(
        "history",
        "Say what became of scripts, for months back, from the journal on this machine; nothing is sent.",
        Local.HISTORY,
        (
            _option("--since", kinds.TIME, None, "those with which anything happened since then"),
            _option("--until", kinds.TIME, None, "those that were added before then"),
            _option("--script", kinds.TEXT, None, "those of this index, or whose path is like it: 'slew*'"),
            _option("--state", kinds.STATE, None, "those in this state; failed: all that went wrong"),
            _option("--slot", kinds.SLOT, None, "those of this slot"),
            _option("--by", kinds.TEXT, None, "those added by whom this is part of the identity"),
            _option("--limit", kinds.COUNT, None, "at most so many, the latest; 0 for all", default="50"),
            _option("--log", None, None, "with what each printed last"),
            _option("--story", None, None, "with all that happened to each, and its configuration"),
            _option(
                "--state-dir",
                kinds.DIRECTORY,
                None,
                "state directory of the queue (default: that of a queue started here)",
            ),
        ),
    ),
    Form(
        "monitor",
        "Print the events of the queue and its scripts, until interrupted.",
        Local.MONITOR,
        (_option("--heartbeats", None, None, "also the heartbeats, which tell only who lives"),),
    ),
    Form(
        "events",
        "Choose which events are shown while you type.",
        Local.EVENTS,
        (Parameter("which", kinds.LOUDNESS, "what to show"),),
    ),
    Form(
        "help",
        "Show the commands, or one of them.",
        Local.HELP,
        (
            Parameter(
                "about",
                Kind("COMMAND", str, source=Source.COMMANDS),
                "the command",
                required=False,
                many=True,
            ),
        ),
        also=("?",),
    ),
    Form("quit", "Leave; so does Ctrl-D.", Local.QUIT, also=("exit",)),
)
