"""GenEval's way to one number, and WISE's: the mean of the means of tags, with intervals over prompts.

Images of one prompt are no independent draws, so that what is resampled is prompts, each with all its images. The mean
of a tag is over its images (GenEval: djghosh13/geneval@af4902f, ``evaluation/summary_scores.py``: the overall score
is the unweighted mean of the six), which is a sum over a sum once images are added up by prompt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vtbench.core.contracts import Estimate
from vtbench.results.records.ratios import mean_of_ratios, mean_of_ratios_interval, ratio, ratio_interval

GENEVAL_TAGS = ("single_object", "two_object", "counting", "colors", "position", "color_attr")
"""The six of GenEval; each weighs the same, however many prompts it has."""
OVER_PROMPTS = "percentile bootstrap over prompts, 1000 resamples, 95%"
"""``ci_method`` of every interval here."""
Column = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PromptScores:
    """What a judge gave the images of each prompt, added up.

    Attributes:
        prompts: ``N`` names, each once.
        sums: ``float64 [N]``, of the values of a prompt's images.
        counts: ``float64 [N]``, of images that have a value; other units where a mean is not over images.
        tags: ``N`` labels; empty where a prompt has none.
        best: ``float64 [N]``, the largest value of a prompt's images; NaN without any.
    """

    prompts: Sequence[str]
    sums: Column
    counts: Column
    tags: Sequence[str]
    best: Column


def by_prompt(values: ArrayLike, prompts: Sequence[str], tags: Sequence[str]) -> PromptScores:
    """Add up images by prompt, in the order in which prompts first come; an image whose value is NaN is left out.

    Args:
        values: ``float64 [M]``, one an image.
        prompts: of each image.
        tags: of each image.

    Raises:
        ValueError: columns of unequal length, or a prompt with two tags.
    """
    rows = np.asarray(values, dtype=np.float64)
    tag_of: dict[str, str] = {}
    for prompt, tag in zip(prompts, tags, strict=True):
        if tag_of.setdefault(prompt, tag) != tag:
            raise ValueError(f"{prompt!r} has the tags {tag_of[prompt]!r} and {tag!r}")
    if len(rows) != len(prompts):
        raise ValueError(f"{len(rows)} values of {len(prompts)} prompts")
    members: dict[str, list[float]] = {prompt: [] for prompt in tag_of}
    for prompt, value in zip(prompts, rows.tolist(), strict=True):
        if not math.isnan(value):
            members[prompt].append(value)
    return PromptScores(
        prompts=list(tag_of),
        sums=np.array([math.fsum(own) for own in members.values()]),
        counts=np.array([float(len(own)) for own in members.values()]),
        tags=list(tag_of.values()),
        best=np.array([max(own, default=math.nan) for own in members.values()]),
    )


def geneval_estimates(scores: PromptScores) -> dict[tuple[str, str], Estimate]:
    """GenEval's numbers, by ``(metric, stratum)``.

    ``geneval`` is the mean of the six tags' accuracies over images, with each as the stratum ``tag=…``;
    ``geneval_images`` the share of images that are correct, ``geneval_prompts`` that of prompts with any such image.

    Args:
        scores: 1 for an image that is correct, 0 for one that is not.
    """
    judged = scores.counts > 0
    found = {("geneval", "all"): mean_of_tags(scores.sums, scores.counts, scores.tags, GENEVAL_TAGS)}
    for tag in dict.fromkeys([*GENEVAL_TAGS, *scores.tags]):
        mask = judged & np.array([own == tag for own in scores.tags], dtype=np.bool_)
        if mask.any():
            found["geneval", f"tag={tag}"] = mean_of(scores.sums[mask], scores.counts[mask])
    found["geneval_images", "all"] = mean_of(scores.sums[judged], scores.counts[judged])
    found["geneval_prompts", "all"] = mean_of(scores.best[judged], np.ones(int(judged.sum())))
    return found


def mean_of(sums: Column, counts: Column) -> Estimate:
    """The mean over everything that prompts have counted, resampled over prompts: ``[N]`` twice."""
    found = ratio(sums, counts)
    low, high = ratio_interval(sums, counts)
    return _estimate(found.value, found.n, low, high, {"n_judged": _number(counts)})


def mean_of_tags(
    sums: Column,
    counts: Column,
    tags: Sequence[str],
    labels: Sequence[str],
    weights: Mapping[str, float] | None = None,
) -> Estimate:
    """The mean of the means of tags, resampled over prompts; NaN where a tag has nothing: it would be another number.

    Args:
        sums: ``float64 [N]``, of each prompt.
        counts: ``float64 [N]``.
        tags: of each prompt; one that is not among ``labels`` takes no part.
        labels: the tags that are averaged.
        weights: of each of them; all the same unless given.
    """
    own = [np.array([tag == label for tag in tags], dtype=np.float64) for label in labels]
    parts = [(sums * mask, counts * mask) for mask in own]
    shares = None if weights is None else [weights[label] for label in labels]
    return mean_of_parts(parts, "of tag means", shares)


def mean_of_parts(
    parts: Sequence[tuple[Column, Column]], mean: str, weights: Sequence[float] | None = None
) -> Estimate:
    """The mean of the means of parts, each with sums and counts ``[N]`` of every prompt, 0 where it has none of it.

    Args:
        parts: to average.
        mean: what the details say is averaged.
        weights: of each part; all the same unless given.
    """
    overall = mean_of_ratios(parts, weights)
    low, high = mean_of_ratios_interval(parts, weights=weights)
    counts = np.sum([part[1] for part in parts], axis=0)
    told: dict[str, object] = {"mean": mean, "n_judged": _number(counts)}
    if weights is not None:
        told["weights"] = list(weights)
    return _estimate(overall.value, int((counts > 0).sum()), low, high, told)


def _number(counts: Column) -> int | float:
    total = math.fsum(counts[~np.isnan(counts)])
    return int(total) if total.is_integer() else total


def _estimate(value: float, n: int, low: float, high: float, details: Mapping[str, object]) -> Estimate:
    if math.isnan(value) or math.isnan(low):
        return Estimate(value=value, n=n, details=details)
    return Estimate(value=value, n=n, ci_low=low, ci_high=high, ci_method=OVER_PROMPTS, details=details)
