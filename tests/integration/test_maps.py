"""Maps in files, the whole way: perfect and broken ones, several samples a stem, and all that reads records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import jaccard_score

from vtbench.results.records.record import RunRecord, load_records
from vtbench.tasks import load_task

CommandLine = Callable[..., Any]
SEGMENTATION = "segmentation-maps-folder"


def write_labels(folder: Path, maps: dict[str, np.ndarray]) -> None:
    for stem, labels in maps.items():
        path = folder / f"{stem}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(labels.astype(np.uint8)).save(path)


def truth(count: int = 6) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    maps = {f"city/{index:02d}": draw.integers(0, 19, (24, 32)) for index in range(count)}
    for labels in maps.values():
        labels[:3] = 255
    return maps


def noisy(maps: dict[str, np.ndarray], share: float, seed: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    return {
        stem: np.where(draw.random(labels.shape) < share, draw.integers(0, 19, labels.shape), labels)
        for stem, labels in maps.items()
    }


def run(vt: CommandLine, task: str, folder: str, *words: str) -> Any:
    return vt("run", "--task", task, "-g", f"maps,path={folder},name={folder}", "--reference", "truth", *words)


def records(folder: Path) -> dict[str, RunRecord]:
    return {record.model.label: record for record in load_records(folder)}


def test_one_map_a_stem(place: Path, vt: CommandLine) -> None:
    maps = truth()
    guess = noisy(maps, 0.4, 1)
    write_labels(place / "truth", maps)
    write_labels(place / "oracle", maps)
    write_labels(place / "model", guess)
    for folder in ("oracle", "model"):
        done = run(vt, SEGMENTATION, folder)
        assert done.code == 0, done.err
    found = records(place / "runs")
    assert found["oracle"].result("miou").value == found["oracle"].result("mo_miou").value == 100
    together = [np.concatenate([one[stem].ravel() for stem in maps]) for one in (maps, guess)]
    valid = together[0] != 255
    each = 100 * jaccard_score(together[0][valid], together[1][valid], labels=range(19), average=None)
    miou, moving = found["model"].result("miou"), found["model"].result("mo_miou")
    assert miou.value == pytest.approx(each.mean()) and moving.value == pytest.approx(each[11:19].mean())
    assert miou.ci_low < miou.value < miou.ci_high and "over maps" in miou.ci_method and miou.n == 6
    assert found["model"].result("miou", "class=11").value == pytest.approx(each[11])
    assert found["model"].result("miou_best_of_1") is None and miou.details["samples_a_map"] == 1
    assert found["model"].data.scored_size == (24, 32)

    assert vt("verify", "runs").code == 0
    before = found["model"].results_digest()
    assert vt("rescore", "runs").code == 0 and records(place / "runs")["model"].results_digest() == before
    folders = {path.parent.parent.name: path.parent for path in (place / "runs").rglob("record.json")}
    assert len(list(folders["model"].glob("previews/*.webp"))) == 6
    compared = vt("compare", folders["oracle"], folders["model"])
    assert compared.code == 0 and "mo_miou" in compared.out
    assert vt("report", "runs", "-o", "page.html").code == 0
    assert "each beside its truth" in (place / "page.html").read_text("utf-8")
    assert vt("leaderboard", "add", folders["model"], "--root", "board").code == 0
    assert vt("leaderboard", "build", "--root", "board").code == 0
    assert "mo_miou" in (place / "board" / "maps.csv").read_text("utf-8")


def test_blocks_and_what_was_lost_move_nothing(place: Path, vt: CommandLine) -> None:
    maps = truth()
    write_labels(place / "truth", maps)
    write_labels(place / "model", noisy(maps, 0.4, 1))
    text = load_task(SEGMENTATION).model_dump_json(exclude_defaults=True)
    small = place / "small.yaml"
    small.write_text(text.replace(f'"{SEGMENTATION}"', '"small"').replace('"previews"', '"block_size":2,"previews"'))
    assert run(vt, "small.yaml", "model", "--out", "whole").code == 0
    (whole,) = load_records(place / "whole")
    (folder,) = (path.parent for path in (place / "whole").rglob("record.json"))
    (folder / "record.json").unlink()
    (folder / "blocks" / "00001.safetensors").unlink()
    again = run(vt, "small.yaml", "model", "--out", "whole")
    assert again.code == 0 and "2 of 3 blocks are there" in again.err
    assert run(vt, SEGMENTATION, "model", "--out", "one").code == 0
    (one,), (resumed,) = load_records(place / "one"), load_records(place / "whole")
    values = [[(r.metric, r.stratum, r.value, r.ci_low) for r in record.results] for record in (whole, resumed, one)]
    assert values[0] == values[1] == values[2]


def test_the_best_of_several_stands_beside_their_mean(place: Path, vt: CommandLine) -> None:
    maps = truth()
    write_labels(place / "truth", maps)
    samples = [noisy(maps, share, seed) for seed, share in enumerate((0.2, 0.5, 0.3))]
    for place_of, one in enumerate(samples):
        write_labels(place / "three", {f"{stem}/{place_of}": labels for stem, labels in one.items()})
        write_labels(place / f"alone{place_of}", one)
        assert run(vt, SEGMENTATION, f"alone{place_of}").code == 0
    done = run(vt, SEGMENTATION, "three")
    assert done.code == 0, done.err
    found = records(place / "runs")
    alone = [found[f"alone{index}"].result("miou").value for index in range(3)]
    three = found["three"]
    assert three.result("miou").value == pytest.approx(np.mean(alone))
    best = three.result("miou_best_of_3")
    assert best.value >= max(alone) and best.higher_is_better and best.n == 6
    assert three.result("mo_miou_best_of_3").value > three.result("mo_miou").value

    rows = np.random.default_rng(3).uniform(1, 80, (4, 8, 8))
    for index, depth in enumerate(rows):
        for folder, values in (("truth-depth", [depth]), ("two", [depth * 1.1, depth * 1.5])):
            for number, value in enumerate(values):
                path = place / folder / (f"{index}.npy" if len(values) == 1 else f"{index}/{number}.npy")
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, value)
    done = vt("run", "--task", "depth-maps-folder", "-g", "maps,path=two", "--reference", "truth-depth", "--json")
    assert done.code == 0, done.err
    assert done.value("depth_absrel") == pytest.approx(0.3) and done.value("depth_delta1") == 50
    assert done.rows[0]["results"]["depth_absrel_best_of_2"]["value"] == pytest.approx(0.1)
    assert done.rows[0]["results"]["depth_delta1_best_of_2"]["value"] == 100


def test_normals_in_pictures(place: Path, vt: CommandLine) -> None:
    for folder, red in (("truth", 128), ("model", 255)):
        (place / folder).mkdir()
        pixels = np.zeros((8, 8, 3), dtype=np.uint8)
        pixels[...] = [red, 128, 255 if folder == "truth" else 128]
        Image.fromarray(pixels).save(place / folder / "a.png")
    done = run(vt, "normal-maps-folder", "model", "--json")
    assert done.code == 0, done.err
    assert done.value("normal_mean_angle") == pytest.approx(90, abs=0.5) and done.value("normal_below_11_25") == 0


def test_maps_that_do_not_fit_fail_alone(place: Path, vt: CommandLine) -> None:
    maps = truth()
    write_labels(place / "truth", maps)
    stems = sorted(maps)
    guess = dict(maps)
    guess[stems[0]] = maps[stems[0]][::2]
    guess[stems[1]] = np.full((24, 32), 33)
    del guess[stems[2]]
    guess["city/stranger"] = maps[stems[0]]
    write_labels(place / "model", guess)
    (place / "model" / f"{stems[3]}.png").write_bytes(b"no picture")
    done = run(vt, SEGMENTATION, "model")
    record = records(place / "runs")["model"]
    told = {failure.id: failure.message for failure in record.failures}
    assert told[stems[0]].endswith("is 12x32, the reference 24x32 (height x width): maps are never resized")
    assert "holds 33: labels are 0 to 18" in told[stems[1]] and told[stems[2]] == "no such map"
    assert "cannot be read" in told[stems[3]] and len(told) == 4
    assert record.status == "partial" and record.result("miou").value == 100 and record.result("miou").n == 2
    assert any("1 maps belong to no reference: city/stranger" in warning for warning in record.warnings)
    assert done.code in (0, 1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-g", "maps,path=truth"], "names no reference"),
        (["-g", "maps,path=other", "--reference", "truth"], "has the stem of a reference"),
        (["-g", "maps,path=nowhere", "--reference", "truth"], "no folder"),
        (["-g", "solids-mini", "--reference", "truth"], "is no folder of maps"),
        (["-g", "maps,path=truth", "--reference", "truth", "--samples", "kept"], "--samples keeps generated images"),
    ],
)
def test_what_cannot_be_scored_is_told_before_any_work(
    place: Path, vt: CommandLine, words: list[str], told: str
) -> None:
    write_labels(place / "truth", truth(1))
    write_labels(place / "other", {"x": np.zeros((4, 4))})
    done = vt("run", "--task", SEGMENTATION, *words)
    assert done.code == 2 and told in done.err, done.err


@pytest.mark.parametrize(
    ("section", "metrics", "told"),
    [
        ("{of: depth}", "[miou]", "miou is no metric of depth"),
        ("{of: segmentation}", "[miou]", "state their classes"),
        ("{of: segmentation, classes: 19}", "[mo_miou]", "the classes under moving"),
        ("{of: segmentation, classes: 300}", "[miou]", "ignore is 255, which is a class"),
        ("{of: normals, moving: [1]}", "[normal_mean_angle]", "moving names classes"),
    ],
)
def test_a_task_says_what_its_maps_are_of(place: Path, section: str, metrics: str, told: str) -> None:
    text = f"name: mine\nversion: 1\nkind: maps\nsummary: Mine.\nreference: {{}}\nmap_metrics: {metrics}\n"
    text += f"maps: {section}\n"
    (place / "mine.yaml").write_text(text)
    with pytest.raises(Exception, match=told):
        load_task(str(place / "mine.yaml"))
