"""Generated images against their conditions, from a list to records: what is shown, compared, and counted once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import vtbench
from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.core.info import GeneratorInfo
from vtbench.metrics.conditioned.diversity import LpipsDiversity
from vtbench.metrics.images.lpips import LpipsAlex
from vtbench.results.records.record import RunRecord
from vtbench.run.scoring.conditioned import line_numbers, mean_of_lines

TASK = """
name: restored
version: 1
kind: generation
summary: s
conditions: {of: images, images: [source], judged: [truth], per_prompt: 2}
preprocess: {preset: native@1}
image_metrics: [mae]
condition_metrics: [MINE:Drift, MINE:Spread]
strata: [scene]
block_size: 4
"""
METRICS = """
import torch
from vtbench.core.info import MetricInfo

class Drift:
    info = MetricInfo(name="drift", version=1, kind="condition", unit="levels", higher_is_better=False)
    roles = ("source",)
    def __call__(self, images, conditions):
        sources = torch.stack([one.image("source") for one in conditions])
        return (images.double() - sources.double()).abs().mean(dim=(1, 2, 3))

class Spread:
    info = MetricInfo(name="spread", version=1, kind="condition", higher_is_better=True)
    of_groups = True
    columns = ("low", "count")
    def __call__(self, images, conditions):
        level = images.double().mean(dim=(1, 2, 3))
        return {"low": level, "count": torch.full_like(level, len(images))}
    @staticmethod
    def fold(columns, lines):
        import numpy
        assert (columns["count"] == 2).all()
        return numpy.array([columns["low"][lines == line].max() - columns["low"][lines == line].min()
                            for line in numpy.unique(lines)])
"""


class Brightened:
    """The source, brighter by ten levels, and by twenty more in the second copy."""

    info = GeneratorInfo(name="brightened", conditions="none", images=("source",))

    def __init__(self) -> None:
        self.shown: set[tuple[str, ...]] = set()
        self.calls = 0

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        self.shown |= {tuple(one.images) for one in conditions}
        made = []
        for one in conditions:
            made.append(one.image("source").float() / 255 + (10 + 20 * (self.calls % 2)) / 255)
            self.calls += 1
        return torch.stack(made)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for number in range(5):
        Image.new("RGB", (12, 8), (40 * number, 90, 10)).save(tmp_path / f"{number}.png")
        Image.new("RGB", (12, 8), (40 * number + 10, 100, 20)).save(tmp_path / f"wanted{number}.png")
    lines = [
        {"images": {"source": f"{i}.png", "truth": f"wanted{i}.png"}, "scene": "odd" if i % 2 else "even"}
        for i in range(5)
    ]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "mine.py").write_text(METRICS)
    (tmp_path / "restored.yaml").write_text(TASK.replace("MINE", str(tmp_path / "mine.py")))
    return tmp_path


def measured(place: Path, generator: Any, **options: Any) -> RunRecord:
    given = {"data": str(place / "list.jsonl"), "device": "cpu", "workers": 0, "trust": [place], **options}
    (record,) = vtbench.evaluate(generator, str(place / "restored.yaml"), **given).records
    return record


def values(record: RunRecord) -> dict[tuple[str, str], tuple[float, int]]:
    return {(one.metric, one.stratum): (one.value, one.n) for one in record.results}


@pytest.mark.parametrize("batch", [1, 4])
def test_truths_are_for_metrics_and_lines_count_once(place: Path, batch: int) -> None:
    generator = Brightened()
    found = values(measured(place, generator, batch_size=batch))
    assert generator.shown == {("source",)}
    assert found["mae", "all"] == (10.0, 5)  # copies are 0 and 20 levels off: five lines, not ten images
    assert found["drift", "all"] == (20.0, 5)
    assert found["spread", "all"] == (20.0, 5)
    assert found["drift", "scene=even"] == (20.0, 3) and found["drift", "scene=odd"] == (20.0, 2)


def test_a_truth_that_is_missing_or_of_another_size_fails_its_samples_alone(place: Path) -> None:
    (place / "wanted1.png").unlink()
    Image.new("RGB", (16, 8)).save(place / "wanted2.png")
    record = measured(place, Brightened())
    assert {one.id[:5]: one.stage for one in record.failures} == {"00001": "metric", "00002": "metric"}
    told = [one.message for one in record.failures]
    assert "wanted1.png: no such file" in told[0] and "8x12, its truth 8x16" in told[-1]
    assert values(record)["mae", "all"][1] == 3


def test_images_that_are_there_are_matched_by_name(place: Path) -> None:
    made = place / "made"
    for number in range(4):
        for copy in range(2):
            (made / f"{number:05d}").mkdir(parents=True, exist_ok=True)
            level = 40 * number + 10 + 6 * copy
            Image.new("RGB", (12, 8), (level, 100 + 6 * copy, 20 + 6 * copy)).save(
                made / f"{number:05d}" / f"{copy}.png"
            )
    Image.new("RGB", (12, 8)).save(made / "other.png")
    record = measured(place, f"folder,path={made}")
    assert values(record)["mae", "all"] == (3.0, 4)
    assert len(record.failures) == 2 and "no image was made" in record.failures[0].message
    assert any("1 images are named after no condition" in note for note in record.warnings)


def test_samples_whose_truth_nobody_names_are_refused(place: Path) -> None:
    (place / "made").mkdir()
    Image.new("RGB", (12, 8)).save(place / "made" / "x.png")
    with pytest.raises(UsageError, match=r"compares .* with images as"):
        measured(place, f"folder,path={place / 'made'}", data=None)
    with pytest.raises(UsageError, match="no image is named after a condition"):
        measured(place, f"folder,path={place / 'made'}")


def test_what_a_condition_says_beside_is_data_where_it_is_read(place: Path) -> None:
    before = measured(place, Brightened()).data.fingerprint
    told = (place / "list.jsonl").read_text()
    (place / "list.jsonl").write_text(told.replace("odd", "strange"))
    assert measured(place, Brightened()).data.fingerprint != before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("block_size: 4", "block_size: 3"), "multiple"),
        (("judged: [truth]", "judged: [mask]"), "compares with an original"),
        (("images: [source], ", "images: [other], "), "compares with images as source"),
        (("judged: [truth]", "judged: [source, truth]"), "or it is not"),
    ],
)
def test_tasks_that_cannot_be_are_refused(place: Path, change: tuple[str, str], told: str) -> None:
    path = place / "restored.yaml"
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(UsageError, match=told):
        measured(place, Brightened())


def test_means_of_lines() -> None:
    lines = line_numbers(["a-s00", "b-s00", "a-s01", "c", "b-s01"])
    assert lines.tolist() == [0, 1, 0, 2, 1]
    found = mean_of_lines(np.array([1.0, 5.0, 3.0, np.nan, np.nan]), lines)
    np.testing.assert_array_equal(found, [2.0, 5.0, np.nan])


def test_diversity_is_the_mean_over_pairs() -> None:
    from vtbench import assets

    images = torch.randint(0, 256, (4, 3, 40, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    distance, diversity = LpipsAlex(), LpipsDiversity()
    assert diversity.required_assets and all(name in assets.names() for name in diversity.required_assets)
    pairs = [float(distance(images[i : i + 1], images[j : j + 1])) for i in range(4) for j in range(4) if i < j]
    found = diversity(images, [Condition()] * 4)
    assert float(found.mean()) == pytest.approx(sum(pairs) / 6, rel=1e-6)
    assert torch.isnan(diversity(images[:1], [Condition()])).all()
    assert float(diversity(images[:1].repeat(3, 1, 1, 1), [Condition()] * 3).max()) == pytest.approx(0.0, abs=1e-9)
