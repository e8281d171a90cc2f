"""MIND and FDr: against sums written out, a peer's formula, and sets whose distances are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance_nd

from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.lookup import is_own, metric_info
from vtbench.metrics.catalog.means import FDR6, mean_parts
from vtbench.metrics.feature_matrix import ArrayFeatures, Float64
from vtbench.metrics.sets.frechet import FrechetDistance, Moments
from vtbench.metrics.sets.frechet_ratio import FrechetRatio
from vtbench.metrics.sets.jackknife import jackknife_groups
from vtbench.metrics.sets.sliced import Mind
from vtbench.run.measuring.evaluators import required_features, set_jobs
from vtbench.tasks import MetricRequest


def drawn(seed: int, count: int, width: int) -> Float64:
    return np.random.default_rng(seed).normal(size=(count, width))


def features(rows: Float64) -> ArrayFeatures:
    return ArrayFeatures(rows, block_rows=13)


def as_torch_fidelity(first: Float64, second: Float64, projections: int, seed: int) -> float:
    """The function of its metric_mind, on sets of one size, with its own directions."""
    draw = torch.Generator().manual_seed(seed)
    lines = torch.randn(projections, first.shape[1], generator=draw)
    lines = (lines / lines.norm(dim=1, keepdim=True)).double()
    ranked = [(torch.from_numpy(side) @ lines.T).sort(dim=0).values for side in (first, second)]
    return float(3.0 * first.shape[1] * ((ranked[0] - ranked[1]) ** 2).mean(dim=0).mean())


def test_a_shifted_set_is_at_three_times_the_squared_shift() -> None:
    rows, shift = drawn(0, 300, 8), np.arange(8) / 5
    found = Mind(projections=4000)(features(rows), features(rows + shift))["mind"]
    assert found.value == pytest.approx(3 * (shift @ shift), abs=4 * found.details["projections_error"])
    assert found.details["projections_error"] < 0.03 * found.value
    assert Mind()(features(rows), features(rows[::-1].copy()))["mind"].value == pytest.approx(0.0, abs=1e-24)


def test_of_one_feature_it_is_the_transport_itself() -> None:
    first, second = drawn(1, 200, 1), 2 * drawn(2, 200, 1) + 1
    found = Mind(projections=2)(features(first), features(second))["mind"]
    squared = np.square(np.sort(first[:, 0]) - np.sort(second[:, 0])).mean()
    assert found.value == pytest.approx(3 * squared, rel=1e-12)
    assert wasserstein_distance_nd(first, second) ** 2 <= squared  # W1 is no more than W2


def test_it_is_what_torch_fidelity_gives_but_for_the_directions() -> None:
    first, second = drawn(3, 400, 16), drawn(4, 400, 16) * np.linspace(0.5, 1.5, 16)
    found = Mind()(features(first), features(second))["mind"]
    theirs = [as_torch_fidelity(first, second, 1000, seed) for seed in (2020, 2021)]
    assert theirs == pytest.approx([found.value] * 2, abs=6 * found.details["projections_error"])
    assert found.ci_low is not None and found.ci_low < found.value < (found.ci_high or 0)


def test_the_interval_leaves_groups_out_of_both_sets() -> None:
    first, second = drawn(5, 50, 3), drawn(6, 50, 3) + 0.5
    metric = Mind(projections=20)
    found = metric(features(first), features(second))["mind"]
    keep = [jackknife_groups(50, 10) != group for group in range(10)]
    values = [metric(features(first[k]), features(second[k]))["mind"].value for k in keep]
    spread = np.sqrt(0.9 * np.square(np.array(values) - np.mean(values)).sum())
    assert (found.ci_high or 0) - found.value == pytest.approx(2.262157 * spread, rel=1e-6)


def test_sets_of_two_sizes_are_brought_to_the_smaller_by_a_draw_that_repeats() -> None:
    small, large = features(drawn(7, 60, 4)), features(drawn(8, 500, 4))
    found = [Mind(seed=seed)(small, large)["mind"] for seed in (0, 0, 1)]
    assert found[0].value == found[1].value != found[2].value
    assert found[0].details["n_compared"] == 60 and found[0].details["n_references"] == 500
    for wrong in ({"projections": 1},):
        with pytest.raises(UsageError):
            Mind(**wrong)


def test_fdr_is_one_distance_over_another_and_held_out_images_have_one() -> None:
    samples, held_out, training = 1.2 * drawn(9, 400, 6), drawn(10, 300, 6), drawn(11, 900, 6)
    found = FrechetRatio()(features(samples), features(held_out), features(training))["fdr"]
    whole = FrechetDistance(jackknife=0)
    of = [whole(features(side), features(training))["fd"].value for side in (samples, held_out)]
    assert found.value == pytest.approx(of[0] / of[1], rel=1e-9)
    assert [found.details["fd"], found.details["held_out_fd"]] == pytest.approx(of, rel=1e-9)
    assert found.ci_low is not None and found.ci_low < found.value < (found.ci_high or 0)
    own = FrechetRatio()(features(held_out), features(held_out), features(training))["fdr"]
    assert own.value == pytest.approx(1.0, rel=1e-12)
    by_moments = FrechetRatio()(features(samples), features(held_out), Moments.of(training))["fdr"]
    assert by_moments.value == pytest.approx(found.value, rel=1e-9)


def test_fdr_refuses_what_says_nothing() -> None:
    rows = features(drawn(12, 40, 3))
    with pytest.raises(UsageError, match="at no distance from training images"):
        FrechetRatio()(rows, rows, rows)
    with pytest.raises(UsageError, match="hold moments only"):
        FrechetRatio()(rows, Moments.of(drawn(13, 40, 3)), rows)


def test_a_mean_over_networks_has_them_in_its_name_and_fdr6_is_that_of_six() -> None:
    assert mean_parts("fdr_efflite0_vgg16") == ("fdr_efflite0", "fdr_vgg16")
    assert mean_parts("fdr_clip_336_square_dinov2_8bit_vgg16") == (
        "fdr_clip_336_square",
        "fdr_dinov2_8bit",
        "fdr_vgg16",
    )
    assert mean_parts("fdr_vgg16_efflite0") == mean_parts("fdr_efflite0") == mean_parts("fdr_efflite0_what") == ()
    assert mean_parts("fdr_clip_336") == mean_parts("kid_efflite0_vgg16") == ()
    assert len(mean_parts(FDR6)) == 6 and is_own(FDR6) and metric_info(FDR6).kind == "set"


def test_a_mean_is_measured_as_its_parts_each_once() -> None:
    asked = [MetricRequest(name="fdr_vgg16"), MetricRequest(name="fdr_efflite0_vgg16"), MetricRequest(name=FDR6)]
    jobs = set_jobs(asked, allow_small_sets=True)
    names = [name for job in jobs for name in job.outputs]
    assert sorted(names) == sorted({"fdr_vgg16", "fdr_efflite0", *mean_parts(FDR6)}) and all(
        j.uses_training for j in jobs
    )
    assert len(required_features(asked)) == 8
