"""Sets of clouds, the whole way: scores that are known beforehand, kills, faults, and all that reads records."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binom

from vtbench.results.records.record import RunRecord, load_records
from vtbench.results.records.samples import SAMPLES_FILE
from vtbench.tasks import load_task

CommandLine = Callable[..., Any]
SOLIDS = """
name: solids
version: 1
kind: shapes
summary: As shapes-mini, of fewer points.
shapes: {points: 64}
reference: {data: solids-mini}
shape_metrics: [mmd_cd, mmd_emd, cov_cd, cov_emd, nna_cd, nna_emd, nna_cd_gap, nna_emd_gap, jsd_3d]
block_size: 5
previews: {fixed: 3, worst: 0}
table: [nna_cd, nna_emd, jsd_3d]
"""
YOURS = (
    SOLIDS.replace("name: solids", "name: yours").replace("{data: solids-mini}", "{}").replace("_size: 5", "_size: 2")
)
ROWS = [word for drawn in ("anew", "copies", "one-mode") for word in ("-g", f"solids-mini,drawn={drawn},name={drawn}")]


@pytest.fixture
def tasks(place: Path) -> Path:
    (place / "solids.yaml").write_text(SOLIDS)
    (place / "yours.yaml").write_text(YOURS)
    return place


def records(folder: Path) -> dict[str, RunRecord]:
    return {record.model.label: record for record in load_records(folder)}


def values(record: RunRecord) -> dict[str, float]:
    return {result.metric: result.value for result in record.results}


def test_three_rows_whose_scores_are_known(tasks: Path, vt: CommandLine) -> None:
    done = vt("run", "--task", "solids.yaml", *ROWS, "--json")
    assert done.code == 0, done.err
    found = records(tasks / "runs")
    anew, copies, one = (values(found[name]) for name in ("anew", "copies", "one-mode"))
    least, most = (100 * end / 48 for end in binom.interval(0.99, 48, 0.5))
    for distance in ("cd", "emd"):
        assert copies[f"nna_{distance}"] == copies[f"mmd_{distance}"] == 0 and copies[f"cov_{distance}"] == 100
        assert copies[f"nna_{distance}_gap"] == 50
        assert least <= anew[f"nna_{distance}"] <= most
        assert one[f"nna_{distance}"] >= 85 and one[f"cov_{distance}"] < 15
        assert one[f"mmd_{distance}"] > anew[f"mmd_{distance}"] > 0
    assert copies["jsd_3d"] == 0 < anew["jsd_3d"] < one["jsd_3d"] <= 1
    nearest = found["anew"].result("mmd_emd")
    assert (
        nearest is not None and nearest.ci_low is not None and nearest.ci_low < nearest.value < (nearest.ci_high or 0)
    )
    assert "over references" in nearest.ci_method and nearest.details["points"] == 64
    accuracy = found["anew"].result("nna_cd")
    assert accuracy is not None and accuracy.ci_low is None and accuracy.details["ties"] == 0
    assert all(record.status == "complete" and record.data.n_expected == 24 for record in found.values())

    assert vt("verify", "runs").code == 0
    before = {name: record.results_digest() for name, record in found.items()}
    assert vt("rescore", "runs").code == 0
    assert {name: record.results_digest() for name, record in records(tasks / "runs").items()} == before
    folders = {path.parent.parent.name: path.parent for path in (tasks / "runs").rglob("record.json")}
    assert all(len(list(folder.glob("previews/*.webp"))) == 3 for folder in folders.values())
    compared = vt("compare", folders["anew"], folders["one-mode"])
    assert compared.code == 0 and "nna_cd_gap" in compared.out
    assert vt("report", "runs", "-o", "page.html").code == 0
    assert "each beside its nearest reference" in (tasks / "page.html").read_text("utf-8")
    assert vt("leaderboard", "add", folders["anew"], "--root", "board").code == 0
    assert vt("leaderboard", "build", "--root", "board").code == 0
    assert "nna_emd_gap" in (tasks / "board" / "shapes.csv").read_text("utf-8")


def test_the_embedded_rows_by_the_chamfer_distance(tasks: Path, vt: CommandLine) -> None:
    """As docs/shapes.md tells them; by the earth mover's distance the same takes twelve seconds."""
    text = SOLIDS.replace("points: 64", "points: 256").replace("name: solids", "name: whole")
    asked = text.partition("shape_metrics")[0] + "shape_metrics: [nna_cd, cov_cd]\n"
    (tasks / "whole.yaml").write_text(asked)
    done = vt("run", "--task", "whole.yaml", *ROWS, "--json")
    assert [done.value("nna_cd", place) for place in range(3)] == [56.25, 0.0, 100.0]
    assert done.value("cov_cd", 1) == 100 and done.value("cov_cd", 2) == pytest.approx(100 / 24)


def test_blocks_threads_and_what_was_lost_move_nothing(tasks: Path, vt: CommandLine) -> None:
    (tasks / "few.yaml").write_text(SOLIDS.replace("name: solids", "name: few").replace("points: 64", "points: 16"))
    run = ["run", "--task", "few.yaml", "-g", "solids-mini,drawn=anew"]
    assert vt(*run, "--out", "whole").code == 0
    shutil.copytree(tasks / "whole", tasks / "part")
    (folder,) = (path.parent for path in (tasks / "part").rglob("record.json"))
    for path in (folder / "record.json", *folder.glob("blocks/00002.*"), folder / "blocks" / "00000.parquet"):
        path.unlink()
    kept = (folder / "blocks" / "00001.parquet").stat().st_mtime_ns
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        again = vt(*run, "--out", "part")
    finally:
        torch.set_num_threads(before)
    assert again.code == 0 and "3 of 5 blocks are there" in again.err
    assert (folder / "blocks" / "00001.parquet").stat().st_mtime_ns == kept
    one, other = (next((tasks / out).rglob(SAMPLES_FILE)) for out in ("whole", "part"))
    assert one.read_bytes() == other.read_bytes()
    (whole,), (part,) = load_records(tasks / "whole"), load_records(tasks / "part")
    assert whole.results_digest() == part.results_digest()
    (tasks / "few.yaml").write_text((tasks / "few.yaml").read_text().replace("block_size: 5", "block_size: 24"))
    assert vt(*run, "--out", "blocks").code == 0
    (others,) = load_records(tasks / "blocks")
    assert values(others) == values(whole) and others.task.protocol_id == whole.task.protocol_id


def test_broken_clouds_fail_with_the_reference_of_their_place(tasks: Path, vt: CommandLine) -> None:
    draw = np.random.default_rng(0)
    samples, references = draw.normal(size=(7, 64, 3)) * 0.1, draw.normal(size=(7, 80, 3)) * 0.1
    np.save("sound.npy", samples[[0, 1, 3, 4, 6]])
    np.save("sound-references.npy", references[[0, 1, 3, 4, 6]])
    samples[2, 5], references[5, 1] = np.nan, np.inf
    np.save("samples.npy", samples)
    np.save("references.npy", references)
    task = ["--task", "yours.yaml"]
    done = vt("run", *task, "-g", "clouds,path=samples.npy,name=a", "--reference", "references.npy")
    assert "2 of 7 samples could not be scored" in done.err + done.out or done.code in (0, 1)
    sound = vt("run", *task, "-g", "clouds,path=sound.npy,name=b", "--reference", "sound-references.npy", "--json")
    assert sound.code == 0, sound.err
    found = records(tasks / "runs")
    assert values(found["a"]) == values(found["b"])
    assert found["a"].status == "partial" and found["a"].data.n_failed == 2
    told = {failure.id: failure.message for failure in found["a"].failures}
    assert told == {
        "000002": "samples.npy[2]: 1 of 64 points are not finite",
        "000005": "the reference of its place: references.npy[5]: 1 of 80 points are not finite",
    }


def test_unequal_sets_are_drawn_to_one_size_and_it_is_told(tasks: Path, vt: CommandLine) -> None:
    draw = np.random.default_rng(1)
    np.save("many.npy", draw.normal(size=(9, 64, 3)))
    np.save("few.npy", draw.normal(size=(5, 64, 3)))
    run = ["run", "--task", "yours.yaml", "--reference"]
    assert vt(*run, "few.npy", "-g", "clouds,path=many.npy,name=many").code == 0
    assert vt(*run, "many.npy", "-g", "clouds,path=few.npy,name=few").code == 0
    found = records(tasks / "runs")
    assert [len(r.data.fingerprint) for r in found.values()] == [64, 64]
    assert "5 of 9 samples, drawn by seed 0" in found["many"].warnings
    assert "5 of 9 references, drawn by seed 0" in found["few"].warnings
    assert all(record.data.n_scored == 5 for record in found.values())
    limited = vt(*run, "many.npy", "-g", "clouds,path=many.npy,name=same", "--limit", "4")
    assert limited.code == 0, limited.err
    same = records(tasks / "runs")["same"]
    assert same.status == "limited" and same.data.limited_from == 9 and values(same)["nna_cd"] == 0


def test_scale_is_part_of_the_protocol(tasks: Path, vt: CommandLine) -> None:
    draw = np.random.default_rng(2)
    samples = draw.normal(size=(4, 64, 3))
    np.save("samples.npy", samples)
    np.save("larger.npy", samples * [[[2.0]], [[3.0]], [[4.0]], [[5.0]]] + 7.0)
    ids = set()
    for rule in ("none", "unit-sphere", "set"):
        text = YOURS.replace("name: yours", f"name: {rule}").replace("points: 64", f"points: 64, normalise: {rule}")
        (tasks / f"{rule}.yaml").write_text(text)
        ids.add(load_task(str(tasks / f"{rule}.yaml")).protocol_id.partition("+")[2])
        done = vt(
            "run", "--task", f"{rule}.yaml", "-g", "clouds,path=samples.npy", "--reference", "larger.npy", "--json"
        )
        assert done.code == 0, done.err
        if rule == "unit-sphere":
            assert done.value("mmd_emd") == pytest.approx(0, abs=1e-12) and done.value("nna_emd") == 0
            assert done.value("jsd_3d") == pytest.approx(0, abs=1e-3)
        else:
            assert done.value("nna_emd") > 50
    assert len(ids) == 3
    plain, scaled = (next((tasks / "runs" / rule).rglob("record.json")) for rule in ("none", "set"))
    deviation = float((np.load("larger.npy") - np.load("larger.npy").reshape(-1, 3).mean(0)).std())
    emd = [values(next(iter(load_records(path.parent))))["mmd_emd"] for path in (plain, scaled)]
    assert emd[0] == pytest.approx(emd[1] * deviation, rel=1e-9), "one shift and one scale for all"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--task", "solids.yaml", "-g", "tiny-ar"], "makes images, the task solids takes point clouds"),
        (["--task", "generation-mini", "-g", "solids-mini"], "is point clouds, the task generation-mini takes images"),
        (["--task", "yours.yaml", "-g", "solids-mini"], "names no reference"),
        (["--task", "yours.yaml", "-g", "solids-mini", "--reference", "one.npy"], "compares 2 clouds a side"),
        (["--task", "solids.yaml", "-g", "clouds,path=x.pkl"], "holds Python objects"),
        (["--task", "solids.yaml", "-g", "solids-mini", "--data", "one.npy"], "--data is read by none"),
        (["--task", "solids.yaml", "-t", "patch-vq"], "every task is one for generators"),
        (["--task", "preset.yaml", "-g", "solids-mini"], "has no images to preprocess"),
        (["--task", "images.yaml", "-g", "solids-mini"], "needs images"),
    ],
)
def test_what_cannot_be_measured_is_told_before_any_work(
    tasks: Path, vt: CommandLine, words: list[str], told: str
) -> None:
    np.save("one.npy", np.zeros((1, 64, 3)))
    Path("x.pkl").write_bytes(b"\x80\x04.")
    Path("preset.yaml").write_text(
        SOLIDS.replace("name: solids", "name: preset") + "preprocess: {preset: native@1, size: 64}\n"
    )
    Path("images.yaml").write_text(SOLIDS.replace("name: solids", "name: images") + "image_metrics: [psnr]\n")
    done = vt("run", *words)
    assert done.code == 2 and told in done.err, done.err
    assert not list(Path().rglob("plan.json"))


def test_every_pair_falls_to_one_row() -> None:
    """Rows of a circle cover every pair once, for odd and even counts."""
    from vtbench.run.measuring.shapes.asked import followers

    for count in (2, 5, 6, 24):
        pairs = [frozenset((index, other)) for index in range(count) for other in followers(index, count)]
        assert len(pairs) == len(set(pairs)) == math.comb(count, 2)
