"""GenEval's way to one number, and WISE's: the mean of the means of tags, with intervals over prompts.

Images of one prompt are no independent draws, so that what is resampled is prompts, each with all its images. The mean
of a tag is over its images (GenEval: djghosh13/geneval@af4902f, ``evaluation/summary_scores.py``: the overall score
is the unweighted mean of the six), which is a sum over a sum once images are added up by prompt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from vtbench.core.contracts import Estimate
from vtbench.metrics.catalog.judged import GENEVAL_TAGS
from vtbench.results.records.judged import Column, Part, weighted_mean
from vtbench.results.records.statistics import percentiles, resampled_means

RESAMPLES = 1000
OVER_PROMPTS = f"percentile bootstrap over prompts, {RESAMPLES} resamples, 95%"
"""``ci_method`` of every interval here."""


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


def geneval_estimates(
    scores: PromptScores, name: str = "geneval", labels: Sequence[str] = GENEVAL_TAGS
) -> dict[tuple[str, str], Estimate]:
    """GenEval's numbers, by ``(metric, stratum)``.

    ``geneval`` is the mean of the six tags' accuracies over images, with each as the stratum ``tag=…``;
    ``geneval_images`` the share of images that are correct, ``geneval_prompts`` that of prompts with any such image.

    Args:
        scores: 1 for an image that is correct, 0 for one that is not.
        name: in place of ``geneval``, where another detector judged.
        labels: the tags that are averaged.
    """
    judged = scores.counts > 0
    found = {(name, "all"): mean_of_tags(scores.sums, scores.counts, scores.tags, labels)}
    for tag in dict.fromkeys([*labels, *scores.tags]):
        mask = judged & np.array([own == tag for own in scores.tags], dtype=np.bool_)
        if mask.any():
            found[name, f"tag={tag}"] = mean_of(scores.sums[mask], scores.counts[mask])
    found[f"{name}_images", "all"] = mean_of(scores.sums[judged], scores.counts[judged])
    found[f"{name}_prompts", "all"] = mean_of(scores.best[judged], np.ones(int(judged.sum())))
    return found


def mean_of(sums: Column, counts: Column) -> Estimate:
    """The mean over everything that prompts have counted, resampled over prompts: ``[N]`` twice."""
    return of_parts([(sums, counts)], weighted_mean)


def mean_of_tags(
    sums: Column,
    counts: Column,
    tags: Sequence[str],
    labels: Sequence[str],
    weights: Sequence[float] | None = None,
) -> Estimate:
    """The mean of the means of tags, resampled over prompts; NaN where a tag has nothing: it would be another number.

    Args:
        sums: ``float64 [N]``, of each prompt.
        counts: ``float64 [N]``.
        tags: of each prompt; one that is not among ``labels`` takes no part.
        labels: the tags that are averaged.
        weights: of each of them; all the same unless given.
    """
    masks = [np.array([tag == label for tag in tags], dtype=np.float64) for label in labels]
    parts = [(sums * mask, counts * mask) for mask in masks]
    return of_parts(parts, partial(weighted_mean, weights=weights), {"mean": "of tag means"})


def of_parts(
    parts: Sequence[Part], finish: Callable[[Column], Column], details: Mapping[str, object] | None = None
) -> Estimate:
    """A function of the means of parts, resampled over prompts; NaN where a part has nothing.

    Prompts are drawn once for all parts. A resample that leaves a part without anything says nothing and is left out.

    Args:
        parts: sums and counts, ``float64 [N]`` each; 0 where a prompt has none of a part, NaN where it takes no part.
        finish: means of parts ``[R,P]`` to values ``[R]``.
        details: to go with the value.
    """
    rows = np.stack([column for part in parts for column in part], axis=1)
    rows = rows[rows[:, 1::2].sum(axis=1) > 0]  # not of NaN either
    totals, n = [math.fsum(column) for column in rows.T], len(rows)
    told = {"n_judged": _number(math.fsum(totals[1::2])), **(details or {})}
    if not all(total > 0 for total in totals[1::2]):
        return Estimate(value=math.nan, n=n, details=told)
    value = float(finish(np.array([[own / count for own, count in zip(totals[::2], totals[1::2], strict=True)]]))[0])
    if n < 2:
        return Estimate(value=value, n=n, details=told)
    drawn = resampled_means(rows, RESAMPLES, seed=0)
    drawn = drawn[(drawn[:, 1::2] > 0).all(axis=1)]
    if not len(drawn):
        return Estimate(value=value, n=n, details=told)
    low, high = percentiles(finish(drawn[:, ::2] / drawn[:, 1::2]), 0.95)
    return Estimate(value=value, n=n, ci_low=low, ci_high=high, ci_method=OVER_PROMPTS, details=told)


def _number(total: float) -> int | float:
    return int(total) if total.is_integer() else total
