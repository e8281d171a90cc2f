"""What the zoo is measured with: statistics small enough to ship, images of each class, and calls that work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vtbench.checkpoints.cards import load_cards
from vtbench.core.contracts import Condition
from vtbench.core.disk.packaged import CHECKOUT, ZOO
from vtbench.core.errors import SampleError, VtbenchError
from vtbench.data.open import open_data
from vtbench.generators.elsewhere.reencoded import Reencoded
from vtbench.metrics.sets.frechet import Gaussian, Moments
from vtbench.metrics.sets.packed_scatter import packed, unpacked
from vtbench.metrics.sets.reference_statistics import open_statistics
from vtbench.run.measuring.evaluators import made_extractor
from vtbench.run.planning.reference_files import named_statistics
from vtbench.tasks.suites import load_suite
from vtbench.zoo.images import TORCHVISION, FitImages
from vtbench.zoo.measure import Counts, call_all, commands
from vtbench.zoo.references import build_references, name_of

CLASSES = 10


@pytest.fixture(scope="module")
def images() -> FitImages:
    """Ten classes, one after the other as they lie in the files, of five images each."""
    pixels = torch.randint(0, 256, (50, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return FitImages(pixels, torch.arange(50) // 5, "train.parquet")


def test_a_packed_scatter_is_the_scatter_to_single_precision() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 24)) * np.logspace(-4, 4, 24)
    rows[:, 5] = 0.0
    whole = Moments.of(rows).scatter
    found = unpacked(*packed(whole))
    assert (np.diagonal(found) == np.diagonal(whole)).all() and (found == found.T).all()
    scale = np.sqrt(np.outer(np.diagonal(whole), np.diagonal(whole)))
    assert (np.abs(found - whole) <= 6e-8 * scale).all()
    with pytest.raises(ValueError, match="24 variances"):
        unpacked(packed(whole)[0], np.zeros(3, dtype=np.float32))


def test_distances_from_statistics_are_those_from_images(images: FitImages, tmp_path: Path) -> None:
    statistics = build_references(images, "test", tmp_path / "s.safetensors")
    moments = statistics.moments("efflite0", "pool")
    assert moments is not None and (moments.n, statistics.note.size) == (50, (32, 32))
    rows = made_extractor("efflite0")(images.pixels)["pool"].numpy().astype(np.float64)
    others = Gaussian.of_moments(Moments.of(rows[::2] * 1.1))
    exact = others.distance(Gaussian.of_moments(Moments.of(rows)))
    assert others.distance(Gaussian.of_moments(moments)) == pytest.approx(exact, rel=1e-4)
    assert statistics.features("efflite0", "pool") is None
    assert (tmp_path / "s.safetensors").stat().st_size < 3.5e6


def test_the_statistics_that_ship_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("VTBENCH_ASSETS", raising=False)
    found = named_statistics("cifar10-jpeg-test")
    assert found.path == CHECKOUT / ZOO / "statistics" / "cifar10-jpeg-test.safetensors"
    assert found.n == 10_000 and found.note.size == (32, 32) and found.of is not None
    found.check_sound()
    assert open_statistics(found.path).note.description == "10000 images of CIFAR-10 as JPEG, test split, native@1"


def test_lossless_images_have_statistics_of_another_name(images: FitImages) -> None:
    lossless = FitImages(images.pixels, images.labels, TORCHVISION)
    assert (name_of(images, "test"), name_of(lossless, "test")) == ("cifar10-jpeg-test", "cifar10-test")


def test_a_tokenizer_of_a_fixed_size_takes_images_of_that_size_alone() -> None:
    with pytest.warns(UserWarning, match="random weights"):
        share = Reencoded(
            "titok,encoder=nano,decoder=nano,tokens=4,two_stage=false,size=32,patch=4,random_weights_seed=0"
        )
    right = Condition(images={"source": torch.zeros(3, 32, 32, dtype=torch.uint8)})
    assert share.sample([right], torch.zeros(1, dtype=torch.int64)).shape == (1, 3, 32, 32)
    wrong = Condition(images={"source": torch.zeros(3, 48, 40, dtype=torch.uint8)})
    with pytest.raises(SampleError, match="runs at 32 px only, and the source is 40×48"):
        share.sample([wrong], torch.zeros(1, dtype=torch.int64))


def test_the_calls_measure_the_same_images_of_each_class_again(
    images: FitImages, place: Path, vt: Callable[..., Any]
) -> None:
    counts = Counts(reconstruction=20, robustness=10, share=10)
    calls = commands(images, images, place, ["identity", "jpeg,quality=10"], counts)
    tasks = [call[call.index("--task") + 1] for call in calls if "--task" in call]
    assert ["run", "--suite", "zoo-mini", "--out", "runs"] in calls and tasks[:3] == [
        "zoo-reconstruction",
        "zoo-robustness",
        "zoo-share",
    ]
    data = open_data("data/cifar10-jpeg-test-20.parquet")
    assert all(torch.equal(data[place].image, images.pixels[::2][place]) for place in range(20))
    assert open_data("data/cifar10-jpeg-train-10.parquet").columns(["label"])["label"] == list(range(CLASSES))  # type: ignore[attr-defined]
    done = vt(*calls[2], "--json", "--allow-small-sets")
    assert done.code == 0, done.err
    assert [row["model"] for row in done.rows] == ["identity", "jpeg,quality=10"]
    assert all(done.rows[row]["results"]["fd_efflite0"]["n"] == 10 for row in range(2))
    assert done.value("fd_efflite0", 0) > 0 and done.value("fd_efflite0", 1) > 0


def test_settings_of_samplers_are_measured_where_their_weights_are(
    images: FitImages, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Counts(reconstruction=10, robustness=10, share=10)
    suite = load_suite("zoo").model_copy(update={"generators": ("zoo-var", "zoo-var-refiner")})
    monkeypatch.setattr("vtbench.zoo.measure.load_suite", lambda _: suite)
    *_, heads, swept = commands(images, images, place, ["identity"], few)
    assert heads == ["calibrate", "zoo-var", "--output", "heads-zoo-var.json"]
    assert swept[swept.index("--reference") + 1] == "parquet,path=data/cifar10-jpeg-test-50.parquet"
    assert len(open_data("data/cifar10-jpeg-test-50.parquet")) == 50
    named = [swept[place + 1] for place, part in enumerate(swept) if part == "--generator"]
    assert len(named) == len(set(named)) > 20 and all(name.startswith("zoo-var") for name in named)
    monkeypatch.undo()
    of_each = [call for call in commands(images, images, place, ["identity"], few) if "zoo-sampling" in call]
    hosts = [
        {part.partition(",")[0] for part in call if part.startswith("zoo-") and part != call[2]} for call in of_each
    ]
    assert hosts == [{"zoo-llamagen"}, {"zoo-var", "zoo-var-refiner"}, {"zoo-mar"}]  # runs side by side share nothing


@pytest.mark.parametrize("jobs", [1, 2])
def test_calls_are_made_the_longest_first_and_calibrations_before_all(
    jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def note(arguments: list[str], folder: Path, environment: Any = None) -> None:
        made.append(arguments[2])
        assert folder == tmp_path and (jobs == 1 or arguments[1] == "calibrate" or "OMP_NUM_THREADS" in environment)
        if arguments[2] == "wrong":
            raise VtbenchError("run wrong … ended with 1")

    monkeypatch.setattr("vtbench.zoo.measure._call", note)
    call_all([["run", "first"], ["calibrate", "heads"], ["run", "longest"]], tmp_path, jobs)
    assert made[0] == "heads" and sorted(made[1:]) == ["first", "longest"] and (jobs > 1 or made[1] == "longest")
    with pytest.raises(VtbenchError, match="run wrong"):
        call_all([["run", "first"], ["run", "wrong"]], tmp_path, jobs)


def test_the_suite_runs_offline_and_holds_every_tokenizer_of_the_zoo() -> None:
    suite = load_suite("zoo")
    own = {card.name for card in load_cards().values() if card.checkpoint and card.checkpoint.package}
    mini = load_suite("zoo-mini")
    assert own <= set(suite.tokenizers) & set(mini.tokenizers) and suite.tasks[:2] == (
        "zoo-reconstruction",
        "zoo-robustness",
    )
