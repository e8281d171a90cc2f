"""Inception score: torch-fidelity, closed forms, splits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, KEY_METRIC_ISC_STD, isc_features_to_metric

from vtbench.core.contracts import Estimate
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.metrics.sets.inception_score import InceptionScore


def score(logits: np.ndarray, block_rows: int = 1024, **options: int) -> dict[str, Estimate]:
    features = ArrayFeatures(logits, block_rows)
    return dict(InceptionScore(**options)(features, features))


def logits(seed: int, n: int, classes: int, scale: float = 3.0) -> np.ndarray:
    return (scale * np.random.default_rng(seed).standard_normal((n, classes))).astype(np.float32)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("n", "splits"), [(257, 10), (100, 1), (40, 7)])
def test_it_agrees_with_torch_fidelity(n: int, splits: int, shuffle: bool) -> None:
    values = logits(0, n, 1008)
    theirs = isc_features_to_metric(torch.from_numpy(values), splits=splits, shuffle=shuffle, rng_seed=2020)
    ours = score(values, splits=splits, shuffle=shuffle)
    assert ours["is_mean"].value == pytest.approx(theirs[KEY_METRIC_ISC_MEAN], rel=1e-10)
    assert ours["is_std"].value == pytest.approx(theirs[KEY_METRIC_ISC_STD], rel=1e-8, abs=1e-12)


def test_sure_and_varied_answers_score_the_number_of_classes() -> None:
    values = np.tile(np.eye(8, dtype=np.float32) * 200, (10, 1))
    assert score(values, splits=1)["is_mean"].value == pytest.approx(8.0, rel=1e-12)


def test_one_answer_for_everything_scores_one() -> None:
    found = score(np.tile(logits(1, 1, 20), (50, 1)))
    assert found["is_mean"].value == pytest.approx(1.0, abs=1e-12)
    assert found["is_std"].value == pytest.approx(0.0, abs=1e-12)


def test_two_kinds_of_images() -> None:
    """p = (a, 1-a) and (1-a, a), half each: the marginal is uniform, the score 2 exp(-H(a))."""
    a = 0.9
    row = np.log([a, 1 - a])
    values = np.stack([row, row[::-1]] * 20)
    entropy = -(a * math.log(a) + (1 - a) * math.log(1 - a))
    assert score(values, splits=1)["is_mean"].value == pytest.approx(2 * math.exp(-entropy), rel=1e-12)


def test_global_score_is_that_of_one_split_in_any_order() -> None:
    values = logits(2, 300, 50)
    whole = score(values, splits=1)["is_mean"].value
    found = score(values)
    assert found["is_mean"].details["global"] == pytest.approx(whole, rel=1e-12)
    assert found["is_mean"].value < whole
    reordered = score(np.random.default_rng(3).permutation(values))
    assert reordered["is_mean"].details["global"] == pytest.approx(whole, rel=1e-12)


def test_blocks_do_not_matter_and_references_are_ignored() -> None:
    values = logits(4, 100, 10)
    assert score(values, block_rows=3) == score(values)
    other = ArrayFeatures(logits(5, 7, 3))
    assert InceptionScore()(ArrayFeatures(values), other) == score(values)


def test_details_and_interval() -> None:
    found = score(logits(6, 100, 10), splits=5, seed=1)
    details = dict(found["is_mean"].details)
    assert details.pop("global") > 1
    assert details == {"n_predictions": 100, "classes": 10, "splits": 5, "seed": 1, "shuffle": True}
    mean, spread = found["is_mean"], found["is_std"].value
    assert mean.ci_high == pytest.approx(mean.value + 2.7764451 * spread / math.sqrt(4), rel=1e-6)
    assert score(logits(6, 100, 10), splits=1)["is_mean"].ci_low is None


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"10 splits need at least as many images, there are 9[\s\S]*splits"):
        score(logits(7, 9, 5))
    with pytest.raises(UsageError, match="splits=0"):
        InceptionScore(splits=0)
    broken = logits(8, 30, 5)
    broken[12, 1] = np.nan
    with pytest.raises(VtbenchError, match="row 12 of the features"):
        score(broken)
