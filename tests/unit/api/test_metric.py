"""``vtbench.metric``: the values of a task on the same images, and what is said where images do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import vtbench
from vtbench.core.errors import UsageError

TASK = """
name: all-kinds
version: 1
kind: detail
summary: A metric of each kind that compares images.
preprocess: {preset: native@1}
image_metrics: [psnr, psnr_pooled, ssim, lpips_alex]
block_metrics: [band_error]
set_metrics: [fd_efflite0, {name: kid_efflite0, params: {subset_size: 4, subsets: 5}}]
block_size: 5
"""


def darker(images: Tensor) -> Tensor:
    return images * 0.8


@pytest.fixture
def result(tmp_path: Path, images: Tensor) -> vtbench.Result:
    (tmp_path / "all-kinds.yaml").write_text(TASK, encoding="utf-8")
    return vtbench.evaluate(vtbench.reconstructor(darker, name="m"), tmp_path / "all-kinds.yaml", data=images)


def test_values_are_those_of_a_record(result: vtbench.Result, images: Tensor) -> None:
    predictions = darker(images.float() / 255)  # floats, rounded as the run rounds them
    for name in ("psnr", "ssim", "lpips_alex"):
        rows = vtbench.metric(name)(predictions, images)
        assert rows.dtype == torch.float64 and rows.tolist() == pytest.approx(result.samples[name].tolist(), rel=1e-6)
    for name, params in (
        ("psnr", {}), ("psnr_pooled", {}), ("band_error", {}), ("fd_efflite0", {}),
        ("kid_efflite0", {"subset_size": 4, "subsets": 5}),
    ):  # fmt: skip
        metric = vtbench.metric(name, **params)
        for start in (0, 5):
            metric.update(predictions[start : start + 5], images[start : start + 5])
        found, recorded = metric.compute(), result.result(name)
        assert (found.value, found.n) == (pytest.approx(recorded.value, rel=1e-5), recorded.n), name
        intervals = [(one.ci_low or 0.0, one.ci_high or 0.0) for one in (found, recorded)]
        assert intervals[0] == pytest.approx(intervals[1], rel=1e-4), name


def test_a_set_metric_is_called_on_two_sets_or_fed(images: Tensor) -> None:
    metric = vtbench.metric("fd_efflite0")
    called = metric((images[:6] * 0.5).to(torch.uint8), images)  # of different sizes
    metric.update(references=images[:4])
    metric.update((images[:6] * 0.5).to(torch.uint8), images[4:])
    assert metric.compute().value == pytest.approx(called.value, rel=1e-6) and called.value > 0
    metric.reset()
    with pytest.raises(UsageError, match="given no predictions and no references"):
        metric.compute()


def test_arrays_are_taken_as_tensors_are(images: Tensor) -> None:
    ssim = vtbench.metric("ssim")
    array = images.numpy()
    assert torch.equal(ssim(array, array), torch.ones(len(array), dtype=torch.float64))
    assert np.array_equal(array, images.numpy())


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("ssim", ((2, 3, 32, 32), (2, 3, 16, 16)), "pairs of one shape"),
        ("ssim", ((2, 32, 32, 3), (2, 32, 32, 3)), r"permute\(0, 3, 1, 2\)"),
        ("ssim", ((3, 32, 32), (3, 32, 32)), r"\[None\]"),
        ("ssim", ((2, 3, 32, 32),), "compares two batches, 1 were given"),
        ("fd_efflite0", ((2, 3, 32, 32),), "compares two sets, 1 were given"),
    ],
)
def test_shapes_that_do_not_fit(name: str, given: tuple[tuple[int, ...], ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        vtbench.metric(name)(*(torch.zeros(shape, dtype=torch.uint8) for shape in given))


@pytest.mark.parametrize(
    ("values", "said"),
    [(lambda x: x * 255, "x / 255"), (lambda x: x * 2 - 1, r"\(x \+ 1\) / 2"), (lambda x: x / 0, "NaN or infinity")],
)
def test_ranges_that_do_not_fit(values: Any, said: str, images: Tensor) -> None:
    with pytest.raises(UsageError, match=said):
        vtbench.metric("psnr")(values(images.float() / 255), images)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("sim", {}, "did you mean ssim"),
        ("kid_efflite0", {"subset_sizes": 3}, "did you mean subset_size"),
        ("ssim", {"window": 3}, "takes: no arguments"),
        ("cer", {}, "of what a reader reads"),
        ("codebook_usage", {}, "of a model's codes"),
    ],
)
def test_names_and_parameters_that_are_not_known(name: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        vtbench.metric(name, **params)
