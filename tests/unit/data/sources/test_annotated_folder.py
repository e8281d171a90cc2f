from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtbench.core.errors import UsageError
from vtbench.data.sources.annotated_folder import AnnotatedFolder


@pytest.fixture
def folder(tmp_path: Path, photo: np.ndarray) -> Path:
    for shift, name in enumerate(("a/one.png", "a/two.png", "b/two.webp", "three.png")):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(photo, shift, axis=0)).save(path, lossless=True)
    return tmp_path / "set"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_json_lines(folder: Path, photo: np.ndarray) -> None:
    rows = [
        {"id": "three", "text": "Zeile eins\nÄ 二", "language": "de", "glyph_px": 14, "boxes": [[1, 2, 3, 4, "Ä"]]},
        {"id": "a/two.png", "text": "two"},
    ]
    write(folder, "truth.jsonl", "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    dataset = AnnotatedFolder(folder, "truth.jsonl")
    assert dataset.ids == ("a/two.png", "three.png")
    assert dataset.unannotated == ("a/one.png", "b/two.webp")
    assert dataset[1].target == {key: value for key, value in rows[0].items() if key != "id"}
    assert np.array_equal(dataset[1].image.permute(1, 2, 0).numpy(), np.roll(photo, 3, axis=0))


def test_csv_says_the_same_as_json_lines(folder: Path) -> None:
    table = write(folder, "truth.csv", '\ufeffid,text,glyph_px,language\na/one,"Say ""hi"",\nthere",12,en\n')
    lines = {"id": "a/one.png", "text": 'Say "hi",\nthere', "glyph_px": 12, "language": "en"}
    as_lines = AnnotatedFolder(folder, write(folder, "truth.jsonl", json.dumps(lines)))
    as_table = AnnotatedFolder(str(folder), str(table))
    assert as_table[0].target == as_lines[0].target
    assert as_table.fingerprint == as_lines.fingerprint


def test_the_truth_is_part_of_the_fingerprint(folder: Path) -> None:
    one = AnnotatedFolder(folder, write(folder, "1.jsonl", '{"id": "three", "text": "a"}'))
    other = AnnotatedFolder(folder, write(folder, "2.jsonl", '{"id": "three", "text": "b"}'))
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.jsonl", '{"id": "four", "text": ""}', r"x\.jsonl:1: 'four' is no image"),
        ("x.jsonl", '\n{"id": "three", "text": "a"}\n{"id": "three.png", "text": "b"}', r":3: a second annotation"),
        ("x.jsonl", '{"id": "three"}', r":1: no text under 'text'"),
        ("x.jsonl", '{"id": 3, "text": "a"}', r":1: no text under 'id'"),
        ("x.jsonl", "[1]", r":1: not an object"),
        ("x.jsonl", "{", r":1: not JSON"),
        ("x.jsonl", "", "annotates nothing"),
        ("x.csv", "id,text\nthree\n", r":2: not as many fields"),
        ("x.csv", "id,text\nthree,a,b\n", r":2: not as many fields"),
        ("x.csv", "name,text\nthree,a\n", r":2: no text under 'id'"),
        ("x.csv", "id,text,glyph_px\nthree,a,big\n", r":2: glyph_px is 'big'"),
        ("x.csv", 'id,text\nthree,"a\n', r"x\.csv:\d: "),
        ("x.txt", "three a", r"ends in \.jsonl or \.csv"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(folder: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        AnnotatedFolder(folder, write(folder, name, text))


def test_an_id_without_suffix_must_be_one_image(folder: Path, photo: np.ndarray) -> None:
    Image.fromarray(photo).save(folder / "a/one.bmp")
    with pytest.raises(UsageError, match=r"'a/one' could be a/one\.bmp, a/one\.png"):
        AnnotatedFolder(folder, write(folder, "x.jsonl", '{"id": "a/one", "text": ""}'))


def test_missing_and_undecodable_files_are_told(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"no annotation file none\.csv"):
        AnnotatedFolder(folder, "none.csv")
    (folder / "latin.csv").write_bytes("id,text\nthree,Ä\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"latin\.csv cannot be read[\s\S]*UTF-8"):
        AnnotatedFolder(folder, "latin.csv")
