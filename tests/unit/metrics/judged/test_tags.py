"""Means by prompt and tag against numbers worked out by hand, and intervals against another way to them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from vtbench.metrics.catalog.judged import GENEVAL_TAGS
from vtbench.metrics.judged.tags import (
    OVER_PROMPTS,
    PromptScores,
    by_prompt,
    geneval_estimates,
    mean_of_tags,
)


def _geneval(correct: dict[str, dict[str, Sequence[int]]]) -> PromptScores:
    rows = [(value, prompt, tag) for tag, own in correct.items() for prompt, ones in own.items() for value in ones]
    values, prompts, tags = zip(*rows, strict=True)
    return by_prompt(np.array(values, dtype=np.float64), prompts, tags)


HAND = {
    "single_object": {"bench": (1, 1, 1, 1), "cow": (1, 0, 1, 1)},
    "two_object": {"bench and cow": (0, 0, 1, 0), "cat and cup": (0, 0, 0, 0)},
    "counting": {"two cows": (1, 0), "three cups": (0, 0)},
    "colors": {"red cup": (1, 1, 1, 1), "blue cow": (0, 1, 0, 1)},
    "position": {"cup left of cow": (0, 0, 0, 0), "cow above cup": (0, 0, 0, 1)},
    "color_attr": {"red cup and blue cow": (0, 0, 0, 0), "green cat and red cup": (0, 0, 0, 0)},
}


def test_geneval_by_hand() -> None:
    found = geneval_estimates(_geneval(HAND))
    accuracies = {"single_object": 7 / 8, "two_object": 1 / 8, "counting": 1 / 4, "colors": 6 / 8, "position": 1 / 8}
    accuracies["color_attr"] = 0.0
    assert {key: value.value for key, value in found.items()} == pytest.approx(
        {
            ("geneval", "all"): sum(accuracies.values()) / 6,
            **{("geneval", f"tag={tag}"): value for tag, value in accuracies.items()},
            ("geneval_images", "all"): 16 / 44,
            ("geneval_prompts", "all"): 7 / 12,
        }
    )
    assert found["geneval", "all"].n == 12 and found["geneval", "all"].details["n_judged"] == 44
    assert found["geneval", "all"].ci_method == OVER_PROMPTS


def test_an_image_without_a_value_takes_no_part() -> None:
    scores = by_prompt([1.0, math.nan, 0.0, math.nan], ["a", "a", "b", "c"], ["x", "x", "x", "y"])
    assert scores.sums.tolist() == [1, 0, 0] and scores.counts.tolist() == [1, 1, 0]
    assert scores.best.tolist()[:2] == [1, 0] and math.isnan(scores.best[2])


def test_a_tag_without_an_image_leaves_no_overall_number() -> None:
    without = {tag: own for tag, own in HAND.items() if tag != "counting"}
    found = geneval_estimates(_geneval(without))
    assert math.isnan(found["geneval", "all"].value) and found["geneval", "all"].ci_low is None
    assert found["geneval", "tag=colors"].value == 0.75


def test_a_prompt_has_one_tag() -> None:
    with pytest.raises(ValueError, match="has the tags 'x' and 'y'"):
        by_prompt([1.0, 1.0], ["a", "a"], ["x", "y"])


def test_weights_are_of_tags() -> None:
    found = mean_of_tags(np.array([1.0, 0.0]), np.array([1.0, 1.0]), ["a", "b"], ("a", "b"), (0.4, 0.1))
    assert found.value == pytest.approx(0.8)


def _drawn(seed: int, within: float) -> PromptScores:
    """553 prompts of GenEval's six sizes, four images each, whose chances differ from prompt to prompt."""
    generator = np.random.default_rng(seed)
    sizes = dict(zip(GENEVAL_TAGS, (80, 99, 80, 94, 100, 100), strict=True))
    rows = [(f"{tag} {place}", tag) for tag, size in sizes.items() for place in range(size)]
    chances = generator.beta(within, within, len(rows))
    values = (generator.random((len(rows), 4)) < chances[:, None]).astype(np.float64).ravel()
    return by_prompt(values, [name for name, _ in rows for _ in range(4)], [tag for _, tag in rows for _ in range(4)])


def test_the_interval_is_that_of_prompts_not_of_images() -> None:
    scores = _drawn(3, 0.2)
    found = geneval_estimates(scores)["geneval", "all"]
    assert found.ci_low is not None and found.ci_high is not None
    means, tags = scores.sums / scores.counts, np.array(scores.tags)
    # the standard error of a mean of means of tags, from the spread of prompts within each
    variance = sum(means[tags == tag].var(ddof=1) / (tags == tag).sum() for tag in GENEVAL_TAGS) / 36
    width = 2 * 1.96 * math.sqrt(variance)
    assert found.ci_high - found.ci_low == pytest.approx(width, rel=0.08)
    images = sum(p * (1 - p) / (4 * (tags == t).sum()) for t in GENEVAL_TAGS for p in [means[tags == t].mean()]) / 36
    assert found.ci_high - found.ci_low > 1.4 * 2 * 1.96 * math.sqrt(images)


def test_the_interval_is_that_of_a_bootstrap_written_otherwise() -> None:
    scores = _drawn(4, 0.5)
    found = geneval_estimates(scores)["geneval", "all"]
    rows = list(zip(scores.tags, scores.sums.tolist(), scores.counts.tolist(), strict=True))
    generator, values = np.random.default_rng(9), []
    for _ in range(1000):
        totals: dict[str, list[float]] = {tag: [0.0, 0.0] for tag in GENEVAL_TAGS}
        for place in generator.choice(len(rows), len(rows)).tolist():
            tag, own, images = rows[place]
            totals[tag][0] += own
            totals[tag][1] += images
        values.append(sum(own / images for own, images in totals.values()) / 6)
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=0.004)
