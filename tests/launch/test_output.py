# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts print: where it goes, how much is kept, how it is shown."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.launch.kept import KeptLauncher
from lsst.ts.scriptqueue.launch.output import OutputFolder, OutputLimits, tail
from lsst.ts.scriptqueue.launch.script_output import ScriptOutput

from .fifo import Fifo
from .stage import Kind, Stage

DAY_S = 86_400


class TestTail:
    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            pytest.param(b"", "", id="nothing"),
            pytest.param(b"\n\n \n", "", id="white space"),
            pytest.param(b"one\ntwo\n", "one\ntwo", id="lines"),
            pytest.param(b"one\n\ntwo", "one\n\ntwo", id="an empty line between"),
            pytest.param(b"one\r\ntwo\r\n", "one\ntwo", id="Windows lines"),
            pytest.param(b"10 %\r50 %\r100 %\ndone\n", "100 %\ndone", id="a progress bar"),
            pytest.param(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07text\x1b(B", "red text(B", id="colours"),
            pytest.param(b"a\0b\x07c\x1bd\x7fe\tf", "abcde\tf", id="control characters"),
            pytest.param("20\u00b0 \u2192 \u202eevil".encode(), "20\u00b0 \u2192 evil", id="beyond ASCII"),
            pytest.param(b"caf\xe9", "caf\ufffd", id="not UTF-8"),
        ],
    )
    def test_it_is_fit_for_people(self, tmp_path: Path, written: bytes, shown: str) -> None:
        path = tmp_path / "output"
        path.write_bytes(written)
        assert tail(str(path)) == shown

    def test_only_the_last_lines(self, tmp_path: Path) -> None:
        path = tmp_path / "output"
        path.write_text("".join(f"line {number}\n" for number in range(100_000)))
        assert tail(str(path), max_lines=3) == "line 99997\nline 99998\nline 99999"

    def test_only_so_many_characters(self, tmp_path: Path) -> None:
        path = tmp_path / "output"
        path.write_text("\u2192" * 10_000)
        assert tail(str(path)) == "\u2192" * 2000

    def test_a_file_that_is_gone(self, tmp_path: Path) -> None:
        assert tail(str(tmp_path / "gone")) == ""


class TestCreating:
    def test_the_name_tells_whose_it_is_and_when(self, tmp_path: Path) -> None:
        descriptor, path = OutputFolder(tmp_path / "state", OutputLimits()).create(
            100012, "100012-0a/../1b2c3d4e"
        )
        os.close(descriptor)
        assert re.fullmatch(rf"{tmp_path}/state/output/100012-\d{{8}}T\d{{6}}Z-1b2c3d4e\.log", path)


class TestBounding:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> OutputFolder:
        return OutputFolder(tmp_path, OutputLimits(max_bytes=1000))

    def test_the_newest_half_is_kept_and_the_writer_goes_on(self, folder: OutputFolder) -> None:
        descriptor, path = folder.create(1, "one")
        os.write(descriptor, b"".join(b"line %04d\n" % number for number in range(1000)))
        folder.bound([path])
        os.write(descriptor, b"the end\n")
        os.close(descriptor)
        remark, *lines = Path(path).read_text().splitlines()
        assert remark == "[9510 bytes of output were removed here, because the script printed too much]"
        assert lines == [*(f"line {number:04}" for number in range(951, 1000)), "the end"]

    def test_what_is_small_enough_stays(self, folder: OutputFolder) -> None:
        descriptor, path = folder.create(1, "one")
        os.write(descriptor, b"x" * 1000)
        os.close(descriptor)
        folder.bound([path])
        assert Path(path).read_bytes() == b"x" * 1000

    def test_a_line_without_end_is_cut_too(self, folder: OutputFolder) -> None:
        descriptor, path = folder.create(1, "one")
        os.write(descriptor, b"x" * 5000)
        os.close(descriptor)
        folder.bound([path])
        assert Path(path).read_text().partition("\n")[2] == "x" * 500

    def test_a_file_that_is_gone_hinders_nobody(self, folder: OutputFolder) -> None:
        descriptor, path = folder.create(1, "one")
        os.write(descriptor, b"x" * 5000)
        os.close(descriptor)
        folder.bound([f"{path}.gone", path])
        assert os.path.getsize(path) < 1000


class TestRemoving:
    def make(self, tmp_path: Path, age_days: list[float], size: int = 10) -> list[Path]:
        """Make output files; each name tells its age."""
        folder = tmp_path / "output"
        folder.mkdir()
        paths = []
        for days in age_days:
            path = folder / f"{int(days * 10)}-20251120T210411Z-0a1b2c3d.log"
            path.write_bytes(b"x" * size)
            os.utime(path, (time.time() - days * DAY_S,) * 2)
            paths.append(path)
        return paths

    @pytest.mark.parametrize(
        "limits",
        [
            pytest.param(OutputLimits(keep_days=2.5), id="by age"),
            pytest.param(OutputLimits(keep_bytes=20), id="by size"),
            pytest.param(OutputLimits(keep_files=2), id="by number"),
        ],
    )
    def test_the_oldest_go(self, tmp_path: Path, limits: OutputLimits) -> None:
        paths = self.make(tmp_path, [3, 1, 4, 2])
        OutputFolder(tmp_path, limits).remove_old([])
        assert [path.exists() for path in paths] == [False, True, False, True]

    def test_what_is_in_use_stays(self, tmp_path: Path) -> None:
        named, locked, neither = self.make(tmp_path, [30, 31, 32])
        with locked.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            OutputFolder(tmp_path, OutputLimits()).remove_old([str(named)])
        assert (named.exists(), locked.exists(), neither.exists()) == (True, True, False)

    def test_what_is_no_output_stays(self, tmp_path: Path) -> None:
        (old,) = self.make(tmp_path, [30])
        strangers = [old.with_name("notes.log"), old.with_name(f"copy of {old.name}")]
        for stranger in strangers:
            stranger.write_text("mine")
        link = old.with_name("1-20251120T210411Z-ffffffff.log")
        link.symlink_to(strangers[0])
        OutputFolder(tmp_path, OutputLimits(keep_files=0)).remove_old([])
        assert not old.exists()
        assert link.is_symlink()
        assert all(stranger.exists() for stranger in strangers)

    def test_no_folder_yet(self, tmp_path: Path) -> None:
        OutputFolder(tmp_path, OutputLimits()).remove_old([])


class TestHousekeeping:
    async def test_old_files_go_at_the_start_and_then_once_a_day(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loop, removals, thrice = asyncio.get_running_loop(), [], asyncio.Event()

        def remove_old(folder: OutputFolder, in_use: Iterable[str]) -> None:
            removals.append(list(in_use))
            if len(removals) == 3:
                loop.call_soon_threadsafe(thrice.set)

        monkeypatch.setattr(OutputFolder, "remove_old", remove_old)
        limits = OutputLimits(check_s=0.001, sweep_s=0.02)
        output = ScriptOutput(tmp_path, limits, list)
        began_s = loop.time()
        output.begin()
        output.begin()
        async with asyncio.timeout(10):
            await thrice.wait()
        assert loop.time() - began_s >= 2 * limits.sweep_s
        await output.aclose()

    @pytest.mark.system
    async def test_a_launcher_that_launches_nothing_keeps_house_too(self, tmp_path: Path) -> None:
        folder = OutputFolder(tmp_path / "state", OutputLimits())
        descriptor, old = folder.create(1, "old")
        os.close(descriptor)
        os.utime(old, (0.0, 0.0))
        launcher = KeptLauncher(tmp_path / "state", limits=OutputLimits(check_s=0.001))
        assert await launcher.inherited() == ()
        # The closing waits for the work that has begun.
        await launcher.aclose()
        assert not os.path.exists(old)


@pytest.mark.system
class TestWithScripts:
    async def test_fifty_megabytes_are_cut_at_the_end(self, tmp_path: Path, kind: Kind) -> None:
        stage = Stage(tmp_path, kind, limits=OutputLimits(check_s=1000.0))
        text = "import sys\nfor n in range(500_000): sys.stdout.write(f'line {n:<94}\\n')\nsys.exit(2)"
        launched = await stage.launch(stage.script(text, first_line=f"#!{sys.executable}"))
        exited = await stage.exit_of(launched)
        assert exited.exit_code == 2
        assert os.path.getsize(launched.output_path) <= 10_000_000
        assert exited.output_tail.split("\n")[-1] == "line 499999"
        assert len(exited.output_tail) <= 2000
        await stage.launcher.aclose()

    async def test_one_that_lives_is_cut_while_it_lives(
        self, tmp_path: Path, kind: Kind, news: Fifo, gate: Fifo
    ) -> None:
        stage = Stage(tmp_path, kind, limits=OutputLimits(max_bytes=100_000, check_s=0.05))
        launched = await stage.launch(
            stage.script(
                f"""
                yes 'the same again and again' | head -c 1000000
                until grep -q 'bytes of output were removed' /proc/$$/fd/1; do :; done
                echo cut > {news.path}
                read line < {gate.path}
                echo the end
                """
            )
        )
        assert await news.line() == "cut"
        gate.let_pass()
        exited = await stage.exit_of(launched)
        assert exited.output_tail.endswith("again\nthe end")
        assert os.path.getsize(launched.output_path) <= 100_000
        await stage.launcher.aclose()

    async def test_files_of_the_living_are_never_removed(self, tmp_path: Path, gate: Fifo) -> None:
        limits = OutputLimits(keep_files=0, check_s=0.01, sweep_launches=1)
        one, other = Stage(tmp_path / "one", limits=limits), Stage(tmp_path / "one")
        foreign = await other.launch(other.script(f"read line < {gate.path}"))
        own = await one.launch(one.script(f"read line < {gate.path}"))
        ended = await one.launch(one.script("exit 0"))
        await one.exit_of(ended)
        OutputFolder(tmp_path / "one" / "state", limits).remove_old([])
        assert not os.path.exists(ended.output_path)
        assert os.path.exists(foreign.output_path)
        assert os.path.exists(own.output_path)
        gate.let_pass()
        gate.let_pass()
        await other.exit_of(foreign)
        await one.exit_of(own)
        await one.launcher.aclose()
        await other.launcher.aclose()
