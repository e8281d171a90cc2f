"""Images a second of LlamaGen-B- and VAR-d16-shaped sampling of 256 pixels, decoding apart; weights are random."""

from __future__ import annotations

import time
import warnings
from typing import Any

import torch

from vtbench.core.contracts import Condition
from vtbench.generators import GENERATORS
from vtbench.run.device import synchronize

SHAPES: dict[str, dict[str, Any]] = {
    "llamagen": {"size": "B", "tokenizer": "llamagen-ds16,random_weights_seed=0"},
    "var": {"size": "d16", "tokenizer": "var-256,random_weights_seed=0"},
}


def sampling(device: torch.device, dtype: torch.dtype, batch: int, tiny: bool) -> dict[str, tuple[float, float]]:
    """By family: seconds an image of the codes, and of the image from them."""
    found = {}
    for name, shape in SHAPES.items():
        family: Any = GENERATORS.load(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            generator = family.random(**(family.shrunken if tiny else shape)).to(device=device, dtype=dtype)
        conditions = [Condition(label=index % generator.info.classes) for index in range(batch)]
        _timed(generator, conditions, device)
        found[name] = _timed(generator, conditions, device)
    return found


def _timed(generator: Any, conditions: list[Condition], device: torch.device) -> tuple[float, float]:
    seeds, moments = torch.arange(len(conditions)), []

    def note() -> None:
        synchronize(device)
        moments.append(time.perf_counter())

    note()
    codes = generator.sample_codes(conditions, seeds)
    note()
    generator.images(codes, seeds)
    note()
    return (moments[1] - moments[0]) / len(seeds), (moments[2] - moments[1]) / len(seeds)
