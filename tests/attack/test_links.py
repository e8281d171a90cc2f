"""Links below a run's folder: nothing is written or deleted through them, whatever they lead to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RUN = ("run", "--task", "quick.yaml", "--data", "d", "-t", "resize,factor=2", "--out", "r")
Vt = Callable[..., Any]
Files = dict[str, bytes]


@pytest.fixture
def job(vt: Vt, images: Callable[..., Any], place: Path) -> Path:
    """A finished job's folder below ``r``, and ``mine``: what must not be touched."""
    images("d", 8)
    assert vt(*RUN).code == 0
    (place / "mine").mkdir()
    for name in ("00000009-picture.webp", "00000.parquet", "00000.safetensors", "keep.lock", "record.json"):
        (place / "mine" / name).write_bytes(b"mine")
    (folder,) = place.glob("r/quick/*/*")
    return folder


def mine(place: Path) -> Files:
    return {path.name: path.read_bytes() for path in sorted((place / "mine").iterdir())}


@pytest.mark.parametrize("part", ["previews", "blocks", ".score.lock"])
@pytest.mark.parametrize("verb", ["rescore", "run"])
def test_links_in_a_job(vt: Vt, job: Path, place: Path, part: str, verb: str) -> None:
    before, inner = mine(place), job / part
    shutil.rmtree(inner) if inner.is_dir() else inner.unlink(missing_ok=True)
    inner.symlink_to(place / "mine" / "keep.lock" if part.endswith("lock") else place / "mine")
    (job / "plan.json").touch()
    done = vt("rescore", "r") if verb == "rescore" else vt(*RUN)
    assert done.code != 0 and part in done.err and "symbolic link" in done.err
    assert mine(place) == before
    fresh = vt(*RUN, "--fresh")
    assert fresh.code == 0 and not inner.is_symlink() and mine(place) == before


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("options", [(), ("--fresh",)], ids=["run", "fresh"])
def test_links_above_a_job(vt: Vt, job: Path, place: Path, level: int, options: tuple[str, ...]) -> None:
    """``r/TASK``, ``r/TASK/MODEL`` or the job itself lies elsewhere."""
    link = [job, *job.parents][3 - level]
    shutil.move(link, place / "elsewhere")
    link.symlink_to(place / "elsewhere")
    before = sorted((place / "elsewhere").rglob("*"))
    done = vt(*RUN, *options)
    assert done.code != 0 and "symbolic link" in done.err
    assert sorted((place / "elsewhere").rglob("*")) == before


def test_the_folder_of_all_references(vt: Vt, job: Path, place: Path) -> None:
    from vtbench.core.errors import UnwritableError
    from vtbench.run.storing.blocks import Block
    from vtbench.run.storing.references import ReferenceFeatures

    (place / "r" / ".references").symlink_to(place / "mine")
    before = mine(place)
    with pytest.raises(UnwritableError, match="symbolic link"):
        ReferenceFeatures(place / "r", "key", frozenset()).write(Block(0, 0, 4), {})
    assert mine(place) == before


def test_a_link_to_a_file_is_replaced(vt: Vt, job: Path, place: Path) -> None:
    (job / "record.json").unlink()
    (job / "record.json").symlink_to(place / "mine" / "record.json")
    before = mine(place)
    assert vt("rescore", "r").code == 0
    assert not (job / "record.json").is_symlink() and mine(place) == before


def test_the_folder_given_may_be_a_link(vt: Vt, job: Path, place: Path) -> None:
    (place / "r").rename(place / "store")
    (place / "r").symlink_to(place / "store")
    (place / "one").symlink_to(next((place / "store").glob("quick/*/*")))
    (job / "record.json").unlink()
    assert vt(*RUN).code == 0 and vt("rescore", "r").code == 0 and vt("rescore", "one").code == 0
    assert vt("verify", "r").code == 0 and vt("verify", "one").code == 0
