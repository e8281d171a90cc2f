"""``name=`` names any model, everywhere; two models of one name are refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
RUN = ("run", "--task", "quick.yaml", "--data", "d", "--out", "r")
MINE = """
from vtbench.core.info import TokenizerInfo
class Mine:
    def __init__(self, shift: float = 0.0, **more):
        assert not more, more
        self.info = TokenizerInfo(name='mine', kind='continuous')
    def reconstruct(self, images):
        return images
"""


@pytest.fixture
def folder(place: Path, images: Run) -> Path:
    images("d", 2)
    shutil.copytree(place / "d", place / "made")
    (place / "mine.py").write_text(MINE)
    return place


@pytest.mark.parametrize("reference", ["jpeg,quality=10", "identity", "./mine.py:Mine,shift=1", "images,path=made"])
def test_any_tokenizer(vt: Run, folder: Path, reference: str) -> None:
    whole = f"{reference},name=My 7 #1"
    done = vt(*RUN, "-t", whole, "--json")
    assert done.code == 0, done.err
    assert done.rows[0]["model"] == "My 7 #1"
    (path,) = folder.glob("r/quick/My-7-1/*/record.json")
    model = json.loads(path.read_text())["model"]
    assert model["label"] == "My 7 #1" and model["reference"] == whole and "name" not in model["args"]


def test_everywhere(vt: Run, folder: Path) -> None:
    models = ("-t", "jpeg,quality=10,name=low", "-t", "jpeg,quality=90,name=high")
    assert [row["model"] for row in vt(*RUN, *models, "--dry-run", "--json").rows] == ["low", "high"]
    assert sorted(row["model"] for row in vt(*RUN, *models, "--json").rows) == ["high", "low"]
    shown = vt("show", "r").out.splitlines()
    assert sorted(line.split("\t")[0] for line in shown[1:]) == ["high", "low"]
    assert vt("report", "r", "-o", "page.html").code == 0
    assert "high" in (folder / "page.html").read_text()


def test_a_name_moves_no_number_and_no_key(vt: Run, folder: Path) -> None:
    for name in ("one", "two"):
        assert vt(*RUN, "-t", f"jpeg,quality=10,name={name}").code == 0
    keys = {path.parent.name for path in folder.glob("r/quick/*/*/record.json")}
    assert len(keys) == 1


def test_names_that_make_one_folder_are_two_names(vt: Run, folder: Path) -> None:
    models = ("-t", "jpeg,quality=10,name=a b", "-t", "jpeg,quality=10,name=a#b", "-t", "jpeg,quality=10,name=a-b")
    assert {row["model"] for row in vt(*RUN, *models, "--json").rows} == {"a b", "a#b", "a-b"}


@pytest.mark.parametrize(
    "models",
    [
        ("jpeg,quality=10,name=x", "jpeg,quality=20,name=x"),
        ("images,path=made", "images,path=sub/made"),
        ("images,path=made,name=identity", "identity"),
    ],
)
def test_two_of_one_name_are_refused(vt: Run, folder: Path, models: tuple[str, str]) -> None:
    shutil.copytree(folder / "made", folder / "sub/made")
    done = vt(*RUN, *(word for model in models for word in ("-t", model)))
    assert done.code == 2
    assert "2 models are called" in done.err and all(model in done.err for model in models) and "name=" in done.err
    assert not list(folder.rglob("record.json"))


@pytest.mark.parametrize("reference", ["jpeg,name=", "identity,name=' '", "images,path=made,name="])
def test_an_empty_name_is_refused(vt: Run, folder: Path, reference: str) -> None:
    done = vt(*RUN, "-t", reference)
    assert done.code == 2 and "empty name" in done.err


def test_a_generator(vt: Run, folder: Path) -> None:
    assert vt("doctor", "--as", "generator", "tiny-ar,name=mine").code == 0
