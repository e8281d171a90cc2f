"""What tests of every masked generator ask alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from vtbench.generators.sampling.masked.refining import refine
from vtbench.generators.sampling.masked.settings import MaskedSettings
from vtbench.generators.sampling.next_token import Prompted

LABELS = torch.tensor([3, 7])
CLASSES = 10


def refined(network: Any, settings: MaskedSettings, labels: torch.Tensor, seeds: list[int]) -> torch.Tensor:
    """Tokens of a small network of ten classes."""
    none = torch.full_like(labels, CLASSES)
    with torch.inference_mode():
        return refine(network, Prompted(labels, none), settings, torch.tensor(seeds))[0]


def check_an_image_stands_alone(network: Any, settings: MaskedSettings) -> None:
    """It depends on its condition and seed, not on what else is in its batch."""
    labels, seeds = torch.tensor([3, 7, 3, 0]), [5, 6, 7, 5]
    whole = refined(network, settings, labels, seeds)
    alone = [refined(network, settings, labels[one : one + 1], seeds[one : one + 1]) for one in range(4)]
    assert torch.equal(whole, torch.cat(alone))
    assert not torch.equal(whole[0], whole[2])


def check_greedy_without_noise_heeds_no_seed(network: Any, settings: MaskedSettings) -> None:
    """Nothing is left to chance."""
    still = replace(settings, tokens="greedy", randomize_temperature=0.0)
    assert torch.equal(refined(network, still, LABELS, [0, 1]), refined(network, still, LABELS, [2, 3]))
