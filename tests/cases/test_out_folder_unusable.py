"""Places that cannot be written, and disks that fill up: one line with the path, before any work where that can be."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RUN = ("run", "--task", "quick.yaml", "--data", "d", "-t", "resize,factor=2")


@pytest.fixture
def data(images: Callable[..., Any], place: Path) -> None:
    images("d", 12)
    (place / "afile").write_text("kept")


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("out", ["afile", "afile/x/y", "/proc/x", "a" * 300, "d/00.png"])
def test_a_folder_that_cannot_be_is_a_usage_error(vt: Callable[..., Any], place: Path, out: str) -> None:
    done = vt(*RUN, "--out", out)
    assert done.code == 2 and done.out == "" and "Traceback" not in done.err
    assert f"error: {out}" in done.err and "--out DIR" in done.err and len(done.err.strip().splitlines()) == 2
    assert (place / "afile").read_text() == "kept"


@pytest.mark.usefixtures("data")
def test_a_folder_without_permission_is_a_usage_error(
    vt: Callable[..., Any], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the system refuses it: root, who runs tests in containers, is refused nothing."""
    import tempfile

    def refuse(dir: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(dir / "tmp0"))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    done = vt(*RUN, "--out", "ro")
    assert done.code == 2 and "ro cannot be written: Permission denied" in done.err


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("suffix", [".parquet", ".safetensors", ".webp"])
def test_a_full_disk_ends_the_session_and_keeps_what_is_finished(
    vt: Callable[..., Any], place: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    fsync, seen = os.fsync, []

    def full(handle: int) -> None:
        name = str(Path(f"/proc/self/fd/{handle}").readlink())
        seen.append(name)
        if f"0001{suffix}." in name or (suffix == ".webp" and ".webp." in name and len(seen) > 6):
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    done = vt(*RUN, "-t", "jpeg,quality=10", "--out", "full")
    assert done.code == 1 and "cannot be written: No space left on device" in done.err
    assert "make room" in done.err and "1 not begun" in done.err and "jpeg" not in done.err
    assert not [*place.glob("full/**/*.partial"), *place.glob("full/**/.*.partial")]
    assert [*place.glob("full/quick/resize*/*/blocks/00000.parquet")] or suffix == ".webp"
    monkeypatch.setattr(os, "fsync", fsync)
    again = vt(*RUN, "--out", "full", "--json")
    assert again.code == 0 and again.rows[0]["n"] == 12


def test_libraries_that_tell_the_error_in_words_are_understood(tmp_path: Path) -> None:
    from safetensors import SafetensorError

    from vtbench.core.disk.files import atomic_path
    from vtbench.core.errors import StorageFullError, UnwritableError

    for told, kind in (
        ("I/O error: File too large (os error 27)", StorageFullError),
        ("(os error 13)", UnwritableError),
    ):
        with pytest.raises(kind, match=r"a\.bin cannot be written"), atomic_path(tmp_path / "a.bin"):
            raise SafetensorError(told)
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.bin"):
        Path("/nowhere/source").read_bytes()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("data")
def test_every_writer_names_the_path(vt: Callable[..., Any], place: Path) -> None:
    assert vt(*RUN, "--out", "r").code == 0
    assert vt("check", "r", "--baseline", "base.json", "--update").code == 0
    for words in (
        ("report", "r", "-o", "afile/page.html"),
        ("report", "r", "-o", "d", "--format", "html"),
        ("report", "r", "-o", "afile", "--format", "png"),
        ("check", "r", "--baseline", "afile/base.json", "--update"),
        ("check", "r", "--baseline", "base.json", "--junit", "afile/x.xml"),
        ("leaderboard", "add", "r", "--root", "afile/boards"),
        ("stats", "build", "--data", "d", "-o", "afile/s.safetensors"),
    ):
        done = vt(*words)
        assert done.code == 2 and "Traceback" not in done.err, (words, done.err)
        assert "afile" in done.err or " d " in done.err, words


@pytest.mark.usefixtures("data")
def test_a_cache_that_cannot_be_written_costs_no_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vtbench.run.storing.references import keep

    monkeypatch.setenv("VTBENCH_CACHE", str(place / "afile"))
    with pytest.warns(UserWarning, match=r"afile is a file.*VTBENCH_CACHE=DIR"):
        keep(place / "d" / "00.png", place / "afile" / "references" / "k" / "00000.safetensors")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("words", [("list",), ("--help",)])
def test_a_stdout_that_is_full_is_no_traceback(place: Path, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "vtbench", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith("error: stdout: No space left on device")
