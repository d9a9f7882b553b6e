# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where configurations are, which files are read in which order, and what events say of them."""

from __future__ import annotations

import pathlib
import subprocess

import pytest
import yaml

from lsst.ts.scriptqueue.configuration import (
    SCHEMA_VERSION,
    Configuration,
    ConfigurationError,
    ConfigurationFolder,
    configuration_applied,
    configurations_available,
    default_folder,
    read_configuration,
)
from lsst.ts.scriptqueue.core.layout import Layout, LegacyQueue, SlotSettings
from lsst.ts.scriptqueue.core.resources import EVERYTHING, Claim, Resource
from lsst.ts.scriptqueue.resources import schema_path

from .conftest import Write


def slots(configuration: Configuration) -> list[str]:
    return [slot.name for slot in configuration.layout.slots]


def test_the_packaged_default_is_one_serial_slot() -> None:
    configuration = read_configuration(default_folder(environ={}))
    assert configuration.layout == Layout()
    assert configuration.rules == ()


def test_an_empty_file_is_a_good_file(write: Write) -> None:
    assert read_configuration(write("# nothing\n")).layout == Layout()


def test_all_that_can_be_said(write: Write) -> None:
    configuration = read_configuration(
        write(
            """
            metadata: {author: somebody}
            slots:
              - {name: main, next_visit: false}
              - name: utility
                capacity: 4
                order: eager
                on_failure: continue
                assumed_resources: ["*", "!A"]
                patience_s: 600
                next_visit: true
            groups: {A: [B, "ESS:1"], B: [MTDome]}
            capacities: {archive: 3}
            legacy_queue: main_only
            on_block_failure: stop
            """
        )
    )
    layout = configuration.layout
    assert layout.slots == (
        SlotSettings(),
        SlotSettings(
            "utility",
            capacity=4,
            is_eager=True,
            keeps_failed=False,
            assumed=Claim(everything=True, spared=(Resource("ESS", 1), Resource("MTDome"))),
            patience_s=600,
            announces_visits=True,
        ),
    )
    assert layout.catalogue.groups == {
        "A": (Resource("ESS", 1), Resource("MTDome")),
        "B": (Resource("MTDome"),),
    }
    assert layout.catalogue.capacities == {"archive": 3}
    assert layout.legacy_queue is LegacyQueue.MAIN_ONLY
    assert layout.stops_failed_blocks


def test_main_is_there_although_it_is_not_named(write: Write) -> None:
    layout = read_configuration(write("slots: [{name: a}]")).layout
    assert layout.slots == (SlotSettings(announces_visits=True), SlotSettings("a", assumed=EVERYTHING))


def test_the_schema_has_the_version_and_describes_every_key() -> None:
    schema = yaml.safe_load(schema_path("configuration.yaml").read_text())
    assert schema["title"].endswith(f" {SCHEMA_VERSION}")
    entries = list(schema["properties"].items())
    for name in ("slots", "rules"):
        entries += schema["properties"][name]["items"]["properties"].items()
    assert [name for name, entry in entries if not entry.get("description")] == []


def test_later_files_go_before_earlier_ones(write: Write) -> None:
    folder = write(
        "slots: [{name: a}]\ngroups: {A: [ESS]}\nlegacy_queue: combined",
        site="base",
        _base="slots: [{name: b}]\ngroups: {B: [A]}",
        night="slots: [{name: c}]\ngroups: {A: [MTDome]}",
        night_base="slots: [{name: d}]",
        _summit="not: right",
        night_summit="not: right",
    )
    assert slots(read_configuration(folder)) == ["main", "b"]
    for name in ("night", "night.yaml"):
        configuration = read_configuration(folder, name)
        assert [path.name for path in configuration.files] == [
            "_init.yaml",
            "_base.yaml",
            "night.yaml",
            "night_base.yaml",
        ]
        assert slots(configuration) == ["main", "d"]
        # A group that an override leaves out stays, so that its name goes on meaning what it did.
        assert configuration.layout.catalogue.groups == dict.fromkeys("AB", (Resource("MTDome"),))
        assert configuration.layout.legacy_queue is LegacyQueue.COMBINED


def test_without_a_site_none_is_read(write: Write) -> None:
    folder = write("slots: [{name: a}]", _="not: right", night="slots: []", night_="not: right")
    assert slots(read_configuration(folder)) == ["main", "a"]
    assert slots(read_configuration(folder, "night")) == ["main"]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("nights", "the override 'nights' is not there; there are night.yaml, noon.yaml"),
        (
            "_init",
            "the override '_init' begins with '_', so it is no override; there are night.yaml, noon.yaml",
        ),
        ("night,noon", "the override 'night,noon' is several; name one; there are night.yaml, noon.yaml"),
        ("../night", "the override '../night' is not there; there are night.yaml, noon.yaml"),
        ("night.yaml:v1", "the override 'night.yaml:v1' is not there; there are night.yaml, noon.yaml"),
    ],
)
def test_an_override_that_is_none(write: Write, override: str, expected: str) -> None:
    folder = write(night="", noon="", _site="")
    with pytest.raises(ConfigurationError) as raised:
        read_configuration(folder, override)
    assert str(raised.value) == f"{folder.path}: {expected}"


def test_a_directory_without_a_beginning(write: Write) -> None:
    folder = write()
    (folder.path / "_init.yaml").unlink()
    with pytest.raises(
        ConfigurationError, match=r"there is no _init\.yaml, with which a configuration begins"
    ):
        read_configuration(folder)


def test_which_directory_is_the_default(tmp_path: pathlib.Path) -> None:
    environ = {"TS_CONFIG_OCS_DIR": str(tmp_path), "LSST_SITE": "summit"}
    # The deployed package has none, and the queue must go on.
    assert default_folder(environ=environ) == ConfigurationFolder(schema_path("config"), "summit")
    (tmp_path / "ScriptQueue").mkdir()
    with pytest.raises(ConfigurationError, match=r"ScriptQueue/v1: there is no such directory"):
        default_folder(environ=environ)
    (tmp_path / "ScriptQueue/v1").mkdir()
    assert default_folder(environ=environ).path == tmp_path / "ScriptQueue/v1"
    assert default_folder(tmp_path, environ).path == tmp_path
    with pytest.raises(ConfigurationError, match=r"LSST_SITE is '\.\./x', which is no name of a site"):
        default_folder(environ={"LSST_SITE": "../x"})


def test_what_the_events_say(write: Write) -> None:
    folder = write(night="", noon="", _base="", site="base")
    (folder.path / "folder.yaml").mkdir()
    (folder.path / "readme.md").touch()
    source = {"version": "", "url": folder.path.as_uri(), "schemaVersion": "v1"}
    assert configurations_available(folder) == {"overrides": "night.yaml,noon.yaml", **source}
    assert configuration_applied(folder, read_configuration(folder, "noon")) == {
        "configurations": "_init.yaml,_base.yaml,noon.yaml",
        "otherInfo": "slots",
        **source,
    }


@pytest.mark.system
def test_the_version_is_that_of_git(write: Write) -> None:
    folder = write()
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@y", "-C", str(folder.path)]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "First"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    assert folder.version() == f"heads/main-0-g{head[:7]}"
    (folder.path / "_init.yaml").write_text("slots: []")
    assert folder.version().endswith("-dirty")


def test_without_git_there_is_no_version(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert write().version() == ""
