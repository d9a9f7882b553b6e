# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where configurations are: a directory as configurable components have it.

It holds ``_init.yaml``, perhaps ``_SITE.yaml`` for the site that LSST_SITE
names, and overrides, which the command ``start`` can name. They are read in
this order, and what a later one says goes before what an earlier one says.
All that is here blocks.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from ..core.refusals import listing
from ..resources import schema_path
from .faults import ConfigurationError, Fault

__all__ = ["SCHEMA_VERSION", "ConfigurationFolder", "default_folder"]

#: Version of the schema; the name of the folder at the observatory, and the end of the schema's title.
SCHEMA_VERSION = "v1"

_INIT = "_init.yaml"
_SUFFIX = ".yaml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

#: Asking git takes some milliseconds; a file system that hangs must not hold up the service.
_GIT_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class ConfigurationFolder:
    """A directory of configuration files.

    Attributes
    ----------
    path
        The directory, absolute.
    site
        The site; "" for none.
    """

    path: pathlib.Path
    site: str = ""

    @property
    def url(self) -> str:
        """The directory as a URL."""
        return self.path.as_uri()

    def overrides(self) -> tuple[str, ...]:
        """The names that ``start`` can be given.

        Raises
        ------
        ConfigurationError
            If the directory cannot be listed.
        """
        try:
            names = sorted(entry.name for entry in self.path.iterdir() if entry.is_file())
        except OSError as error:
            raise ConfigurationError([Fault(f"cannot be listed: {error.strerror}", self.path)]) from None
        return tuple(name for name in names if name.endswith(_SUFFIX) and _NAME.fullmatch(name))

    def version(self) -> str:
        """Tell which version this is, in words of git; "" if that cannot be told."""
        command = ["git", "describe", "--all", "--long", "--always", "--dirty"]
        try:
            done = subprocess.run(
                command,
                cwd=self.path,
                env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_GIT_LIMIT_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        return done.stdout.decode(errors="replace").strip()

    def files(self, override: str = "") -> tuple[pathlib.Path, ...]:
        """Tell which files to read, in this order.

        Parameters
        ----------
        override
            Name of an override, with or without ``.yaml``; "" for none.

        Raises
        ------
        ConfigurationError
            If there is no ``_init.yaml``, or no such override.
        """
        if not (self.path / _INIT).is_file():
            raise ConfigurationError(
                [Fault(f"there is no {_INIT}, with which a configuration begins", self.path)]
            )
        names = [_INIT, f"_{self.site}{_SUFFIX}" if self.site else ""]
        if override:
            stem = self._stem(override)
            names += [f"{stem}{_SUFFIX}", f"{stem}_{self.site}{_SUFFIX}" if self.site else ""]
        paths = [self.path / name for name in names if name]
        return tuple(path for path in paths if path.is_file())

    def _stem(self, override: str) -> str:
        stem = override.strip().removesuffix(_SUFFIX)
        available = self.overrides()
        if f"{stem}{_SUFFIX}" not in available:
            reason = "begins with '_', so it is no override" if stem.startswith("_") else "is not there"
            if "," in stem:
                reason = "is several; name one"
            raise ConfigurationError(
                [Fault(f"the override {override!r} {reason}; there are {listing(available)}", self.path)]
            )
        return stem


def default_folder(
    directory: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ
) -> ConfigurationFolder:
    """Find the configuration directory.

    Parameters
    ----------
    directory
        The one that was asked for; None for that below TS_CONFIG_OCS_DIR, if
        it has one for the ScriptQueue, else the packaged one.
    environ
        Environment; TS_CONFIG_OCS_DIR and LSST_SITE count.

    Raises
    ------
    ConfigurationError
        If there is no such directory.
    """
    site = environ.get("LSST_SITE", "")
    if site and not _NAME.fullmatch(site):
        raise ConfigurationError(
            [Fault(f"LSST_SITE is {site!r}, which is no name of a site", pathlib.Path())]
        )
    path = pathlib.Path(directory) if directory is not None else _directory(environ)
    if not path.is_dir():
        raise ConfigurationError([Fault("there is no such directory", path)])
    return ConfigurationFolder(path.absolute(), site)


def _directory(environ: Mapping[str, str]) -> pathlib.Path:
    if package := environ.get("TS_CONFIG_OCS_DIR"):
        configurations = pathlib.Path(package, "ScriptQueue")
        # What is deployed may have none: the ScriptQueue was not configurable.
        if configurations.is_dir():
            return configurations / SCHEMA_VERSION
    return schema_path("config")
