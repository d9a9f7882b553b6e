# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command history: which scripts are asked for, and what is printed of them."""

from __future__ import annotations

import asyncio
import json
import logging
import pathlib
from typing import Any

import pytest

from lsst.ts.scriptqueue.cli.command_script_queue import main
from lsst.ts.scriptqueue.cli.commanding.arguments import UsageError
from lsst.ts.scriptqueue.cli.commanding.client import connect
from lsst.ts.scriptqueue.cli.commanding.outcomes import Exit
from lsst.ts.scriptqueue.cli.commanding.past import history
from lsst.ts.scriptqueue.cli.commanding.reports import Report
from lsst.ts.scriptqueue.cli.commanding.session import Session
from lsst.ts.scriptqueue.journal import Happening, Journal, ScriptRow
from lsst.ts.scriptqueue.testing.clock import DEFAULT_START_TAI as NEW_YEAR
from lsst.ts.scriptqueue.testing.clock import FakeClock

from .stage import Stage, an_order

HOUR_S = 3600.0


def a_script(index: int, hours_ago: float, path: str, states: str, **more: Any) -> ScriptRow:
    added = NEW_YEAR - hours_ago * HOUR_S
    script_state, process_state = states.split("/")
    values = {"added_by": "ops@panel", "slot": "main", "changed_tai": added + 60.0, **more}
    return ScriptRow(
        key=f"k{index}",
        sal_index=index,
        added_tai=added,
        is_standard=True,
        path=path,
        script_state=script_state,
        process_state=process_state,
        **values,
    )


SCRIPTS = (
    a_script(100_001, 200, "maintel/slew.py", "DONE/DONE", run_start_tai=10.0, process_end_tai=75.25),
    a_script(
        100_002,
        12,
        "maintel/take_flats.py",
        "FAILED/DONE",
        config="n: 3\nfilter: r",
        resources="MTDome,MTMount",
        exit_code=1,
        exit_reason="the lamp is dark\nat checkpoint 2",
        output_tail="lamp on\n\x1b[31mno light",
        run_start_tai=100.0,
        process_end_tai=104.5,
        block_id="BLOCK-7",
        block_position=1,
        block_size=3,
        group_id="2025-12-31T12:00:37.000",
    ),
    a_script(100_003, 11, "sleep.py", "UNKNOWN/LOADFAILED", slot="utility", added_by="Scheduler:1"),
    a_script(100_004, 10, "slew_and_track.py", "CONFIGURED/TERMINATED", added_by=""),
    a_script(100_005, 9, "maintel/slew.py", "UNCONFIGURED/CONFIGURE_FAILED"),
    a_script(100_006, 30, "long.py", "RUNNING/RUNNING", slot="utility", changed_tai=NEW_YEAR - 60.0),
)

STORY = (
    Happening("k100002", NEW_YEAR - 12 * HOUR_S, "added by ops@panel"),
    Happening("k100002", NEW_YEAR - 12 * HOUR_S + 2.5, "waits: MTDome is held by 100001"),
)

TABLE = """\
added (UTC)          index   script                          slot     state                            ran       by
2025-12-23 16:00:00  100001  standard maintel/slew.py        main     DONE                             1:05 min  ops@panel
2025-12-30 18:00:00  100006  standard long.py                utility  RUNNING                          -         ops@panel
2025-12-31 12:00:00  100002  standard maintel/take_flats.py  main     FAILED                           4.5 s     ops@panel    the lamp is dark
2025-12-31 13:00:00  100003  standard sleep.py               utility  LOADFAILED                       -         Scheduler:1
2025-12-31 14:00:00  100004  standard slew_and_track.py      main     CONFIGURED (TERMINATED)          -         -
2025-12-31 15:00:00  100005  standard maintel/slew.py        main     UNCONFIGURED (CONFIGURE_FAILED)  -         ops@panel"""  # noqa: E501

ONE = """\
added (UTC)          index   script                          slot  state   ran    by
2025-12-31 12:00:00  100002  standard maintel/take_flats.py  main  FAILED  4.5 s  ops@panel  the lamp is dark
    config     n: 3 / filter: r
    resources  MTDome,MTMount
    block      BLOCK-7 2/3
    group id   2025-12-31T12:00:37.000
    12-31 12:00:00.000  added by ops@panel
    12-31 12:00:02.500  waits: MTDome is held by 100001
    | lamp on
    |  [31mno light"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    async def write() -> None:
        journal, _ = await Journal.open(state_dir, lambda: NEW_YEAR, logging.getLogger("journal"))
        try:
            await journal.write(scripts=SCRIPTS, happenings=STORY)
        finally:
            await journal.aclose()

    state_dir = tmp_path_factory.mktemp("state")
    asyncio.run(write())
    return state_dir


def told(folder: pathlib.Path, words: str, clock: FakeClock) -> tuple[Exit, Report]:
    return history(an_order(f"history {words} --state-dir {folder}"), 1, clock)


async def indices(folder: pathlib.Path, words: str) -> list[int]:
    status, text = told(folder, f"{words} --json", FakeClock())
    assert status is Exit.COMPLETE
    return [json.loads(line)["salIndex"] - 100_000 for line in text.out]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param("", [1, 6, 2, 3, 4, 5], id="all, the latest last"),
        pytest.param("--since 12h", [6, 2, 3, 4, 5], id="what changed in twelve hours"),
        pytest.param("--since 1.5m", [6], id="what changed just now"),
        pytest.param("--since 2025-12-31T13:00", [6, 3, 4, 5], id="since a time"),
        pytest.param("--since 2025-12-31T10:00:00-03:00", [6, 3, 4, 5], id="in another zone"),
        pytest.param("--until 2025-12-31T12:30Z", [1, 6, 2], id="added before a time"),
        pytest.param("--since 2w --until 1d", [1, 6], id="between two ages"),
        pytest.param("--script 100003", [3], id="an index"),
        pytest.param("--script slew.py", [1, 5], id="the end of a path"),
        pytest.param("--script maintel/*", [1, 2, 5], id="a folder"),
        pytest.param("--script slew*", [1, 4, 5], id="how a name begins"),
        pytest.param("--script lew.py", [], id="not a part of a name"),
        pytest.param("--state failed", [2, 3, 5], id="all that went wrong"),
        pytest.param("--state LoadFailed", [3], id="not loaded"),
        pytest.param("--state configure_failed", [5], id="not configured"),
        pytest.param("--state terminated", [4], id="ended"),
        pytest.param("--state done", [1], id="done is the script's, not its process's"),
        pytest.param("--slot utility", [6, 3], id="a slot"),
        pytest.param("--by scheduler", [3], id="part of an identity"),
        pytest.param("--limit 2", [4, 5], id="the latest"),
        pytest.param("--limit 0", [1, 6, 2, 3, 4, 5], id="no limit"),
        pytest.param("--state failed --slot main --since 10h", [5], id="all must hold"),
    ],
)
async def test_which_are_found(folder: pathlib.Path, words: str, found: list[int]) -> None:
    assert await indices(folder, words) == found


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--since yesterday", "'yesterday' is no time: UTC such as 2026-01-31T21:30, or an age such as"),
        ("--since 12", "'12' is no time"),
        ("--state faild", "'faild' is no state: .* did you mean failed"),
        ("--limit few", "'few' is no whole number"),
        ("--state-dir /nowhere/at/all", "/nowhere/at/all is not a directory"),
    ],
)
def test_words_that_mean_nothing(words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        an_order(f"history {words}")


async def test_the_table(folder: pathlib.Path) -> None:
    status, text = told(folder, "", FakeClock())
    assert (status, "\n".join(text.out), text.err) == (Exit.COMPLETE, TABLE, ())


async def test_one_with_its_story_and_log(folder: pathlib.Path) -> None:
    _, text = told(folder, "--script 100002 --story --log", FakeClock())
    assert "\n".join(text.out) == ONE


async def test_a_limit_says_that_there_are_more(folder: pathlib.Path) -> None:
    for words in ("--limit 1", "--limit 1 --json"):
        _, text = told(folder, words, FakeClock())
        assert text.err == ("there are more before these; --limit 0 shows all",)


async def test_none_is_found(folder: pathlib.Path) -> None:
    _, text = told(folder, "--slot main --by nobody", FakeClock())
    asked = f"nothing like that is in {folder / 'journal.sqlite'}"
    assert (text.out, text.err) == (("no scripts",), (asked,))
    _, text = told(folder, "--slot main --by nobody --json", FakeClock())
    assert (text.out, text.err) == ((), (asked,))


async def test_a_slot_that_no_script_was_ever_in(folder: pathlib.Path) -> None:
    for words in ("--slot nowhere", "--slot nowhere --json"):
        _, text = told(folder, words, FakeClock())
        assert text.err == ("no script was ever in slot nowhere, but in main, utility",)


async def test_one_for_a_program(folder: pathlib.Path) -> None:
    _, text = told(folder, "--script 100002 --json", FakeClock())
    assert json.loads(*text.out) == {
        "key": "k100002",
        "salIndex": 100_002,
        "isStandard": True,
        "path": "maintel/take_flats.py",
        "config": "n: 3\nfilter: r",
        "slot": "main",
        "resources": "MTDome,MTMount",
        "added": "2025-12-31T12:00:00.000Z",
        "addedBy": "ops@panel",
        "cmdId": 0,
        "blockId": "BLOCK-7",
        "scriptBlockIndex": 1,
        "blockSize": 3,
        "executionId": "",
        "groupId": "2025-12-31T12:00:37.000",
        "scriptState": "FAILED",
        "processState": "DONE",
        "processStart": None,
        "configureStart": None,
        "configureEnd": None,
        "runStart": "1970-01-01T00:01:03.000Z",
        "processEnd": "1970-01-01T00:01:07.500Z",
        "exitCode": 1,
        "signal": None,
        "exitReason": "the lamp is dark\nat checkpoint 2",
        "outputTail": "lamp on\n\x1b[31mno light",
        "story": [
            {"at": "2025-12-31T12:00:00.000Z", "text": "added by ops@panel"},
            {"at": "2025-12-31T12:00:02.500Z", "text": "waits: MTDome is held by 100001"},
        ],
    }


@pytest.mark.parametrize("is_there", [False, True])
def test_whoever_names_no_state_directory_is_told_which_file_was_asked(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_there: bool,
) -> None:
    async def make() -> None:
        journal, _ = await Journal.open(path.parent, lambda: NEW_YEAR, logging.getLogger("journal"))
        await journal.aclose()

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = tmp_path / "ts_scriptqueue" / "ScriptQueue-1" / "journal.sqlite"
    if is_there:
        asyncio.run(make())
    assert main(["1", "history"]) == (Exit.COMPLETE if is_there else Exit.REFUSED)
    said = capsys.readouterr().err
    assert said.startswith(
        f"nothing like that is in {path}; " if is_there else f"history: there is no journal {path}: "
    )
    assert said.endswith("; --state-dir DIR asks that of another state directory\n")


def test_no_journal(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["1", "history", "--state-dir", str(tmp_path)]) == Exit.REFUSED
    assert (
        f"history: there is no journal {tmp_path / 'journal.sqlite'}: a queue makes one"
        in capsys.readouterr().err
    )
    assert main(["1", "history", "--json", "--state-dir", str(tmp_path)]) == Exit.REFUSED
    assert json.loads(capsys.readouterr().out)["exit"] == 1


def test_the_program_needs_no_queue(
    folder: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The state directory is that of a queue started here.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "ts_scriptqueue").mkdir()
    (tmp_path / "ts_scriptqueue" / "ScriptQueue-7").symlink_to(folder)
    assert main(["7", "history", "--script", "long.py"]) == Exit.COMPLETE
    assert "standard long.py" in capsys.readouterr().out


async def test_at_the_prompt(stage: Stage, folder: pathlib.Path) -> None:
    said: list[str] = []
    client = stage.client()
    async with stage.queue(), connect(client):
        session = Session(client, said.append, said.append)
        assert await session.run_line(f"history --limit 1 --state-dir {folder}") is Exit.COMPLETE
    assert "100005" in said[1]
