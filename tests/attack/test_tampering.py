"""Whole files that are not what was stored: swapped, doubled, cut, edited, another job's, gone.

``run`` makes them again and says so, ``rescore`` refuses them by name, ``verify`` tells them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

RUN = ("run", "--task", "quick.yaml", "--data", "d", "-t", "resize,factor=2", "-t", "jpeg,quality=10", "--out", "r")
Vt = Callable[..., Any]


@pytest.fixture
def good(vt: Vt, images: Callable[..., Any], place: Path) -> Any:
    """Two whole jobs below ``r``, and what they print."""
    images("d", 8)
    done = vt(*RUN, "--json")
    assert done.code == 0, done.err
    assert vt("verify", "r").code == 0
    return [row["results"] for row in done.rows]


def job(place: Path, model: str = "resize") -> Path:
    (folder,) = place.glob(f"r/quick/{model}*/*")
    return folder


def swap_blocks(folder: Path, other: Path) -> str:
    del other
    for end in ("parquet", "safetensors"):
        first, second = (folder / "blocks" / f"0000{number}.{end}" for number in (0, 1))
        first.rename(folder / "x")
        second.rename(first)
        (folder / "x").rename(second)
    return "00000.parquet"


def swap_tensors_alone(folder: Path, other: Path) -> str:
    del other
    first, second = (folder / "blocks" / f"0000{number}.safetensors" for number in (0, 1))
    first.rename(folder / "x")
    second.rename(first)
    (folder / "x").rename(second)
    return "00000.safetensors"


def take_a_block_of_another_job(folder: Path, other: Path) -> str:
    for end in ("parquet", "safetensors"):
        shutil.copy(other / "blocks" / f"00001.{end}", folder / "blocks" / f"00001.{end}")
    return "00001.safetensors"


def take_tensors_of_another_job(folder: Path, other: Path) -> str:
    shutil.copy(other / "blocks" / "00001.safetensors", folder / "blocks" / "00001.safetensors")
    return "00001.safetensors"


def cut_rows(folder: Path, other: Path) -> str:
    """Valid Parquet of two of four rows, the file's own metadata kept."""
    del other
    path = folder / "blocks" / "00001.parquet"
    pq.write_table(pq.read_table(path).slice(0, 2), path)
    return path.name


def change_a_row(folder: Path, other: Path) -> str:
    del other
    path = folder / "blocks" / "00000.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("mae")
    values = table["mae"].to_numpy() / 2
    pq.write_table(table.set_column(place, table.schema.field(place), [values]), path)
    return path.name


def strip_the_digest(folder: Path, other: Path) -> str:
    del other
    path = folder / "blocks" / "00000.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    return path.name


def double_the_counts(folder: Path, other: Path) -> str:
    """Arrays of another shape beside the metadata that were there."""
    del other
    path = folder / "blocks" / "00000.safetensors"
    with safe_open(path, framework="numpy") as stored:
        notes = stored.metadata()
    save_file({**load_file(path), "more": np.ones(3)}, path, metadata=notes)
    return path.name


def edit_the_plan(folder: Path, other: Path) -> str:
    del other
    path = folder / "plan.json"
    path.write_text(path.read_text().replace('"samples": 8', '"samples": 4'))
    return path.name


def take_the_plan_of_another_job(folder: Path, other: Path) -> str:
    shutil.copy(other / "plan.json", folder / "plan.json")
    return "blocks"


DAMAGES = [
    swap_blocks,
    swap_tensors_alone,
    take_a_block_of_another_job,
    take_tensors_of_another_job,
    cut_rows,
    change_a_row,
    strip_the_digest,
    double_the_counts,
    edit_the_plan,
    take_the_plan_of_another_job,
]


@pytest.mark.parametrize("tamper", DAMAGES, ids=lambda tamper: tamper.__name__)
@pytest.mark.parametrize("finished", [True, False], ids=["beside its record", "without a record"])
def test_what_decides_a_number(vt: Vt, good: Any, place: Path, tamper: Callable[..., str], finished: bool) -> None:
    if not finished:
        (job(place) / "record.json").unlink()
    name = tamper(job(place), job(place, "jpeg"))
    told = vt("verify", "r", "--json")
    assert told.code == 1 and any(name in row["path"] + row["what"] for row in told.rows if row["status"] == "damaged")
    again = vt("rescore", job(place))
    assert again.code == 1 and again.out == "" and name in again.err
    mended = vt(*RUN, "--json")
    assert mended.code == 0 and [row["results"] for row in mended.rows] == good, mended.err
    assert "again" in mended.err or "anew" in mended.err
    assert vt("verify", "r").code == 0


def test_an_edited_record(vt: Vt, good: Any, place: Path) -> None:
    path = job(place) / "record.json"
    content = json.loads(path.read_text())
    content["results"][0]["value"] = 99.0
    path.write_text(json.dumps(content))
    for verb in (("show", path), ("verify", path), ("leaderboard", "add", path, "--root", "boards")):
        done = vt(*verb)
        assert done.code == 1 and "edited" in done.out + done.err, verb
    mended = vt(*RUN, "--json")
    assert mended.code == 0 and [row["results"] for row in mended.rows] == good and "was edited" in mended.err
    assert vt("verify", "r").code == 0


def test_a_record_that_was_sealed_again_is_held_against_its_rows(vt: Vt, good: Any, place: Path) -> None:
    from vtbench.core.outside.seals import sealed

    path = job(place) / "record.json"
    content = {key: value for key, value in json.loads(path.read_text()).items() if key != "sha256"}
    (entry,) = (one for one in content["results"] if one["metric"] == "mae")
    entry["value"] /= 2
    path.write_text(json.dumps(sealed(content)))
    told = vt("verify", "r", "--json")
    assert told.code == 1 and any("its rows give" in row["what"] for row in told.rows)


def test_a_record_that_ends_before_it_began(vt: Vt, good: Any, place: Path) -> None:
    from vtbench.core.outside.seals import sealed

    path = job(place) / "record.json"
    content = {key: value for key, value in json.loads(path.read_text()).items() if key != "sha256"}
    content["created"] = "2999-01-01T00:00:00+00:00"
    path.write_text(json.dumps(sealed(content)))
    assert "before it was created" in vt("show", path).err
    assert vt("verify", "r").code == 1
    assert vt(*RUN).code == 0 and vt("verify", "r").code == 0


@pytest.mark.parametrize("verb", [("rescore", "r"), RUN], ids=["rescore", "run"])
def test_a_record_of_a_newer_schema_is_not_written_over(vt: Vt, good: Any, place: Path, verb: tuple[str, ...]) -> None:
    from vtbench.core.outside.seals import sealed

    path = job(place) / "record.json"
    content = {key: value for key, value in json.loads(path.read_text()).items() if key != "sha256"}
    newer = json.dumps(sealed({**content, "schema_version": 7, "of the future": [1]}))
    path.write_text(newer)
    done = vt(*verb)
    assert done.code == 1 and "has schema 7" in done.err and "upgrade vtbench" in done.err
    assert path.read_text() == newer
    path.unlink()
    assert vt(*verb).code == 0


@pytest.mark.parametrize("part", ["blocks", "samples.parquet", "plan.json"])
def test_parts_that_are_gone_beside_a_record(vt: Vt, good: Any, place: Path, part: str) -> None:
    gone = job(place) / part
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    told = vt("verify", "r", "--json")
    assert told.code == 1 and any(part in row["path"] for row in told.rows if row["status"] == "damaged")
    mended = vt(*RUN, "--json")
    assert mended.code == 0 and [row["results"] for row in mended.rows] == good and part in mended.err
    assert vt("verify", "r").code == 0


def test_rows_of_another_job_beside_a_record(vt: Vt, good: Any, place: Path) -> None:
    shutil.copy(job(place, "jpeg") / "samples.parquet", job(place) / "samples.parquet")
    assert vt("verify", "r").code == 1
    mended = vt(*RUN, "--json")
    assert mended.code == 0 and "samples.parquet" in mended.err and vt("verify", "r").code == 0


def test_doubled_reference_rows(
    vt: Vt, images: Callable[..., Any], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vtbench.core.disk.files import cache_dir

    monkeypatch.setenv("VTBENCH_ASSETS", str(cache_dir() / "assets"))
    monkeypatch.setenv("VTBENCH_CACHE", str(place / "cache"))
    images("d", 8)
    features = "set_metrics: [{name: kid_efflite0, params: {subset_size: 4, subsets: 3}}]\n"
    (place / "features.yaml").write_text(
        (place / "quick.yaml").read_text().replace("name: quick", "name: features") + features
    )
    run = [word.replace("quick.yaml", "features.yaml") for word in RUN]
    first = vt(*run, "--json")
    assert first.code == 0, first.err
    (path,) = place.glob("r/.references/*/00000.safetensors")
    with safe_open(path, framework="numpy") as stored:
        notes = stored.metadata()
    doubled = {name: np.concatenate([array, array]) for name, array in load_file(path).items()}
    save_file(doubled, path, metadata=notes)
    for cached in place.glob("cache/references/*/00000.safetensors"):
        cached.unlink()
    again = vt("rescore", "r")
    assert again.code == 1 and "00000.safetensors is damaged" in again.err and vt("verify", "r").code == 1
    mended = vt(*run, "--json")
    assert [row["results"] for row in mended.rows] == [row["results"] for row in first.rows]
    assert vt("verify", "r").code == 0


def test_files_of_earlier_versions(vt: Vt, good: Any, place: Path) -> None:
    path = job(place) / "record.json"
    content = {key: value for key, value in json.loads(path.read_text()).items() if key not in ("sha256", "integrity")}
    (place / "old").mkdir()
    (place / "old" / "record.json").write_text(json.dumps(content))
    assert vt("show", "old").code == 0
    told = vt("verify", "old", "--json")
    assert told.code == 0 and [row["status"] for row in told.rows] == ["unchecked"]
    assert "earlier version" in told.rows[0]["what"]


def test_strangers_and_links_are_told(vt: Vt, good: Any, place: Path) -> None:
    (job(place) / "notes.txt").write_text("mine")
    (job(place) / "blocks" / ".00000.parquet.x.partial").write_text("")
    (job(place) / "previews" / "link").symlink_to(place / "d")
    told = vt("verify", "r", "--json")
    assert (
        told.code == 0 and [row["status"] for row in told.rows if row["status"] != "ok"] == ["link"] + ["unknown"] * 2
    )


def test_a_leaderboard(vt: Vt, good: Any, place: Path) -> None:
    assert vt("leaderboard", "add", "r", "--root", "boards").code == 0
    assert vt("leaderboard", "build", "--root", "boards").code == 0
    assert vt("verify", "boards").code == 0
    (table,) = place.glob("boards/*.csv")
    table.write_text(table.read_text().replace("complete", "completed", 1))
    assert vt("verify", "boards").code == 1
    assert vt("leaderboard", "build", "--root", "boards").code == 0
    record = sorted(place.glob("boards/records/*/*.json"))[0]
    record.write_text(record.read_text().replace('"seed": 0', '"seed": 1', 1))
    told = vt("verify", "boards", "--json")
    assert told.code == 1 and str(record.relative_to(place)) in [
        r["path"] for r in told.rows if r["status"] == "damaged"
    ]
