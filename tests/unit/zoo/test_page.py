"""The zoo's page beyond its tables: a tokenizer's share of a generator's distance, and pictures of what is made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vtbench.core.pixels import to_uint8, to_unit
from vtbench.data.open import open_data
from vtbench.report.gather import Board, Run
from vtbench.results.records.record import RunRecord, read_record
from vtbench.results.records.schema import MetricResult
from vtbench.tokenizers.resolve import resolve_tokenizer
from vtbench.zoo.page import gallery
from vtbench.zoo.page.shares import bounds, section
from vtbench.zoo.page.values import DISTANCE

RECORDS = Path(__file__).resolve().parents[3] / "leaderboards" / "records" / "generation-mini"


def row(label: str, tokenizer: str, value: float, half: float = 1.0) -> Run:
    like: RunRecord = read_record(next(iter(sorted(RECORDS.glob("*.json")))))
    model = like.model.model_copy(update={"reference": label, "label": label, "tokenizer": tokenizer})
    result = MetricResult(metric=DISTANCE, value=value, n=9, ci_low=value - half, ci_high=value + half)
    return Run(like.model_copy(update={"model": model, "results": [result]}), Path())


ALONE = Board((row("identity", "", 10.0), row("zoo-vq", "", 30.0), row("zoo-kl", "", 20.0)))


def test_a_generator_stands_beside_its_tokenizer_alone() -> None:
    made = Board((row("far", "zoo-vq", 50.5), row("near", "zoo-kl", 25.0), row("of no row", "other", 1.0)))
    found = bounds(made, ALONE)
    assert [(bound.generator, bound.share.value, bound.added) for bound in found] == [
        ("near", 20.0, 5.0),
        ("far", 30.0, 20.5),
    ]
    text = section(made, ALONE)
    assert "| near | zoo-kl | 20.0 ±1.0 | 25.0 ±1.0 | 5.0 |" in text and "have 10.0 ±1.0" in text
    assert "in every row the tokenizer alone is nearer" in text and "of no row" not in text
    assert section(Board(made.runs[2:]), ALONE) == ""


@pytest.mark.parametrize("value", [29.0, 31.0])
def test_a_bound_within_the_intervals_is_not_called_one(value: float) -> None:
    text = section(Board((row("close", "zoo-vq", value), row("far", "zoo-vq", 50.0))), ALONE)
    assert "**not** in every row beyond both intervals: close." in text


def test_pictures_hold_the_images_as_they_are_and_names_beside_them(tmp_path: Path) -> None:
    rows = gallery.reconstructions(["patch-vq", "patch-pca"], count=3)
    assert list(rows) == ["the tiles", "patch-vq", "patch-pca"]
    tiles = open_data("tiles-mini,count=3")
    assert rows["the tiles"].shape == (3, 3, 32, 32) and tiles[0].image.shape[-1] == 128
    tokenizer = resolve_tokenizer("patch-pca")
    again = to_uint8(tokenizer.decode(tokenizer.encode(to_unit(rows["the tiles"]))))
    assert torch.equal(rows["patch-pca"], again)
    drawn = np.asarray(gallery.picture(rows, 3))
    assert drawn.shape == (3 * 96, drawn.shape[1], 3)
    images, names = drawn[:, -3 * 96 :], drawn[:, : -3 * 96]
    for place, made in enumerate(rows.values()):
        line = images[place * 96 : (place + 1) * 96 : 3, ::3]
        assert (line == np.concatenate(list(made.permute(0, 2, 3, 1).numpy()), axis=1)).all()
        assert (names[place * 96 : (place + 1) * 96] < 128).any(), "a name"
    gallery.write_gallery(tmp_path, ["patch-vq"], [])
    with Image.open(tmp_path / gallery.RECONSTRUCTIONS) as found:
        assert found.height == 2 * 96 and not (tmp_path / gallery.SAMPLES).exists()


def test_samples_are_of_each_class_in_turn_and_of_their_own_seeds() -> None:
    (found,) = gallery.samples(["tiny-ar"], classes=3, rows=2).values()
    again = gallery.samples(["tiny-ar"], classes=3, rows=1)["tiny-ar"]
    assert found.shape == (6, 3, 64, 64) and torch.equal(found[:3], again) and not torch.equal(found[0], found[3])
