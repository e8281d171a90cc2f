"""``~`` is the home folder wherever a path is given; a folder of that name is written ``./~``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def home(place: Path, images: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with ``d`` and its perfect copies ``preds``; the working folder holds only the task."""
    home = place / "home"
    monkeypatch.setenv("HOME", str(home))
    images("home/d", 3)
    shutil.copytree(home / "d", home / "preds")
    shutil.copy(place / "quick.yaml", home)
    return home


def test_images_data_and_out(vt: Run, home: Path) -> None:
    done = vt("run", "--task", "~/quick.yaml", "--data", "~/d", "-t", "images,path=~/preds", "--out", "~/r", "--json")
    assert done.code == 0, done.err
    assert done.value("mae") == 0 and done.rows[0]["model"] == "preds"
    assert list(home.glob("r/quick/preds/*/record.json")), "written below home, not below a folder called ~"
    assert vt("show", "~/r", "--json").rows[0]["model"] == "preds"
    assert vt("report", "~/r", "-o", "~/page.html").code == 0 and (home / "page.html").is_file()
    assert vt("compare", "~/r", "~/r", "--json").code == 0
    assert vt("rescore", "~/r").code == 0


def test_score(vt: Run, home: Path) -> None:
    done = vt("score", "--task", "quick.yaml", "--data", "~/d", "--pred", "~/preds", "--out", "r", "--json")
    assert done.code == 0, done.err
    assert done.value("mae") == 0


@pytest.mark.parametrize("name", ["folder,path=~/d", "parquet,path=~/nothing.parquet"])
def test_a_data_set_by_name(vt: Run, home: Path, name: str) -> None:
    done = vt("run", "--task", "quick.yaml", "--data", name, "-t", "identity", "--out", "r", "--json")
    if "nothing" in name:
        whole = vt(
            "run", "--task", "quick.yaml", "--data", name.replace("~", str(home)), "-t", "identity", "--out", "r"
        )
        assert done.code == whole.code == 2 and done.err == whole.err
    else:
        assert done.value("mae") == 0


@pytest.mark.parametrize("model", ["diffusers-kl,path=~/nothing", "ldm-vq,checkpoint=~/nothing"])
def test_a_checkpoint_that_is_not_there_is_named_in_full(vt: Run, home: Path, model: str) -> None:
    done = vt("run", "--task", "quick.yaml", "--data", "~/d", "-t", model, "--out", "r")
    whole = vt("run", "--task", "quick.yaml", "--data", f"{home}/d", "-t", model.replace("~", str(home)), "--out", "r")
    assert done.code == whole.code > 0 and done.err == whole.err and len(done.err.splitlines()) == 2


def test_a_generator(vt: Run, home: Path) -> None:
    assert vt("doctor", "--as", "generator", "folder,path=~/preds").code == 0


def test_a_program(vt: Run, home: Path) -> None:
    done = vt("run", "--task", "quick.yaml", "--data", "~/d", "-t", 'command,run="~/no-such-program x"', "--out", "r")
    whole = vt(
        "run", "--task", "quick.yaml", "--data", "~/d", "-t", f'command,run="{home}/no-such-program x"', "--out", "r"
    )
    assert done.code == whole.code == 2 and done.err.replace("~", str(home)) == whole.err.replace("~", str(home))


def test_own_code_is_given_the_whole_path(vt: Run, home: Path) -> None:
    (home / "mine.py").write_text(
        "from pathlib import Path\n"
        "from vtbench.core.info import TokenizerInfo\n"
        "class Mine:\n"
        "    def __init__(self, weights: Path, folder, note='~'):\n"
        "        assert weights.is_file() and Path(folder).is_dir() and note == '~/d'\n"
        "        self.info = TokenizerInfo(name='mine', kind='continuous')\n"
        "    def reconstruct(self, images):\n"
        "        return images\n"
    )
    reference = "~/mine.py:Mine,weights=~/d/00.png,folder=~/preds,note=~/d"
    done = vt("run", "--task", "quick.yaml", "--data", "~/d", "-t", reference, "--out", "r", "--json")
    assert done.code == 0, done.err


def test_a_folder_called_tilde(vt: Run, home: Path, place: Path) -> None:
    shutil.copytree(home / "d", place / "~")
    base = ["run", "--task", "quick.yaml", "--out", "r", "--json"]
    done = vt(*base, "--data", "./~", "-t", "images,path=./~,name=literal", "-t", "images,path=~/preds,name=home")
    assert [row["results"]["mae"]["value"] for row in done.rows] == [0, 0]
    shutil.rmtree(place / "~")
    assert vt(*base, "--data", "~/d", "-t", "images,path=./~").code == 2


def test_a_folder_whose_name_only_looks_like_a_home(vt: Run, images: Run, place: Path) -> None:
    images("~nobody-of-that-name", 2)
    for data in ("~nobody-of-that-name", "folder,path=~nobody-of-that-name"):
        done = vt(
            "run", "--task", "quick.yaml", "--data", data, "-t", "images,path=~nobody-of-that-name", "--out", "r",
            "--json",
        )  # fmt: skip
        assert done.code == 0, done.err
        assert done.value("mae") == 0 and done.rows[0]["model"] == "~nobody-of-that-name"


RUN = ("run", "--task", "quick.yaml", "--out", "r")


@pytest.mark.parametrize(
    "command",
    [
        (*RUN, "--data", "d", "-t", "images,path="),
        (*RUN, "--data", "d", "-t", "images,path='  '"),
        (*RUN, "--data", "", "-t", "identity"),
        (*RUN, "--data", "folder,path=", "-t", "identity"),
        ("run", "--task", "quick.yaml", "--out", "", "--data", "d", "-t", "identity"),
        ("run", "--suite", "", "--data", "d", "-t", "identity", "--out", "r"),
        ("run", "--task", "generation-mini", "-g", "tiny-ar", "--reference", "", "--out", "r"),
        ("score", "--task", "quick.yaml", "--data", "d", "--pred", "", "--out", "r"),
        ("compare", "", "r"),
        ("show", ""),
        ("report", ""),
    ],
)
def test_a_variable_that_is_not_set_names_nothing(vt: Run, images: Run, place: Path, command: tuple[str, ...]) -> None:
    images("d", 1)
    done = vt(*command)
    assert done.code == 2 and "empty" in done.err and len(done.err.splitlines()) == 2, done.err
    assert not list(place.rglob("record.json"))
