# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of run_script_queue; the running service is a matter of the system tests."""

from __future__ import annotations

import pathlib

import pytest

from lsst.ts.scriptqueue.cli.run_script_queue import main


@pytest.mark.parametrize("index", ["0", "-5", "21474", "one", "1.0"])
def test_what_is_no_index_is_refused(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--bus", "memory", "--", index])
    assert raised.value.code == 2
    assert "a whole number from 1 to 21473" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "one SAL index is needed, not 0"),
        (["1", "2"], "one SAL index is needed, not 2"),
        (["--check-config", "night", "noon"], "one override can be checked at a time, not night, noon"),
        (["1", "--config-dir", "absent"], "absent is not a directory"),
        (["1", "--keep-scripts"], "--keep-scripts goes with --stop"),
        (["1", "--stop", "--check"], "--stop and --check do not go together"),
    ],
)
def test_a_wrong_command_line(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(words)
    assert raised.value.code == 2
    assert expected in capsys.readouterr().err


def test_a_configuration_that_is_right(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("LSST_SITE", "base")
    (tmp_path / "_init.yaml").write_text("groups: {A: [ESS]}\ncapacities: {archive: 3}\n")
    (tmp_path / "_base.yaml").write_text("rules: [{script: '*:**'}]\non_block_failure: stop\n")
    (tmp_path / "night.yaml").write_text(
        "slots: [{name: utility, capacity: 4, order: eager, on_failure: continue, patience_s: 60,"
        " assumed_resources: ['*', '!A']}]\n"
    )
    assert main(["--check-config", "--config-dir", str(tmp_path), "night"]) == 0
    assert (
        capsys.readouterr().out
        == f"""{tmp_path}
files: _init.yaml, _base.yaml, night.yaml

slot     capacity  order    on_failure  patience_s  next_visit  assumed_resources
main     1         ordered  pause       -           yes         *
utility  4         eager    continue    60          no          *,!ESS

groups: A
capacities: archive 3
rules: 1
legacy_queue: yielding
on_block_failure: stop
"""
    )


def test_a_configuration_that_is_wrong(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "_init.yaml").write_text("slots:\n  - {name: a, capacity: 0}\n  - {name: a b}\n")
    # The index of the service may be left in its place.
    assert main(["1", "--check-config", "--config-dir", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [line.split(": ")[0] for line in printed.err.splitlines()] == [
        f"{tmp_path}/_init.yaml, line 2, slots.0.capacity",
        f"{tmp_path}/_init.yaml, line 3, slots.1.name",
    ]


def test_an_override_that_is_not_there(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "_init.yaml").touch()
    assert main(["--check-config", "night", "--config-dir", str(tmp_path)]) == 1
    assert "the override 'night' is not there; there are none" in capsys.readouterr().err
