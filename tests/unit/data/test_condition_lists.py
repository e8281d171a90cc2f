"""Lists of conditions that name images: which paths they may, what their digests cover, what a broken file costs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from vtbench.core.contracts import Condition
from vtbench.core.errors import UnreadableConditionError, UsageError
from vtbench.data.condition_lists import conditions_of_files, listed_with_images
from vtbench.data.conditions import ConditionSample, ConditionSet, balanced_classes, listed_prompts, unconditional


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for number, name in enumerate(("a", "b", "c")):
        Image.new("RGB", (6, 4), (number * 40, 10, 20)).save(tmp_path / "in" / f"{name}.png")
    (tmp_path / "outside.png").write_bytes((tmp_path / "in" / "a.png").read_bytes())
    return tmp_path / "in"


def write(folder: Path, *lines: object) -> Path:
    path = folder / "list.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    return path


def edit(name: Any, prompt: str = "make it night", **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "images": {"source": name}, **more}


def test_a_list_is_read_and_described(folder: Path) -> None:
    found = listed_with_images(write(folder, edit("a.png", tag=7), edit("b.png")), ("source",), per_line=2)
    assert found.ids == ("00000-s00", "00000-s01", "00001-s00", "00001-s01")
    assert found[0].condition.metadata == {"tag": 7, "images": {"source": "a.png"}}
    assert torch.equal(found[2].condition.image("source")[:, 0, 0], torch.tensor([40, 10, 20], dtype=torch.uint8))
    told = found.description
    assert (told["of"], told["roles"], told["prompts"], told["count"]) == ("prompts", ["source"], 2, 4)


def test_a_prompt_may_be_empty_beside_an_image(folder: Path) -> None:
    found = listed_with_images(write(folder, edit("a.png", prompt="")), ("source",))
    assert found[0].condition.prompt == ""
    pictured = Condition(prompt="", images={"source": torch.zeros(3, 2, 2, dtype=torch.uint8)})
    assert len(listed_prompts([pictured])) == 1
    with pytest.raises(UsageError, match="one is empty"):
        listed_prompts([Condition(prompt="")])
    with pytest.raises(UsageError, match='has a "prompt"'):
        listed_with_images(write(folder, edit("a.png", prompt="")), ("source",), of="images")


def test_lines_of_images_alone_may_have_labels(folder: Path) -> None:
    lines = [{"label": number, "images": {"control": [f"{name}.png"]}} for number, name in enumerate("abc")]
    found = listed_with_images(write(folder, *lines), ("control",), of="images")
    assert [sample.condition.label for sample in found.samples] == [0, 1, 2] and found.description["of"] == "images"
    with pytest.raises(UsageError, match="some lines have a label"):
        listed_with_images(write(folder, lines[0], {"images": {"control": "a.png"}}), ("control",), of="images")


def test_the_fingerprint_covers_the_bytes_of_images_and_nothing_else(folder: Path) -> None:
    path = write(folder, edit("a.png"), edit("b.png"))
    before = listed_with_images(path, ("source",)).fingerprint
    assert listed_with_images(write(folder, edit("b.png"), edit("a.png")), ("source",)).fingerprint == before
    (folder / "a.png").rename(folder / "moved.png")
    moved = write(folder, edit("moved.png"), edit("b.png"))
    assert listed_with_images(moved, ("source",)).fingerprint == before
    Image.new("RGB", (6, 4), (1, 10, 20)).save(folder / "moved.png")
    assert listed_with_images(moved, ("source",)).fingerprint != before


def test_fingerprints_of_conditions_without_images_stay() -> None:
    """As they were before a condition could hold images: records of then and now compare."""
    assert balanced_classes(3, 2).fingerprint == "3f2a8b7f44ddd0e8ee32d962c593ec63818b00393827861e9afa2e87a0673bed"
    assert unconditional(4).fingerprint == "a1d0afcce46ddf29bb6a81c63e38aecb47917afed1f75ca4159efd54db7f12cf"
    texts = listed_prompts([Condition(prompt="a"), Condition(prompt="b")], 2)
    assert texts.fingerprint == "c0c1cd85d651acc9a7a7a6498bcd6a14bacba7a80691a7bfe559ed98081cde06"
    pictured = Condition(images={"source": torch.zeros(3, 2, 2, dtype=torch.uint8)})
    sets = [ConditionSet([ConditionSample("a", condition)]).fingerprint for condition in (Condition(), pictured)]
    assert sets[0] != sets[1]


def test_what_cannot_be_read_fails_when_it_is_read(folder: Path) -> None:
    (folder / "text.png").write_text("no picture")
    (folder / "empty.png").touch()
    os.mkfifo(folder / "pipe.png")
    names = ("text.png", "empty.png", "gone.png", "pipe.png")
    found = listed_with_images(write(folder, *map(edit, names)), ("source",))
    assert len(found.fingerprint) == 64
    for sample, told in zip(found.samples, ("not an image", "empty", "no such file", "no such file"), strict=True):
        with pytest.raises(UnreadableConditionError, match=told):
            sample.condition.opened()


def test_an_image_that_changed_since_it_was_digested_is_not_taken(folder: Path) -> None:
    found = listed_with_images(write(folder, edit("a.png")), ("source",))
    assert found.fingerprint
    Image.new("RGB", (6, 4), "white").save(folder / "a.png")
    with pytest.raises(UnreadableConditionError, match="changed since"):
        found[0].condition.image("source")


@pytest.mark.parametrize("name", ["../outside.png", "/etc/passwd", "link.png", "x/../../outside.png", ".", "a\0.png"])
def test_no_path_leads_out_of_the_folder(folder: Path, name: str) -> None:
    (folder / "link.png").symlink_to(folder.parent / "outside.png")
    with pytest.raises(UsageError, match=r"list\.jsonl:1: .* lies outside"):
        listed_with_images(write(folder, edit(name)), ("source",))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"prompt": "a"}, "names images as none; the task asks for source"),
        (edit("a.png") | {"images": {"source": "a.png", "mask": "b.png"}}, "names images as mask, source"),
        ({"images": {"source": "a.png"}}, 'has no "prompt"'),
        (edit("a.png", prompt=" "), "a prompt that is no text"),
        (edit([]), "names no images"),
        (edit(["a.png"] * 65), "names no images"),
        (edit(3), "names no images"),
        (edit("a.png", images=["a.png"]), "named by role"),
        (edit("a.png", images={"So urce": "a.png"}), "no role"),
        (edit("a.png", label=-1), "label"),
        (["a"], "no JSON object"),
    ],
)
def test_lines_that_are_not_what_they_should_be(folder: Path, line: object, told: str) -> None:
    with pytest.raises(UsageError, match=r"list\.jsonl:2.*" + told):
        listed_with_images(write(folder, edit("a.png"), line), ("source",))


def test_files_that_are_no_lists(folder: Path) -> None:
    (folder / "a.txt").write_text("a red cat")
    (folder / "blank.jsonl").write_text("\n\n")
    for name, told in (("a.txt", r"is no \.jsonl"), ("gone.jsonl", "no list"), ("blank.jsonl", "holds no conditions")):
        with pytest.raises(UsageError, match=told):
            listed_with_images(folder / name, ("source",))


def test_every_image_that_is_there_has_its_line(folder: Path) -> None:
    lines = [edit("a.png", file="2.png"), edit("b.png", file="sub/1.png")]
    found = conditions_of_files(write(folder, *lines), ["sub/1.png", "2.png"])
    assert found.ids == ("sub/1.png", "2.png") and found.description["roles"] == ["source"]
    assert found[0].condition.image("source")[0, 0, 0] == 40
    for names, told in ((["2.png"], "no image is called 'sub/1.png'"), (["2.png", "sub/1.png", "x"], "no line is of")):
        with pytest.raises(UsageError, match=told):
            conditions_of_files(write(folder, *lines), names)
    for more, told in ((lines[0], "again"), (edit("a.png"), "names no file")):
        with pytest.raises(UsageError, match=told):
            conditions_of_files(write(folder, *lines, more), ["sub/1.png", "2.png"])
    with pytest.raises(UsageError, match="lines differ"):
        conditions_of_files(write(folder, lines[0], {"file": "sub/1.png", "prompt": "a"}), ["sub/1.png", "2.png"])
