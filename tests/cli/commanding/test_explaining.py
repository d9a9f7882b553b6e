# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command explain: what is printed of one script, and of all that the queue has told of."""

from __future__ import annotations

import json
import pathlib

import pytest

from lsst.ts.scriptqueue.cli.command_script_queue import main
from lsst.ts.scriptqueue.cli.commanding.client import NoQueueError, connect
from lsst.ts.scriptqueue.cli.commanding.explaining import INTEREST, explanation, wait_for_scripts
from lsst.ts.scriptqueue.cli.commanding.feed import Board
from lsst.ts.scriptqueue.cli.commanding.outcomes import Exit
from lsst.ts.scriptqueue.cli.commanding.session import Session

from .stage import Stage, an_order

RULES = """
slots: [{name: utility}]
rules:
  - {script: "external:my slew.py", resources: [MTMount]}
  - {script: "standard:maintel/*", slot: utility, resources_from: data}
"""

ONE = """\
script     standard maintel/track.py
slot       utility; main if a script in main needs any of it when this one is added
resources  ESS:1
rule       rule 2 (standard:maintel/*), _init.yaml, line 5"""

ALL = """\
1 of 3 scripts run alone, as far as the configuration tells; they come first

script                     slot     rule                                              resources
standard slew.py           main     -                                                 as it declares itself
standard maintel/track.py  utility  rule 2 (standard:maintel/*), _init.yaml, line 5   as it is configured
external my slew.py        main     rule 1 (external:my slew.py), _init.yaml, line 4  MTMount"""


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "_init.yaml").write_text(RULES)
    (tmp_path / "night.yaml").write_text("rules: []")
    return tmp_path


def test_one_script(folder: pathlib.Path) -> None:
    order = an_order(f"explain standard maintel/track.py 'data: [\"ESS:1\"]' --config-dir {folder}")
    status, text = explanation(order, Board())
    assert (status, "\n".join(text.out)) == (Exit.COMPLETE, ONE)


def test_an_override(folder: pathlib.Path) -> None:
    order = an_order(f"explain external 'my slew.py' --config-dir {folder} --override night")
    _, text = explanation(order, Board())
    assert text.out[-1] == "rule       none speaks for it"


def test_one_script_for_a_program(folder: pathlib.Path) -> None:
    _, text = explanation(
        an_order(f"explain standard maintel/a.py 'data: 5' --json --config-dir {folder}"), Board()
    )
    assert json.loads(*text.out) == {
        "isStandard": True,
        "path": "maintel/a.py",
        "slot": "main",
        "slotInWords": "main; utility only if what it needs is known",
        "resources": "*",
        "resourcesInWords": "not known from its configuration, so everything; it runs alone",
        "rule": "rule 2 (standard:maintel/*), _init.yaml, line 5",
        "exclusive": True,
        "warning": "rule 2 (standard:maintel/*): data in config yields 5: no names of resources; "
        "so the script runs alone",
    }


async def test_all_scripts_that_the_queue_told_of(stage: Stage, folder: pathlib.Path) -> None:
    order = an_order(f"explain --all --config-dir {folder}")
    client = stage.client(INTEREST)
    async with stage.queue() as queue, connect(client):
        await wait_for_scripts(client)
        assert queue.seen == []
    _, text = explanation(order, client.feed.board)
    assert "\n".join(text.out) == ALL
    _, text = explanation(an_order(f"explain --all --json --config-dir {folder}"), client.feed.board)
    assert [script["path"] for script in json.loads(*text.out)["scripts"]] == [
        "slew.py",
        "maintel/track.py",
        "my slew.py",
    ]


async def test_without_a_queue_it_is_not_known_which_scripts_there_are(stage: Stage) -> None:
    client = stage.client(INTEREST)
    async with connect(client):
        with pytest.raises(NoQueueError, match="no ScriptQueue:1 is heard from"):
            await wait_for_scripts(client)


async def test_at_the_prompt(stage: Stage, folder: pathlib.Path) -> None:
    said: list[str] = []
    client = stage.client()
    async with stage.queue(), connect(client):
        session = Session(client, said.append, said.append)
        line = f"explain standard maintel/track.py 'data: [\"ESS:1\"]' --config-dir {folder}"
        assert await session.run_line(line) is Exit.COMPLETE
    assert "\n".join(said) == ONE


@pytest.mark.parametrize("words", ["", "standard", "standard a.py --all"])
def test_neither_one_script_nor_all(words: str, folder: pathlib.Path) -> None:
    status, text = explanation(an_order(f"explain {words} --config-dir {folder}"), Board())
    assert status is Exit.USAGE
    assert text.err == ("explain: name a script, such as standard sleep.py, or --all",)


def test_a_configuration_that_is_wrong(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "_init.yaml").write_text("slot: []")
    words = ["1", "explain", "standard", "a.py", "--config-dir", str(folder)]
    assert main(words) == Exit.REFUSED
    assert f"{folder}/_init.yaml, line 1, slot: is no key here" in capsys.readouterr().err
    assert main([*words, "--json"]) == Exit.REFUSED
    assert json.loads(capsys.readouterr().out)["exit"] == 1
