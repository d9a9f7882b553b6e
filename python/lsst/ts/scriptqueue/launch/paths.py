# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding scripts in the standard and the external script directory.

The rules, by which `ScriptRoot.find` takes just what `ScriptRoot.available`
lists (`ScriptLibrary.find` also looks whether the kernel could execute it):

* A script is named by its path relative to the root, in plain form: nothing
  absolute, no ``..``, no ``.``, no doubled or trailing slash.
* Its name begins neither with ``.`` nor with ``_``; no folder on the way
  begins with ``.``. No name holds a ``:``, which separates the scripts in the
  ``availableScripts`` event, or a character that cannot be printed.
* It is an executable regular file.
* Links are followed, to files and to folders, wherever they point: whoever
  may write to the root decides what is a script. A folder is not entered
  again below itself, so links that go round in a circle end there. Links that
  lead to very much, such as one to ``/``, are listed in part, the folders that
  are near the root first.

Everything reads the file system at the time of the call, so new scripts are
seen at once. The functions block; `ScriptLibrary.afind` and
`ScriptLibrary.aavailable` call them in a thread.
"""

from __future__ import annotations

import asyncio
import collections
import difflib
import errno
import importlib
import importlib.util
import itertools
import logging
import os
import pathlib
import stat

from .executables import why_not_startable

__all__ = ["ScriptLibrary", "ScriptPathError", "ScriptRoot", "default_directories"]

logger = logging.getLogger(__name__)

#: Which file or folder: its device and inode numbers.
_Identity = tuple[int, int]

_MAX_NEAREST = 3

#: How many entries and folders a listing looks at. A link to a whole file system has no end.
_MAX_LOOKS = 20_000

#: No file system takes a longer path.
_MAX_LENGTH = 4095


class ScriptPathError(ValueError):
    """A path does not name a script; the text says why, and what would."""


class ScriptRoot:
    """One directory of scripts.

    Parameters
    ----------
    directory
        The directory; made absolute.
    kind
        What to call its scripts in messages: ``standard`` or ``external``.
    """

    def __init__(self, directory: str | os.PathLike[str], kind: str) -> None:
        self.directory = os.path.abspath(directory)
        self.kind = kind

    def check(self) -> None:
        """Raise `ScriptPathError` unless the directory can be listed."""
        self._identity()
        try:
            os.scandir(self.directory).close()
        except OSError as error:
            raise ScriptPathError(
                f"the {self.kind} script directory {self.directory} cannot be read: {error.strerror}"
            ) from None

    def find(self, path: str) -> str:
        """Return the absolute path of a script; links in it stay as they are.

        Raises
        ------
        ScriptPathError
            If ``path`` does not name a script.
        """
        self._check_form(path)
        self._check_circles(path)
        absolute = os.path.join(self.directory, path)
        try:
            mode = os.stat(absolute).st_mode
        except OSError as error:
            raise ScriptPathError(self._why_missing(path, error)) from None
        if stat.S_ISDIR(mode):
            inside = [name for name in self.available() if name.startswith(f"{path}/")]
            raise ScriptPathError(
                f"{path!r} is a folder of {self.kind} scripts; "
                + (f"name one in it, such as {_listed(inside[:_MAX_NEAREST])}" if inside else "it is empty")
            )
        if not stat.S_ISREG(mode):
            raise ScriptPathError(f"{self.kind} script {path!r} is not a regular file")
        if not os.access(absolute, os.X_OK):
            raise ScriptPathError(
                f"{self.kind} script {path!r} is not executable; make it so with: chmod +x {absolute}"
            )
        return absolute

    def available(self) -> list[str]:
        """Return the relative paths of all scripts, sorted.

        Raises
        ------
        ScriptPathError
            If the root itself cannot be read. A folder below it that cannot
            be read is skipped, and so is what lies beyond `_MAX_LOOKS`.
        """
        self.check()
        found: list[str] = []
        looks = 0
        folders: collections.deque[tuple[str, frozenset[_Identity]]] = collections.deque()
        folders.append(("", frozenset({self._identity()})))
        while folders:
            prefix, above = folders.popleft()
            looks += 1
            if looks > _MAX_LOOKS:
                logger.warning(
                    "%s scripts are listed in part: there is too much in %s; "
                    "remove links to folders that hold no scripts",
                    self.kind,
                    self.directory,
                )
                break
            try:
                with os.scandir(os.path.join(self.directory, prefix)) as scan:
                    entries = list(itertools.islice(scan, _MAX_LOOKS))
            except OSError as error:
                logger.warning("%s scripts in %r are not listed: %s", self.kind, prefix, error.strerror)
                continue
            for entry in entries:
                looks += 1
                path = prefix + entry.name
                identity = _identity_of_folder(entry)
                if identity is None:
                    if _fault_of_name(entry.name) is None and _is_executable_file(entry):
                        found.append(path)
                elif _fault_of_folder(entry.name) is None and identity not in above:
                    folders.append((f"{path}/", above | {identity}))
        return sorted(found)

    def nearest(self, path: str) -> list[str]:
        """Return the available scripts most like a path, the best first."""
        available = self.available()
        name = os.path.basename(path)
        namesakes = [script for script in available if os.path.basename(script) == name]
        alike = difflib.get_close_matches(path, available, _MAX_NEAREST)
        return list(dict.fromkeys(namesakes + alike))[:_MAX_NEAREST]

    def _identity(self) -> _Identity:
        try:
            status = os.stat(self.directory)
        except OSError as error:
            raise ScriptPathError(
                f"the {self.kind} script directory {self.directory} cannot be read: {error.strerror}"
            ) from None
        if not stat.S_ISDIR(status.st_mode):
            raise ScriptPathError(f"the {self.kind} script directory {self.directory} is not a directory")
        return (status.st_dev, status.st_ino)

    def _check_form(self, path: str) -> None:
        """Refuse what is wrong without looking at the file system."""
        where = f"the {self.kind} script directory {self.directory}"
        if not path:
            raise ScriptPathError(f"the path is empty; give the path of a script relative to {where}")
        if len(path) > _MAX_LENGTH:
            raise ScriptPathError(f"the path has {len(path)} characters; no file has more than {_MAX_LENGTH}")
        if path.startswith("/"):
            relative = os.path.relpath(os.path.normpath(path), self.directory)
            hint = "" if relative.startswith("..") else f", such as {relative!r}"
            raise ScriptPathError(f"{path!r} is absolute; give a path relative to {where}{hint}")
        *folders, name = parts = path.split("/")
        if ".." in parts:
            raise ScriptPathError(f"{path!r} contains '..'; give a path that stays in {where}")
        if "" in parts or "." in parts:
            plain = os.path.normpath(path)
            hint = f"write {plain!r}" if plain != "." else f"name a script in {self.directory}"
            raise ScriptPathError(f"{path!r} is not in plain form; {hint}")
        faults = [*map(_fault_of_folder, folders), _fault_of_name(name)]
        fault = next((fault for fault in faults if fault is not None), None)
        if fault is not None:
            raise ScriptPathError(f"{path!r} cannot be a script: {fault}")

    def _check_circles(self, path: str) -> None:
        above = {self._identity()}
        folder = self.directory
        for part in path.split("/")[:-1]:
            folder = os.path.join(folder, part)
            try:
                status = os.stat(folder)
            except OSError as error:
                raise ScriptPathError(self._why_missing(path, error)) from None
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                raise ScriptPathError(
                    f"{path!r} goes round in a circle: {part!r} leads back to a folder above it"
                )
            above.add(identity)

    def _why_missing(self, path: str, error: OSError) -> str:
        absolute = os.path.join(self.directory, path)
        if error.errno == errno.ENOENT and os.path.islink(absolute):
            return (
                f"{self.kind} script {path!r} is a link to {os.readlink(absolute)}, "
                "which does not exist; mend the link"
            )
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            return f"{self.kind} script {path!r} cannot be used: {error.strerror}"
        nearest = self.nearest(path)
        return f"there is no {self.kind} script {path!r}" + (
            f"; did you mean {_listed(nearest)}?" if nearest else ", and none with a name like it"
        )


class ScriptLibrary:
    """The standard and the external scripts.

    Parameters
    ----------
    standard
        Directory of the standard scripts.
    external
        Directory of the external scripts.
    """

    def __init__(self, standard: str | os.PathLike[str], external: str | os.PathLike[str]) -> None:
        self.standard = ScriptRoot(standard, "standard")
        self.external = ScriptRoot(external, "external")

    def root(self, is_standard: bool) -> ScriptRoot:
        """Return the one root or the other."""
        return self.standard if is_standard else self.external

    def check(self) -> None:
        """Raise `ScriptPathError` unless both directories can be listed."""
        self.standard.check()
        self.external.check()

    def find(self, is_standard: bool, path: str) -> str:
        """Return the absolute path of a script's executable.

        Raises
        ------
        ScriptPathError
            If ``path`` does not name a script, or one that the kernel cannot execute, as far as one can see.
        """
        root = self.root(is_standard)
        try:
            executable = root.find(path)
        except ScriptPathError as error:
            other = self.root(not is_standard)
            try:
                other.find(path)
            except ScriptPathError:
                raise error from None
            raise ScriptPathError(f"{error}; the {other.kind} scripts have one of that name") from None
        if why := why_not_startable(executable):
            raise ScriptPathError(f"{root.kind} script {path!r}: {why}")
        return executable

    def place(self, is_standard: bool, path: str) -> str:
        """Return where the executable of a script that has been found is to be, without looking there."""
        return os.path.join(self.root(is_standard).directory, path)

    def available(self, is_standard: bool) -> list[str]:
        """Return the relative paths of all scripts of a kind, sorted.

        Raises
        ------
        ScriptPathError
            If the directory cannot be read.
        """
        return self.root(is_standard).available()

    async def afind(self, is_standard: bool, path: str) -> str:
        """Call `find` in a thread."""
        return await asyncio.to_thread(self.find, is_standard, path)

    async def aavailable(self, is_standard: bool) -> list[str]:
        """Call `available` in a thread."""
        return await asyncio.to_thread(self.available, is_standard)


def default_directories() -> tuple[str, str]:
    """Return the standard and the external directory of this installation.

    Those of ``lsst.ts.standardscripts`` and ``lsst.ts.externalscripts`` where
    they are installed, else those of the examples packaged here.
    """
    return _default_directory("standard"), _default_directory("external")


def _default_directory(kind: str) -> str:
    name = f"lsst.ts.{kind}scripts"
    if importlib.util.find_spec(name) is not None:
        try:
            return str(importlib.import_module(name).get_scripts_dir())
        except ImportError as error:
            logger.warning("%s is installed but not usable, so the examples are taken: %s", name, error)
    return str(pathlib.Path(__file__).parents[1] / "scripts" / kind)


def _identity_of_folder(entry: os.DirEntry[str]) -> _Identity | None:
    try:
        if not entry.is_dir():
            return None
        status = entry.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def _is_executable_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file() and os.access(entry.path, os.X_OK)
    except OSError:
        return False


def _fault_of_folder(name: str) -> str | None:
    if name.startswith("."):
        return f"the folder {name!r} begins with '.'"
    return _fault_of_characters(name)


def _fault_of_name(name: str) -> str | None:
    if name.startswith((".", "_")):
        return f"the name {name!r} begins with {name[0]!r}"
    return _fault_of_characters(name)


def _fault_of_characters(name: str) -> str | None:
    if ":" in name:
        return f"{name!r} contains ':', which separates the names in a list of scripts"
    if not name.isprintable():
        return f"{name!r} contains a character that cannot be printed"
    return None


def _listed(names: list[str]) -> str:
    return " or ".join(repr(name) for name in names)
