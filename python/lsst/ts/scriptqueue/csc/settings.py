# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a ScriptQueue: read from a YAML file, checked by its schema."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..configuration.documents import key_text, line_of
from ..core.limits import Limits, Reaction, Supervision
from ..journal import Limits as JournalLimits
from ..launch.output import OutputLimits
from ..resources import schema_path

__all__ = ["ImageNameSettings", "Settings", "SettingsError", "read_settings"]

#: Ending a process group may take this much longer than its stop plan.
_KILL_MARGIN_S = 1.0


class SettingsError(ValueError):
    """A settings file cannot be used; the text names file, line and key."""


@dataclass(frozen=True, slots=True)
class ImageNameSettings:
    """How long the image name service is asked, in seconds."""

    limit_s: float = 8.0
    try_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; see ``schema/settings.yaml`` for what each means."""

    limits: Limits = field(default_factory=Limits)
    kill_after_s: float = 5.0
    output: OutputLimits = field(default_factory=OutputLimits)
    image_name_service: ImageNameSettings = ImageNameSettings()
    journal: JournalLimits = field(default_factory=JournalLimits)
    absence_limit_s: float | None = None
    resume_after_restart: bool = False


def read_settings(path: pathlib.Path) -> Settings:
    """Read a settings file.

    Raises
    ------
    SettingsError
        If it cannot be read, is not YAML, or breaks the schema. All that is
        wrong is named.
    """
    # A service that has no settings file should not pay for the import.
    import jsonschema

    try:
        text = path.read_text()
        data = yaml.safe_load(text) or {}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} is not YAML: {error}") from None
    schema = yaml.safe_load(schema_path("settings.yaml").read_text())
    problems = sorted(
        jsonschema.Draft7Validator(schema).iter_errors(data), key=lambda problem: list(problem.absolute_path)
    )
    if problems:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        raise SettingsError(
            "\n".join(
                f"{path}, line {line_of(root, problem.absolute_path)}, "
                f"{key_text(problem.absolute_path)}: {problem.message}"
                for problem in problems
            )
        )
    return _settings(data)


def _settings(data: dict[str, Any]) -> Settings:
    kill_after_s = data.get("kill_after_s", Settings().kill_after_s)
    return Settings(
        limits=Limits(
            **data.get("limits", {}),
            kill_s=kill_after_s + _KILL_MARGIN_S,
            supervision=_supervision(data.get("supervision", {})),
        ),
        kill_after_s=kill_after_s,
        output=OutputLimits(**data.get("output", {})),
        image_name_service=ImageNameSettings(**data.get("image_name_service", {})),
        journal=JournalLimits(**data.get("journal", {})),
        absence_limit_s=data.get("absence_limit_s"),
        resume_after_restart=data.get("resume_after_restart", False),
    )


def _supervision(data: dict[str, Any]) -> Supervision:
    reactions: dict[str, Any] = {
        key: Reaction(data[key]) for key in ("on_silence", "on_overtime") if key in data
    }
    return Supervision(**(data | reactions))
