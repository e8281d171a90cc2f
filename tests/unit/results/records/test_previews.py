"""Pictures of a run: found in order, never through a link, opened within bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from vtbench.results.records.previews import open_preview, preview_files


def picture(path: Path, side: int = 4) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side), 200).save(path, format="WEBP", lossless=True)
    return path


def test_pictures_are_found_by_position(tmp_path: Path) -> None:
    for name in ("00000012-b.webp", "00000003-a.webp", "notes.webp", "00000004-c.txt"):
        picture(tmp_path / "run" / "previews" / name)
    assert [(n, f.name) for n, f in preview_files(tmp_path / "run").items()] == [
        (3, "00000003-a.webp"),
        (12, "00000012-b.webp"),
    ]
    assert preview_files(tmp_path / "elsewhere") == {}


def test_links_to_pictures_elsewhere_are_passed_over(tmp_path: Path) -> None:
    private = picture(tmp_path / "private" / "00000001-me.webp")
    kept = picture(tmp_path / "run" / "previews" / "00000000-a.webp")
    (kept.parent / "00000001-b.webp").symlink_to(private)
    assert list(preview_files(tmp_path / "run").values()) == [kept]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "previews").symlink_to(private.parent)
    assert preview_files(tmp_path / "other") == {}


def test_what_is_damaged_or_huge_is_no_picture(tmp_path: Path) -> None:
    whole = picture(tmp_path / "a.webp")
    opened = open_preview(whole)
    assert opened is not None and (opened.mode, opened.size) == ("RGB", (4, 4))
    (tmp_path / "b.webp").write_bytes(whole.read_bytes()[:30])
    Image.new("1", (6000, 6000)).save(tmp_path / "c.webp", format="WEBP")
    (tmp_path / "e.webp").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    refused = {"b": "could not create", "c": "6000x6000 is too large", "d": "No such file", "e": "no WebP"}
    for name, why in refused.items():
        with pytest.warns(UserWarning, match=rf"{name}\.webp is left out: .*{why}"):
            assert open_preview(tmp_path / f"{name}.webp") is None
