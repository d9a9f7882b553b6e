# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: defaults that agree with the schema, and errors that name the place."""

from __future__ import annotations

import dataclasses
import pathlib

import pytest
import yaml

from lsst.ts.scriptqueue.core.limits import Limits, Reaction, Supervision
from lsst.ts.scriptqueue.csc.settings import (
    ImageNameSettings,
    Settings,
    SettingsError,
    read_settings,
)
from lsst.ts.scriptqueue.journal import Limits as JournalLimits
from lsst.ts.scriptqueue.launch.output import OutputLimits
from lsst.ts.scriptqueue.resources import schema_path


def write(path: pathlib.Path, text: str) -> pathlib.Path:
    file = path / "settings.yaml"
    file.write_text(text)
    return file


def test_an_empty_file_is_a_good_file(tmp_path: pathlib.Path) -> None:
    assert read_settings(write(tmp_path, "# nothing\n")) == Settings()


def test_what_is_said_counts(tmp_path: pathlib.Path) -> None:
    settings = read_settings(
        write(tmp_path, "limits: {load_s: 7, history: 20}\nkill_after_s: 2\noutput: {keep_days: 1}\n")
    )
    assert settings.limits == Limits(load_s=7, history=20, kill_s=3)
    assert settings.kill_after_s == 2
    assert settings.output == OutputLimits(keep_days=1)
    settings = read_settings(write(tmp_path, "supervision: {silence_s: 60, on_silence: terminate}\n"))
    assert settings.limits.supervision == Supervision(silence_s=60, on_silence=Reaction.TERMINATE)


def test_the_schema_states_the_defaults_of_the_code() -> None:
    properties = yaml.safe_load(schema_path("settings.yaml").read_text())["properties"]
    for name, cls in (
        ("limits", Limits),
        ("supervision", Supervision),
        ("output", OutputLimits),
        ("image_name_service", ImageNameSettings),
        ("journal", JournalLimits),
    ):
        stated = {key: entry["default"] for key, entry in properties[name]["properties"].items()}
        coded = {
            key: value.value if isinstance(value, Reaction) else value
            for key, value in dataclasses.asdict(cls()).items()
        }
        # These follow from others, or are no business of an operator.
        for derived in ("kill_s", "relaunches", "supervision", "check_s", "sweep_launches", "sweep_s"):
            coded.pop(derived, None)
        assert stated == coded
        assert all(entry["description"] for entry in properties[name]["properties"].values())
    for name in ("kill_after_s", "resume_after_restart"):
        assert properties[name]["default"] == getattr(Settings(), name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("limits:\n  load_s: 1\n  stop_s: soon\n", r"line 3, limits\.stop_s: 'soon' is not of type 'number'"),
        ("limits:\n  lode_s: 1\n", r"line 1, limits: .*'lode_s' was unexpected"),
        ("kill_after_s: 0\n", r"line 1, kill_after_s: 0 is less than or equal"),
        ("- 1\n", "top level"),
        ("limits: [\n", "is not YAML"),
        ("limits: {history: 401}\n", r"limits\.history: 401 is greater than the maximum of 400"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_key(
    tmp_path: pathlib.Path, text: str, expected: str
) -> None:
    with pytest.raises(SettingsError, match=expected) as raised:
        read_settings(write(tmp_path, text))
    assert "settings.yaml" in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.yaml cannot be read"):
        read_settings(tmp_path / "absent.yaml")


def test_a_file_that_is_not_text_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(b"\x7fELF\xff")
    with pytest.raises(SettingsError, match=r"settings\.yaml is not YAML"):
        read_settings(path)
