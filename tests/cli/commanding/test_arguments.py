# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each command as it is typed, and the SAL command it becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsst.ts.scriptqueue.cli.commanding.arguments import (
    HelpWanted,
    UsageError,
    help_on,
    overview,
    parse_order,
)
from lsst.ts.scriptqueue.cli.commanding.forms import FORMS, Form, Local
from lsst.ts.scriptqueue.cli.commanding.kinds import Goal, Kind, Loudness
from lsst.ts.scriptqueue.cli.commanding.words import LineError, split_line
from lsst.ts.scriptqueue.sal.definitions import component

LAST = {"location": 2, "locationSalIndex": 0}
SLEW = {"isStandard": False, "path": "slew.py", **LAST}

ORDERS = [
    ("add external slew.py", "add", SLEW),
    ("add external slew.py 'az: 10'", "add", {**SLEW, "config": "az: 10"}),
    ("add external slew.py 'az: -10'", "add", {**SLEW, "config": "az: -10"}),
    ("add standard slew.py", "add", {**SLEW, "isStandard": True}),
    ("add EXTERNAL slew.py --location First", "add", {**SLEW, "location": 1}),
    ("add external --location first slew.py 'az: 1'", "add", {**SLEW, "location": 1, "config": "az: 1"}),
    ("add --location first external slew.py", "add", {**SLEW, "location": 1}),
    (
        "add external slew.py --location before:100007",
        "add",
        {**SLEW, "location": 3, "locationSalIndex": 100007},
    ),
    (
        "add external slew.py --location=after:100007",
        "add",
        {**SLEW, "location": 4, "locationSalIndex": 100007},
    ),
    ("add external slew.py --log-level debug", "add", {**SLEW, "logLevel": 10}),
    ("add external slew.py --log-level 15", "add", {**SLEW, "logLevel": 15}),
    ("add external slew.py --descr 'a test'", "add", {**SLEW, "descr": "a test"}),
    (
        "add external slew.py --pause-checkpoint 'exp.*' --stop-checkpoint end",
        "add",
        {**SLEW, "pauseCheckpoint": "exp.*", "stopCheckpoint": "end"},
    ),
    (
        "add external slew.py --block BLOCK-12 --block-size 3 --start-block --execution-id me-1",
        "add",
        {**SLEW, "block": "BLOCK-12", "blockSize": 3, "startBlock": True, "executionId": "me-1"},
    ),
    ("move 100003 first", "move", {"scriptSalIndex": 100003, "location": 1, "locationSalIndex": 0}),
    (
        "move 100003 before:100001",
        "move",
        {"scriptSalIndex": 100003, "location": 3, "locationSalIndex": 100001},
    ),
    ("requeue 100003", "requeue", {"scriptSalIndex": 100003, **LAST}),
    (
        "requeue 100003 --location first",
        "requeue",
        {"scriptSalIndex": 100003, "location": 1, "locationSalIndex": 0},
    ),
    ("stop 100003", "stopScripts", {"length": 1, "salIndices": [100003] + [0] * 399}),
    (
        "stop 100003 100004 100003 --terminate",
        "stopScripts",
        {"length": 2, "salIndices": [100003, 100004] + [0] * 398, "terminate": True},
    ),
    ("stopScripts 100003", "stopScripts", {"length": 1, "salIndices": [100003] + [0] * 399}),
    ("pause", "pause", {}),
    ("pause calibration", "pause", {"slot": "calibration"}),
    ("resume", "resume", {}),
    ("resume calibration", "resume", {"slot": "calibration"}),
    ("resume '*'", "resume", {"slot": "*"}),
    ("add external slew.py --slot utility", "add", {**SLEW, "slot": "utility"}),
    ("add external slew.py --resources MTMount,ESS:3", "add", {**SLEW, "resources": "MTMount,ESS:3"}),
    ("add external slew.py --resources none", "add", {**SLEW, "resources": "none"}),
    (
        "move 100003 first --slot calibration",
        "move",
        {"scriptSalIndex": 100003, "location": 1, "locationSalIndex": 0, "slot": "calibration"},
    ),
    ("requeue 100003 --slot main", "requeue", {"scriptSalIndex": 100003, **LAST, "slot": "main"}),
    ("show queue", "showQueue", {}),
    ("showQueue", "showQueue", {}),
    ("show script 100003", "showScript", {"scriptSalIndex": 100003}),
    ("show schema external slew.py", "showSchema", {"isStandard": False, "path": "slew.py"}),
    ("show available", "showAvailableScripts", {}),
    ("script stop 100003", "stop", {}),
    ("script resume 100003", "resume", {}),
    ("script setCheckpoints 100003 --pause 'a|b'", "setCheckpoints", {"pause": "a|b"}),
    ("script setcheckpoints 100003 --stop .*", "setCheckpoints", {"stop": ".*"}),
    ("script setLogLevel 100003 warning", "setLogLevel", {"level": 30}),
    ("start", "start", {"configurationOverride": ""}),
    ("start night.yaml", "start", {"configurationOverride": "night.yaml"}),
    ("enable", "enable", {}),
    ("disable", "disable", {}),
    ("standby", "standby", {}),
    ("exitControl", "exitControl", {}),
    ("EXITCONTROL", "exitControl", {}),
    ("setLogLevel info", "setLogLevel", {"level": 20}),
    ("setLogLevel 25 cyclonedds", "setLogLevel", {"level": 25, "subsystem": "cyclonedds"}),
]

REFUSED = [
    ("", "no command ''"),
    ("ad external slew.py", "no command 'ad'; did you mean add?"),
    ("stpo 100001", "did you mean stop"),
    ("showqueu", "did you mean show queue"),
    ("xyzzy", "there are add, move"),
    ("show", "'show' is no command; there are show queue, show script, show schema, show available"),
    ("show qu", "did you mean show queue?"),
    ("script xyzzy", "there are script stop, script resume"),
    ("add", "the following arguments are required: kind, path"),
    ("add externl slew.py", "it is one of standard, external; did you mean external?"),
    ("add external slew.py --location frist", "did you mean first?"),
    ("add external slew.py --location first:100001", "first stands alone"),
    ("add external slew.py --location before", "before:INDEX, such as before:100001"),
    ("add external slew.py --location before:last", "no index of a script"),
    ("add external slew.py --wait dnoe", "did you mean done?"),
    ("add external slew.py --wait-timeout 0", "a number above 0"),
    ("add external slew.py --log-level loud", "log level"),
    ("add external slew.py --pause-checkpoint '['", "no regular expression"),
    ("add external slew.py --block-size three", "no whole number"),
    ("add external slew.py 'az: 1' 'el: 2'", "unrecognized arguments: el: 2"),
    ("add external slew.py @/nowhere/config.yaml", "cannot read the configuration"),
    ("add external slew.py --loc first", "--loc"),
    ("move 100003", "required: location"),
    ("move 0 first", "no index of a script"),
    ("move -1 first", "-1"),
    ("stop", "required: index"),
    ("stop slew.py", "no index of a script"),
    ("stop " + " ".join(str(100_000 + n) for n in range(401)), "401 scripts are too many; stop at most 400"),
    ("pause main now", "unrecognized arguments: now"),
    ("enable --timeout soon", "a number above 0"),
    ("quit", "no command 'quit'"),
]


@pytest.mark.parametrize(("line", "command", "fields"), ORDERS, ids=[row[0] for row in ORDERS])
def test_a_line_becomes_a_command(line: str, command: str, fields: dict[str, object]) -> None:
    order = parse_order(split_line(line), interactive=False)
    assert order.form.command == command
    # What is not said is left to the defaults of SAL.
    assert {"configurationOverride": "", **order.fields} == {"configurationOverride": "", **fields}


@pytest.mark.parametrize("interactive", [False, True], ids=["shell", "prompt"])
def test_the_prompt_takes_what_the_shell_takes(interactive: bool) -> None:
    for line, command, _ in ORDERS:
        assert parse_order(split_line(line), interactive=interactive).form.command == command


@pytest.mark.parametrize(("line", "part"), REFUSED, ids=[row[0][:60] for row in REFUSED])
def test_a_wrong_line_is_told_what_would_be_right(line: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_order(split_line(line), interactive=False)
    assert part in str(caught.value)


def test_a_refused_parameter_shows_the_usage() -> None:
    with pytest.raises(UsageError) as caught:
        parse_order(["move", "100003"], interactive=True)
    assert "usage: move" in str(caught.value)
    assert "first|last|before:INDEX|after:INDEX" in help_on(["move"], interactive=True)


def test_options_of_the_client() -> None:
    order = parse_order(
        split_line("add external slew.py --wait running --wait-timeout 2.5 --timeout 7 --json"),
        interactive=False,
    )
    assert (order.goal, order.wait_timeout_s, order.timeout_s, order.as_json) == (
        Goal.RUNNING,
        2.5,
        7.0,
        True,
    )
    plain = parse_order(["add", "external", "slew.py"], interactive=False)
    assert (plain.goal, plain.wait_timeout_s, plain.as_json) == (None, None, False)
    assert plain.timeout_s == plain.form.timeout_s


def test_options_before_the_command_count_unless_it_says_otherwise() -> None:
    given = {"json": True, "timeout": 3.0}
    assert parse_order(["pause"], interactive=False, given=given).timeout_s == 3.0
    assert parse_order(["pause", "--timeout", "4"], interactive=False, given=given).timeout_s == 4.0


def test_a_configuration_can_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("az: 10\nel: 20\n")
    order = parse_order(["add", "external", "slew.py", f"@{file}"], interactive=False)
    assert order.fields["config"] == "az: 10\nel: 20\n"


def test_script_commands_name_their_script() -> None:
    order = parse_order(["script", "stop", "100003"], interactive=False)
    assert order.form.component == "Script"
    assert order.values["script"] == 100003


def test_what_is_only_for_the_prompt_and_what_only_for_the_shell() -> None:
    assert parse_order(["events", "all"], interactive=True).values["which"] is Loudness.ALL
    assert parse_order(["exit"], interactive=True).form.command is Local.QUIT
    assert parse_order(["monitor"], interactive=False).form.command is Local.MONITOR
    with pytest.raises(UsageError):
        parse_order(["monitor"], interactive=True)
    with pytest.raises(UsageError):
        parse_order(["events", "all"], interactive=False)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_each_command_has_its_help(form: Form) -> None:
    is_interactive = form.command is not Local.MONITOR
    with pytest.raises(HelpWanted) as caught:
        parse_order([*form.name.split(), "--help"], interactive=is_interactive)
    assert form.help in " ".join(str(caught.value).split())
    for parameter in form.parameters:
        assert parameter.name in str(caught.value)
    assert form.name in overview(interactive=is_interactive)


def test_help_on_a_group_is_that_of_all_in_it() -> None:
    text = help_on(["show"], interactive=True)
    assert all(f"usage: show {what}" in text for what in ("queue", "script", "schema", "available"))


def test_every_command_of_the_queue_is_in_the_table() -> None:
    told = {
        form.command for form in FORMS if form.component == "ScriptQueue" and isinstance(form.command, str)
    }
    assert told == set(component("ScriptQueue").commands)


@pytest.mark.parametrize(
    "form", [form for form in FORMS if isinstance(form.command, str)], ids=lambda form: form.name
)
def test_every_field_of_a_command_can_be_said(form: Form) -> None:
    fields: set[str] = set()
    for parameter in form.parameters:
        if parameter.fields is not None:
            value = True if parameter.kind is None else _sample(parameter.kind)
            fields |= set(parameter.fields([value] if parameter.many else value))
    topic = component(form.component).commands[str(form.command)]
    own = {f.name for f in topic.fields if f.name != "salIndex" and not f.name.startswith("private_")}
    assert fields == own


def _sample(kind: Kind) -> object:
    for word in ("100001", *kind.choices, "first", "text"):
        try:
            return kind.read(word)
        except ValueError:
            continue
    raise AssertionError(f"no sample fits {kind.metavar}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("add external 'az: 10'", ["add", "external", "az: 10"]),
        ('  a "b c" d\\ e ', ["a", "b c", "d e"]),
        ("", []),
        ("# not a comment here", ["#", "not", "a", "comment", "here"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert split_line(line) == words


@pytest.mark.parametrize(
    ("line", "part"), [("add 'az: 10", "a quote is not closed"), ("add \\", "a backslash")]
)
def test_lines_that_cannot_be_split(line: str, part: str) -> None:
    with pytest.raises(LineError, match=part):
        split_line(line)
