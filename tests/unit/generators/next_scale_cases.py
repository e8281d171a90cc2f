"""What tests of next-scale generators have in common: one way to run the loop, and what every one must pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from vtbench.core.contracts import SamplingCost
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.accumulation import Accumulator
from vtbench.generators.sampling.next_scale.sampler import sample_scales
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.sampling.next_token import Prompted

AUTHORS = Filters(1.0, 900, 0.96, precision="float32", boundary="reaches")
"""VAR's."""


def sampled(
    host: Any, accumulator: Accumulator, settings: ScaleSettings, labels: Sequence[int], seeds: Sequence[int]
) -> tuple[list[torch.Tensor], SamplingCost]:
    """Codes of every scale, and what they took; the last class of the host is none."""
    shown = torch.tensor(labels)
    none = torch.full_like(shown, host.geometry.classes)
    with torch.inference_mode():
        return sample_scales(host, Prompted(shown, none), accumulator, settings, torch.tensor(seeds))


def maps_of(accumulator: Accumulator, codes: Sequence[torch.Tensor]) -> list[torch.Tensor | None]:
    """What each scale is predicted from, given the codes of all."""
    total: torch.Tensor | None = None
    maps: list[torch.Tensor | None] = [None]
    for scale, part in enumerate(codes[:-1]):
        total = accumulator.added(total, part, scale)
        maps.append(accumulator.seen_by(scale + 1, total))
    return maps


def cached_against_one_pass(host: Any, accumulator: Accumulator, codes: Sequence[torch.Tensor], label: int) -> float:
    """The largest difference of logits of all scales between passes with a cache and one pass without."""
    maps = maps_of(accumulator, codes)
    with torch.inference_mode():
        condition = host.conditioned(torch.tensor([label]))
        whole = host.step(maps, 0, condition, None)
        cache = host.make_cache(1, whole.shape[1])
        parts = [host.step([seen], scale, condition, cache) for scale, seen in enumerate(maps)]
    return float((torch.cat(parts, dim=1) - whole).abs().max())


def check_an_image_stands_alone(host: Any, accumulator: Accumulator, settings: ScaleSettings) -> None:
    """It depends on its condition and seed, not on what else is in its batch."""
    labels, seeds = [3, 7, 3, 0], [5, 6, 7, 5]
    whole = torch.cat(sampled(host, accumulator, settings, labels, seeds)[0], dim=1)
    alone = [
        torch.cat(sampled(host, accumulator, settings, labels[one : one + 1], seeds[one : one + 1])[0], dim=1)
        for one in range(4)
    ]
    assert torch.equal(whole, torch.cat(alone))
    assert not torch.equal(whole[0], whole[2])


def check_the_likeliest_heeds_no_seed(host: Any, accumulator: Accumulator, settings: ScaleSettings) -> None:
    """With one token left to choose from, seed and rule of the draw make no difference."""
    found = [
        torch.cat(sampled(host, accumulator, replace(settings, filters=(filters,)), [3], [seed])[0], dim=1)
        for seed, filters in ((0, Filters(top_k=1)), (1, Filters(top_k=1)), (2, Filters(greedy=True)))
    ]
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])
