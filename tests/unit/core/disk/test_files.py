"""Atomic writes, and names that stay inside their folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vtbench.core.disk.files import atomic_path, cache_dir, inside, path_segment, write_text
from vtbench.core.errors import UsageError


def test_a_whole_file_appears_with_ordinary_permissions(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "record.json"
    previous = os.umask(0o027)
    try:
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"whole")
            assert not target.exists(), "nothing may be seen before it is whole"
            assert temporary.parent == target.parent, "a rename is atomic within one file system only"
    finally:
        os.umask(previous)
    assert target.read_bytes() == b"whole"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert list(target.parent.iterdir()) == [target]


def test_an_exception_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "record.json"
    write_text(target, "old")
    with pytest.raises(RuntimeError, match="killed"), atomic_path(target) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError("killed")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_overwriting_replaces_the_file_at_once(tmp_path: Path) -> None:
    target = tmp_path / "t"
    write_text(target, "old")
    with target.open() as reader:
        write_text(target, "new é\n")
        assert reader.read() == "old", "who had it open keeps the old content"
    assert target.read_bytes() == "new é\n".encode()


def test_the_cache_folder_follows_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "c"))
    assert cache_dir() == tmp_path / "c" and not cache_dir().exists()
    monkeypatch.setenv("VTBENCH_CACHE", "~/somewhere")
    assert cache_dir() == Path.home() / "somewhere"
    monkeypatch.delenv("VTBENCH_CACHE")
    assert cache_dir().name == "vtbench"


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("jpeg,quality=50", "jpeg-quality=50"),
        ("photos-mini@1+ab12cd34", "photos-mini@1+ab12cd34"),
        ("./mine.py:MyTokenizer", "mine.py-MyTokenizer"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "unnamed"),
        ("", "unnamed"),
        (".hidden", "hidden"),
    ],
)
def test_segments(name: str, segment: str) -> None:
    assert path_segment(name) == segment


@given(st.text())
@example("/" * 300)
@example("a" * 79 + "..")
def test_a_segment_is_one_harmless_name(name: str) -> None:
    segment = path_segment(name)
    assert Path(segment).name == segment
    assert not segment.startswith(".") and 0 < len(segment) <= 80
    assert segment.isascii() and segment.isprintable()


@pytest.mark.parametrize(
    "segments",
    [("..",), ("a", "..", "..", "b"), ("/etc/passwd",), ("a/../../b",), (".",), ("",), (), ("a\x00b",)],
)
def test_paths_that_leave_the_folder_are_refused(tmp_path: Path, segments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        inside(tmp_path / "run", *segments)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    run.mkdir()
    other.mkdir()
    (run / "link").symlink_to(other)
    with pytest.raises(UsageError, match="outside"):
        inside(run, "link", "file")


def test_paths_below_the_folder_are_joined(tmp_path: Path) -> None:
    assert inside(tmp_path, "previews", "a..b.webp") == tmp_path.resolve() / "previews" / "a..b.webp"
    assert inside(tmp_path, "a/b") == tmp_path.resolve() / "a" / "b"
    assert not (tmp_path / "a").exists()
