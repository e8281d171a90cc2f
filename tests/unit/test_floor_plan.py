"""The floor plan: folders that can be seen at once and say what they are for, as the architecture page draws them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "vtbench"
FOLDERS = sorted({file.parent for file in PACKAGE.rglob("*.py")})
MOST_FILES = 16


def _name(folder: Path) -> str:
    return folder.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_a_folder_can_be_seen_at_once_and_says_what_it_is_for(folder: Path) -> None:
    modules = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
    assert len(modules) <= MOST_FILES, f"{_name(folder)} holds {len(modules)} files: give some a folder of their own"
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    assert text and text.splitlines()[0].endswith("."), f"{_name(folder)}/__init__.py does not say what it is for"


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_no_file_repeats_the_name_of_its_folder(folder: Path) -> None:
    names = {folder.name, folder.name.removesuffix("s")}
    repeated = [file.name for file in folder.glob("*_*.py") if names & set(file.stem.split("_"))]
    assert not repeated, f"{_name(folder)}: {repeated}"


def test_the_architecture_page_draws_every_folder() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = page[page.index("## The house") : page.index("## Names and plug-ins")]
    known = set(re.findall(r"\b(\w+)/", drawn))
    homes = {PACKAGE / "tokenizers" / "published", *(PACKAGE / "generators" / "published").iterdir()}
    wanted = {folder for folder in FOLDERS if folder != PACKAGE and not homes & set(folder.parents)}
    assert not sorted(_name(folder) for folder in wanted if folder.name not in known)


def test_every_place_that_the_docs_name_is_there() -> None:
    lost = []
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "README.md"]:
        for path in re.findall(
            r"`((?:vtbench/)?[a-z_]+(?:/[a-z_0-9]+)*/[a-z_0-9]*(?:\.py)?)`", page.read_text("utf-8")
        ):
            top = path.removeprefix("vtbench/").partition("/")[0]
            is_ours = path.startswith("vtbench/") or (path.endswith(".py") and (PACKAGE / top).is_dir())
            if is_ours and not (PACKAGE / path.removeprefix("vtbench/")).exists():
                lost.append(f"{page.name}: {path}")
    assert not lost
