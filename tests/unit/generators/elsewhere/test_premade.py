"""Samples that were made elsewhere, and the names that generators are reached by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators import GENERATORS
from vtbench.generators.protocols import PremadeSamples
from vtbench.generators.resolve import generator_names, resolve_generator


def fill(folder: Path, *names: str) -> Path:
    for index, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (index, 0, 0)).save(folder / name)
    return folder


def labels(generator: Any) -> list[int | None]:
    return [sample.condition.label for sample in generator.conditions.samples]


def test_a_plain_folder_is_from_nothing(tmp_path: Path) -> None:
    generator = resolve_generator(f"folder,path={fill(tmp_path, 'b.png', 'a10.png', 'a9.png')}")
    assert isinstance(generator, PremadeSamples)
    assert generator.info.conditions == "none" and labels(generator) == [None] * 3
    assert list(generator.images.ids) == list(generator.conditions.ids) == ["a10.png", "a9.png", "b.png"]
    assert [int(generator.images[index].image.max()) for index in range(3)] == [1, 2, 0]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("000000-c0007.png", "000001-c0012.png"), [7, 12]),
        (("000000_c7.png", "000001_c12.jpg"), [7, 12]),
        (("class_3.png", "label-4.png"), [3, 4]),
        (("c5.png", "x-class9.png"), [5, 9]),
        (("000000-c0007.png", "000001.png"), [None, None]),
        (("abc12.png", "music3.png"), [None, None]),
    ],
)
def test_labels_from_names(tmp_path: Path, names: tuple[str, ...], expected: list[int | None]) -> None:
    assert labels(resolve_generator(f"folder,path={fill(tmp_path, *names)}")) == expected


def test_labels_from_folders(tmp_path: Path) -> None:
    numbered = fill(tmp_path / "numbered", "10/a.png", "2/b.png", "2/c.png")
    assert labels(resolve_generator(f"folder,path={numbered}")) == [10, 2, 2]
    named = fill(tmp_path / "named", "dog/a.png", "ape/b.png", "cat/deep/c.png")
    generator = resolve_generator(f"folder,path={named},name=mine")
    assert dict(zip(generator.images.ids, labels(generator), strict=True)) == {
        "ape/b.png": 0,
        "cat/deep/c.png": 1,
        "dog/a.png": 2,
    }
    assert generator.info.name == "mine" and generator.conditions.description["classes"] == 3
    assert labels(resolve_generator(f"folder,path={named},labels=none")) == [None] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [("labels=names", "not one of"), ("labels=name", "tells no class"), ("labels=parent", "in no sub-folder")],
)
def test_labels_that_are_not_told(tmp_path: Path, arguments: str, message: str) -> None:
    fill(tmp_path, "000000-c0001.png", "plain.png", "sub/000000-c0001.png")
    with pytest.raises(UsageError, match=message):
        resolve_generator(f"folder,path={tmp_path},{arguments}")


def test_conditions_from_a_list(tmp_path: Path) -> None:
    samples, given = fill(tmp_path / "samples", "b.png", "sub/a.png"), fill(tmp_path / "given", "1.png", "2.png")
    lines = [{"file": f, "prompt": p, "images": {"source": s}} for f, p, s in (("sub/a.png", "x", "1.png"),)]
    path = given / "list.jsonl"
    path.write_text("\n".join(map(json.dumps, [*lines, {**lines[0], "file": "b.png", "prompt": "y"}])))
    generator = resolve_generator(f"folder,path={samples},conditions={path}")
    assert [sample.condition.prompt for sample in generator.conditions.samples] == ["y", "x"]
    assert (generator.info.conditions, generator.info.images) == ("prompt", ("source",))
    assert generator.conditions.ids == tuple(generator.images.ids)
    assert int(generator.conditions[1].condition.image("source").max()) == 0
    with pytest.raises(UsageError, match="give one of them"):
        resolve_generator(f"folder,path={samples},conditions={path},labels=none")
    path.write_text(json.dumps(lines[0]))
    with pytest.raises(UsageError, match=r"no line is of 'b\.png'"):
        resolve_generator(f"folder,path={samples},conditions={path}")


def test_an_npz(tmp_path: Path) -> None:
    path = tmp_path / "samples.npz"
    np.savez(path, np.zeros((3, 4, 4, 3), np.uint8), np.array([5, 0, 5]))
    generator = resolve_generator(f"npz,path={path}")
    assert isinstance(generator, PremadeSamples)
    assert generator.info.conditions == "class" and labels(generator) == [5, 0, 5]
    assert generator.conditions.description == {"of": "given", "labels": "arr_1", "classes": 2, "count": 3}
    np.savez(path, np.zeros((3, 4, 4, 3), np.uint8))
    assert resolve_generator(f"npz,path={path}").info.conditions == "none"


def test_names() -> None:
    assert {"folder", "npz", "command", "diffusers-pipeline", "tiny-ar"} <= set(generator_names())
    for name in GENERATORS.builtin:
        assert callable(GENERATORS.load(name))


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"(?s)unknown generator 'comand'.*did you mean command"):
        resolve_generator("comand,run=true")


def test_something_else_is_no_generator(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    head = "from vtbench.core.info import GeneratorInfo\n"
    file.write_text(head + "class Bare: pass\nclass Mute:\n    info = GeneratorInfo(name='mute', conditions='none')\n")
    for name, message in (("Bare", "no info"), ("Mute", "cannot sample")):
        with pytest.raises(AdapterError, match=message):
            resolve_generator(f"{file}:{name}")
