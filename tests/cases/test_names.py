"""File names of every sort: written alike, composed or decomposed, with other suffixes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vtbench

NAMES = (
    "a b.png", "c,d=e.png", "new\nline.png", "tab\there.png", "q\"uo'te.png", "100%.png", "\U0001f600.png", "x.y.z.png",
    "-dash.png", "A.png", "a.png", "[1].png", "back\\slash.png", "é.png", "ü" * 60 + ".png", "#.png", "CON.png",
    " lead.png", "trail .png", "a.png.png", "각/ệ.png",
)  # fmt: skip


def composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def decomposed(name: str) -> str:
    return unicodedata.normalize("NFD", name)


def fill(folder: str, rename: Callable[[str], str], offset: int) -> None:
    rng = np.random.default_rng(0)
    for name in NAMES:
        path = Path(folder) / rename(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        array = rng.integers(0, 200, (16, 16, 3), dtype=np.uint8) + np.uint8(offset)
        Image.fromarray(array).save(path, **({"lossless": True} if path.suffix == ".webp" else {}))


@pytest.mark.parametrize(
    ("data", "pred"),
    [
        (composed, composed),
        (composed, decomposed),
        (decomposed, composed),
        (composed, lambda name: composed(name)[:-4] + ".webp"),
        (composed, lambda name: decomposed(name)[:-4] + ".webp"),
        (composed, lambda name: "out/" + decomposed(name)),
    ],
)
def test_every_name_finds_its_image(vt: Callable[..., Any], place: Path, data: Any, pred: Any) -> None:
    fill("data", data, 0)
    fill("pred", pred, 5)
    done = vt("score", "--task", "quick.yaml", "--data", "data", "--pred", "pred", "--out", "r")
    assert done.code == 0, done.err
    rows = vtbench.samples_frame("r")
    assert set(rows.id) == {data(name) for name in NAMES}  # as they lie on the disk
    assert (rows.status == "scored").all() and (rows.mae == 5).all()
    assert "belong to no sample" not in done.err


def test_two_names_that_are_one_once_composed_are_not_confused(vt: Callable[..., Any], place: Path) -> None:
    for folder, offset in (("data", 0), ("pred", 5)):
        for name, value in ((composed("é.png"), 10), (decomposed("é.png"), 100)):
            Path(folder).mkdir(exist_ok=True)
            Image.fromarray(np.full((16, 16, 3), value + offset, np.uint8)).save(Path(folder) / name)
    if len(list(Path("data").iterdir())) < 2:
        pytest.skip("this file system holds such names to be one")
    done = vt("score", "--task", "quick.yaml", "--data", "data", "--pred", "pred", "--json")
    assert done.code == 0 and done.rows[0]["n"] == 2 and done.value("mae") == 5


def test_annotations_find_decomposed_images(place: Path) -> None:
    from vtbench.data.sources.annotated_folder import AnnotatedFolder

    fill("data", decomposed, 0)
    Path("labels.csv").write_text(f"id,text\n{composed('é.png')},one\n{composed('각/ệ')},two\n", encoding="utf-8")
    assert set(AnnotatedFolder("data", "labels.csv").ids) == {decomposed("é.png"), decomposed("각/ệ.png")}
