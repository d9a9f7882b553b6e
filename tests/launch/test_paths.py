# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names a script, and what does not."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.launch.paths import (
    ScriptLibrary,
    ScriptPathError,
    ScriptRoot,
    default_directories,
)

from .stage import write_script

AVAILABLE = [
    "_folder/in_underscored.py",
    "auxtel/slew.py",
    "auxtel/take_image.py",
    "linked/mount.py",
    "linked_file.py",
    "maintel/deep/down/park.sh",
    "no suffix at all",
    "set_summary_state.py",
    "sleep.py",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Scripts as the owner of a directory may arrange them, and much that is none."""
    folder = tmp_path / "scripts"
    for path in AVAILABLE:
        if not path.startswith("linked"):
            write_script(folder / path, "exit 0")
    write_script(tmp_path / "common" / "mount.py", "exit 0")
    (folder / "linked").symlink_to("../common")
    (folder / "linked_file.py").symlink_to("../common/mount.py")
    (folder / "broken.py").symlink_to("../common/gone.py")
    (folder / "to_itself").symlink_to("to_itself")
    (folder / "here").symlink_to(".")
    (folder / "maintel" / "deep" / "up").symlink_to("../..")
    write_script(folder / ".hidden.py", "exit 0")
    write_script(folder / "_private.py", "exit 0")
    write_script(folder / ".git" / "hook.py", "exit 0")
    write_script(folder / "with:colon.py", "exit 0")
    write_script(folder / "with\nnewline.py", "exit 0")
    write_script(folder / "plain.txt", "exit 0", mode=0o644)
    (folder / "empty").mkdir()
    os.mkfifo(folder / "fifo.py", 0o777)
    os.chmod(folder / "fifo.py", 0o777)
    return folder


@pytest.fixture
def root(folder: Path) -> ScriptRoot:
    return ScriptRoot(folder, "standard")


def test_what_is_available(root: ScriptRoot) -> None:
    assert root.available() == AVAILABLE


@pytest.mark.parametrize("path", AVAILABLE)
def test_what_is_available_is_found(root: ScriptRoot, folder: Path, path: str) -> None:
    assert root.find(path) == str(folder / path)


def test_new_scripts_are_seen_at_once(root: ScriptRoot, folder: Path) -> None:
    write_script(folder / "new.py", "exit 0")
    assert "new.py" in root.available()
    assert root.find("new.py")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "the path is empty; give the path of a script relative to the standard script directory"),
        ("../common/mount.py", r"contains '\.\.'; give a path that stays in"),
        ("auxtel/../sleep.py", r"contains '\.\.'"),
        ("..", r"contains '\.\.'"),
        ("/bin/sh", "is absolute; give a path relative to the standard script directory [^,]*$"),
        ("/", "is absolute"),
        ("./sleep.py", "is not in plain form; write 'sleep.py'"),
        ("auxtel//slew.py", "is not in plain form; write 'auxtel/slew.py'"),
        ("auxtel/", "is not in plain form; write 'auxtel'"),
        (".", "is not in plain form; name a script in /"),
        ("sleep.py\0", "contains a character that cannot be printed"),
        ("with\nnewline.py", "contains a character that cannot be printed"),
        ("with:colon.py", "contains ':', which separates the names"),
        (".hidden.py", r"the name '\.hidden\.py' begins with '\.'"),
        ("_private.py", r"the name '_private\.py' begins with '_'"),
        (".git/hook.py", r"the folder '\.git' begins with '\.'"),
        ("broken.py", r"is a link to \.\./common/gone\.py, which does not exist; mend the link"),
        ("to_itself", "cannot be used: Too many levels of symbolic links"),
        ("here/sleep.py", "goes round in a circle: 'here' leads back to a folder above it"),
        ("maintel/deep/up/deep/down/park.sh", "goes round in a circle: 'up'"),
        ("plain.txt", r"is not executable; make it so with: chmod \+x /.*/scripts/plain\.txt"),
        ("fifo.py", "is not a regular file"),
        ("empty", "is a folder of standard scripts; it is empty"),
        ("auxtel", "is a folder .* such as 'auxtel/slew.py' or 'auxtel/take_image.py'"),
        ("slep.py", r"there is no standard script 'slep\.py'; did you mean 'sleep\.py'\?"),
        ("slew.py", r"no standard script 'slew\.py'; did you mean 'auxtel/slew\.py' or"),
        ("sleep.py/slew.py", "there is no standard script"),
        ("nothing/like/it/at/all", "there is no standard script .*, and none with a name like it"),
        ("a" * 300, "cannot be used: File name too long"),
        ("a/" * 5000, "the path has 10000 characters"),
    ],
)
def test_what_is_refused(root: ScriptRoot, path: str, reason: str) -> None:
    with pytest.raises(ScriptPathError, match=reason):
        root.find(path)


def test_an_absolute_path_below_the_root_is_put_right(root: ScriptRoot, folder: Path) -> None:
    with pytest.raises(ScriptPathError, match=r", such as 'auxtel/slew\.py'"):
        root.find(f"{folder}/auxtel/slew.py")


def test_at_most_three_are_suggested(root: ScriptRoot, folder: Path) -> None:
    for number in range(9):
        write_script(folder / f"take_flats_{number}.py", "exit 0")
    assert len(root.nearest("take_flats.py")) == 3


def test_nobody_else_may_execute_it(folder: Path) -> None:
    """Executable means by this process, also for the superuser, who needs one x at least."""
    (folder / "sleep.py").chmod(0o600)
    root = ScriptRoot(folder, "standard")
    assert "sleep.py" not in root.available()
    with pytest.raises(ScriptPathError, match="not executable"):
        root.find("sleep.py")


def test_folders_that_link_to_each_other(tmp_path: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        write_script(tmp_path / name / f"{name}.py", "exit 0")
        (tmp_path / name / other).symlink_to(f"../{other}")
    assert ScriptRoot(tmp_path / "one", "standard").available() == ["one.py", "two/two.py"]


def test_links_that_multiply_are_listed_in_part(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Forty folders with two links each to the next one have more paths than anybody can list."""
    for level in range(40):
        folder = tmp_path / f"level_{level}"
        write_script(folder / "near.py", "exit 0")
        for name in ("left", "right"):
            (folder / name).symlink_to(f"../level_{level + 1}")
    root = ScriptRoot(tmp_path / "level_0", "standard")
    assert {"near.py", "left/near.py", "right/left/near.py"} <= set(root.available())
    assert "listed in part" in caplog.text
    with pytest.raises(ScriptPathError, match=r"did you mean 'near\.py'"):
        root.find("naer.py")


def test_a_folder_that_fails_while_it_is_read_is_skipped(tmp_path: Path) -> None:
    """Some folders can be opened but not read, such as those of the kernel and of sick file servers."""
    write_script(tmp_path / "near.py", "exit 0")
    (tmp_path / "kernel").symlink_to("/proc/1/map_files")
    assert ScriptRoot(tmp_path, "standard").available() == ["near.py"]


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, reason in (("gone", "cannot be read: No such file"), ("file", "is not a directory")):
        root = ScriptRoot(tmp_path / name, "external")
        for ask in (root.check, root.available, lambda root=root: root.find("a.py")):
            with pytest.raises(ScriptPathError, match=f"the external script directory .* {reason}"):
                ask()


def test_two_thousand_are_listed_quickly(tmp_path: Path) -> None:
    for folder in range(20):
        (tmp_path / f"folder_{folder}").mkdir()
        for number in range(100):
            (tmp_path / f"folder_{folder}" / f"script_{number}.py").touch(0o755)
    root = ScriptRoot(tmp_path, "standard")

    def listing_s() -> float:
        began = time.thread_time()
        assert len(root.available()) == 2000
        return time.thread_time() - began

    # A busy machine makes it longer, never shorter.
    assert min(listing_s() for _ in range(3)) < 0.05


class TestLibrary:
    @pytest.fixture
    def library(self, tmp_path: Path, folder: Path) -> ScriptLibrary:
        write_script(tmp_path / "external" / "calibrate.py", "exit 0")
        return ScriptLibrary(folder, tmp_path / "external")

    async def test_kinds_are_apart(self, library: ScriptLibrary, tmp_path: Path) -> None:
        assert await library.aavailable(True) == AVAILABLE
        assert await library.aavailable(False) == ["calibrate.py"]
        assert await library.afind(False, "calibrate.py") == str(tmp_path / "external/calibrate.py")

    async def test_the_wrong_kind_is_pointed_out(self, library: ScriptLibrary) -> None:
        with pytest.raises(ScriptPathError, match=r"calibrate\.py.*; the external scripts have one"):
            await library.afind(True, "calibrate.py")
        with pytest.raises(ScriptPathError, match=r"sleep\.py.*; the standard scripts have one"):
            await library.afind(False, "sleep.py")

    def test_both_are_checked(self, library: ScriptLibrary, tmp_path: Path) -> None:
        library.check()
        with pytest.raises(ScriptPathError, match="external"):
            ScriptLibrary(tmp_path, tmp_path / "gone").check()


class TestDefaults:
    def test_examples_where_nothing_is_installed(self) -> None:
        standard, external = default_directories()
        assert standard.endswith("lsst/ts/scriptqueue/scripts/standard")
        assert external.endswith("lsst/ts/scriptqueue/scripts/external")

    def test_what_is_installed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.install(
            monkeypatch,
            tmp_path,
            "standard",
            "import pathlib\ndef get_scripts_dir(): return pathlib.Path('/std')",
        )
        self.install(monkeypatch, tmp_path, "external", "import a_package_that_is_missing")
        standard, external = default_directories()
        assert standard == "/std"
        assert external.endswith("lsst/ts/scriptqueue/scripts/external")

    def install(self, monkeypatch: pytest.MonkeyPatch, folder: Path, kind: str, text: str) -> None:
        package = folder / f"{kind}scripts"
        package.mkdir()
        (package / "__init__.py").write_text(text)
        namespace = sys.modules["lsst.ts"]
        monkeypatch.setattr(namespace, "__path__", [*namespace.__path__, str(folder)])
        monkeypatch.delitem(sys.modules, f"lsst.ts.{kind}scripts", raising=False)
