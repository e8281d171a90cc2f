"""One listing of image folders: what is followed, what is skipped, and what is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from vtbench.core.errors import UsageError
from vtbench.data.sources.listing import list_images, walk


def made(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def test_hidden_names_are_skipped_whatever_they_are(tmp_path: Path) -> None:
    made(tmp_path, "a.png", ".b.png", ".cache/c.png", "d/.e/f.png", "d/._g.png", "__MACOSX/._a.png")
    assert list_images(tmp_path).images == ("a.png",)


def test_linked_folders_are_walked_under_their_own_names(tmp_path: Path) -> None:
    made(tmp_path, "store/cat/a.png", "store/dog/b.png", "data/c.png")
    (tmp_path / "data/cat").symlink_to(tmp_path / "store/cat")
    (tmp_path / "data/again").symlink_to("cat")
    assert list_images(tmp_path / "data").images == ("again/a.png", "c.png", "cat/a.png")
    (tmp_path / "linked").symlink_to("data")
    assert list_images(tmp_path / "linked").images == ("again/a.png", "c.png", "cat/a.png")


def test_links_that_lead_back_end(tmp_path: Path) -> None:
    made(tmp_path, "root/a/1.png", "root/b/2.png", "beside.png")
    for link, target in (
        ("root/a/self", "."),
        ("root/a/up", ".."),
        ("root/a/beyond", "../.."),  # holds the folder that is listed
        ("root/a/other", "../b"),
        ("root/b/other", "../a"),
    ):
        (tmp_path / link).symlink_to(target)
    assert list_images(tmp_path / "root").images == ("a/1.png", "a/other/2.png", "b/2.png", "b/other/1.png")


def test_a_name_that_begins_alike_is_no_folder_that_holds_another(tmp_path: Path) -> None:
    made(tmp_path, "train2/a.png", "train/b.png", "train2/c/d.png")
    (tmp_path / "train2/c/more").symlink_to(tmp_path / "train")
    assert "c/more/b.png" in list_images(tmp_path / "train2").images


def test_broken_links_are_images_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to("/nowhere/gone.png")
    (tmp_path / "self.png").symlink_to("self.png")
    (tmp_path / "dog").symlink_to("/nowhere/dog")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "to-pipe.png").symlink_to("pipe.png")
    listing = list_images(tmp_path)
    assert listing.images == ("gone.png", "self.png") and listing.left_out == ("dog",)


def test_what_may_have_been_meant_is_counted_and_named(tmp_path: Path) -> None:
    data = made(tmp_path / "data", "a.png", "b.PNG", "c.heic", "sub/d.HEIC", "e.jxl", "f", "g.png.part", "h.xyz")
    made(
        data, "README.md", "LICENSE", "labels.json", "n01/labels.csv", "SHA256SUMS", "images.pkl", "a.txt", "Thumbs.db"
    )
    listing = list_images(data)
    assert listing.images == ("a.png", "b.PNG")
    assert listing.left_out == ("c.heic", "e.jxl", "f", "g.png.part", "h.xyz", "sub/d.HEIC")
    (note,) = listing.notes
    assert note.startswith("6 files in data are of no kind that is read, and left out (.heic: 2, ")
    assert "without suffix: 1" in note and "c.heic, e.jxl, f, g.png.part, h.xyz and 1 more" in note


def test_plain_companions_are_no_news(tmp_path: Path) -> None:
    assert list_images(made(tmp_path, "a.png", "a.txt", "a.json", "README")).notes == ()


def test_names_that_are_not_text_can_be_told_but_not_used(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/x\xff.heic")).write_bytes(b"")
    assert list_images(tmp_path).notes[0].encode().endswith(b"x\\udcff.heic")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/y\xff.png")).write_bytes(b"")
    with pytest.raises(UsageError, match="not UTF-8"):
        list_images(tmp_path)


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, "a.png", "locked/b.png")
    scandir = os.scandir

    def denied(path: Any) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(UsageError, match=r"cannot list .*locked: Permission denied"):
        list(walk(tmp_path))
