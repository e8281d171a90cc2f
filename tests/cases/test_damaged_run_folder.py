"""Files of a run that are empty, cut, foreign or gone, as a crash of the machine leaves them: one costs no other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RUN = ("run", "--task", "quick.yaml", "--data", "d", "-t", "resize,factor=2", "-t", "jpeg,quality=10", "--out", "r")
DAMAGES = ("empty", "cut", "foreign", "gone")
WITH_FEATURES = "set_metrics: [{name: kid_efflite0, params: {subset_size: 4, subsets: 3}}]\n"


@pytest.fixture
def good(vt: Callable[..., Any], images: Callable[..., Any], place: Path) -> dict[str, float]:
    """A whole run folder ``r``; the values that any repaired one must give."""
    images("d", 8)
    done = vt(*RUN, "--json")
    assert done.code == 0, done.err
    return values(done)


def values(done: Any) -> dict[str, float]:
    return {row["model"]: row["results"]["mae"]["value"] for row in done.rows}


def job(place: Path, out: str = "r") -> Path:
    (folder,) = place.glob(f"{out}/quick/resize*/*")
    return folder


def damage(path: Path, how: str) -> None:
    if how == "gone":
        path.unlink()
    else:
        data = path.read_bytes()
        path.write_bytes({"empty": b"", "cut": data[: len(data) // 2], "foreign": b"\x00\xff{" * 200}[how])


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_record_hides_no_other_and_is_made_anew(
    vt: Callable[..., Any], good: dict[str, float], place: Path, how: str
) -> None:
    record = job(place) / "record.json"
    damage(record, how)
    shown = vt("show", "r", "--json")
    assert shown.code == 0 and [row["model"] for row in shown.rows] == ["jpeg,quality=10"]
    if how != "gone":
        assert str(record.relative_to(place)) in shown.err and "give the same vtbench run again" in shown.err
        for verb in (("show", record), ("show", record.parent), ("compare", record, "r")):
            named = vt(*verb)
            assert named.code == 1 and "record.json is not JSON" in named.err, verb
    again = vt(*RUN, "--json")
    assert again.code == 0 and values(again) == good
    assert len(vt("show", "r", "--json").rows) == 2


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_parts_are_made_again(vt: Callable[..., Any], good: dict[str, float], place: Path, how: str) -> None:
    parts = ("blocks/00000.parquet", "plan.json")
    for part in parts:
        damage(job(place) / part, how)
    damage(next(place.glob("r/quick/jpeg*/*")) / "blocks" / "00001.safetensors", how)
    for record in place.glob("r/quick/*/*/record.json"):
        record.unlink()
    again = vt(*RUN, "--json")
    assert again.code == 0 and values(again) == good, again.err
    assert how == "gone" or all(name in again.err for name in ("00000.parquet", "00001.safetensors", "plan.json"))


def test_blocks_in_each_others_place(vt: Callable[..., Any], good: dict[str, float], place: Path) -> None:
    blocks = job(place) / "blocks"
    shutil.copy(blocks / "00000.parquet", blocks / "00001.parquet")
    (job(place) / "record.json").unlink()
    again = vt(*RUN, "--json")
    assert again.code == 0 and values(again) == good and "does not hold samples 4 to 7" in again.err


@pytest.mark.parametrize("how", DAMAGES)
def test_rows_are_written_again_and_the_record_stays(
    vt: Callable[..., Any], good: dict[str, float], place: Path, how: str
) -> None:
    rows, record = job(place) / "samples.parquet", job(place) / "record.json"
    before, kept = rows.read_bytes(), record.read_bytes()
    damage(rows, how)
    from vtbench import samples_frame

    if how == "gone":
        assert len(samples_frame("r")) == 8
    else:
        with pytest.warns(UserWarning, match=r"samples\.parquet .*same vtbench run again"):
            assert len(samples_frame("r")) == 8
    assert vt(*RUN, "--json").code == 0
    assert rows.read_bytes() == before and record.read_bytes() == kept


def test_every_reader_of_a_folder_passes_over_a_damaged_record(
    vt: Callable[..., Any], good: dict[str, float], place: Path
) -> None:
    damage(job(place) / "record.json", "cut")
    reported = vt("report", "r", "-o", "page.html")
    assert reported.code == 0 and "jpeg,quality=10" in (place / "page.html").read_text()
    added = vt("leaderboard", "add", "r", "--root", "boards")
    assert added.code == 0 and "passed over" in reported.err + added.err
    damage(next(place.glob("r/quick/jpeg*/*/record.json")), "cut")
    nothing = vt("show", "r")
    assert nothing.code == 1 and nothing.out == "" and "record.json" in nothing.err


def test_check_fails_where_a_record_cannot_be_read(vt: Callable[..., Any], good: dict[str, float], place: Path) -> None:
    assert vt("check", "r", "--baseline", "base.json", "--update").code == 0
    shutil.copytree(place / "r", place / "new")
    damage(job(place, "new") / "record.json", "empty")
    failed = vt("check", "new", "--baseline", "base.json")
    assert failed.code == 1 and "record.json is not JSON" in failed.err
    against = vt("check", "r", "--baseline", "new")
    assert against.code == 1 and "record.json is not JSON" in against.err
    before = (place / "base.json").read_bytes()
    assert vt("check", "new", "--baseline", "base.json", "--update").code == 1
    assert (place / "base.json").read_bytes() == before


def test_rescore_scores_what_it_can_and_names_the_repair(
    vt: Callable[..., Any], good: dict[str, float], place: Path
) -> None:
    damage(job(place) / "blocks" / "00001.parquet", "cut")
    done = vt("rescore", "r", "--json")
    assert done.code == 1 and [row["model"] for row in done.rows] == ["jpeg,quality=10"]
    assert "00001.parquet" in done.err and "give the same vtbench run again" in done.err
    (job(place) / "record.json").unlink()
    again = vt(*RUN, "--json")
    assert again.code == 0 and values(again) == good and vt("rescore", "r").code == 0


def test_features_and_references_are_computed_again(
    vt: Callable[..., Any], images: Callable[..., Any], place: Path
) -> None:
    """A feature file that opens but lacks its feature shows only when it is read; shared references are like blocks."""
    from vtbench.core.outside.tensor_files import write_tensors

    images("d", 8)
    (place / "more").mkdir()
    (place / "more" / "quick.yaml").write_text((place / "quick.yaml").read_text() + WITH_FEATURES)
    run = ("run", "--task", "more/quick.yaml", "--data", "d", "-t", "resize,factor=2", "--out", "r")
    first = vt(*run, "--json")
    assert first.code == 0, first.err
    kid, record = first.value("kid_efflite0"), job(place) / "record.json"
    for number in (0, 1):
        write_tensors(job(place) / "blocks" / f"{number:05d}.safetensors", {"x": np.zeros(1)}, {"of": "another"})
    for shared in place.glob("r/.references/*/00001.safetensors"):
        damage(shared, "cut")  # in place, so that the hard link in the cache is cut too
    record.unlink()
    again = vt(*run, "--json")
    assert again.code == 0 and again.value("kid_efflite0") == kid, again.err
    assert "measured again" in again.err
