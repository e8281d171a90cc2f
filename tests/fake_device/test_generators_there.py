"""Every published generator, small and with random weights, on a fake GPU: nothing on the wrong device, nothing read
back in the loop, and nothing sent for every token."""

from __future__ import annotations

import os
import warnings
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import DynamicOutputShapeException
from traffic import GPU, FakeGpu

from vtbench.generators import GENERATORS
from vtbench.generators.contract.subject import _two_conditions
from vtbench.generators.published.base import PublishedGenerator

SEEDS = torch.arange(2)
A_BATCH = 4
"""Copies to the device that one line may ask for in a batch, however many tokens it has."""

READ_BACK = {
    # whether any prompt of the batch is padded, and how far its longest goes: once a batch, before the loop
    "emu3": {"generators/published/library/padded.py:padding_of": 1},
    "janus": {"generators/published/library/padded.py:padding_of": 1},
    "infinity": {"generators/text/encoded.py:trimmed": 1},
}
SENT_A_PASS = {
    # numbers of each sample's own stream on the host, two calls a pass over all places
    "elm-mlm": "generators/sampling/masked/noise.py:_uniform",
    "maskbit-generator": "generators/sampling/masked/noise.py:_uniform",
    "titok-generator": "generators/sampling/masked/noise.py:_uniform",
    # transformers' attention of ImageGPT sends the value of what is masked, in every layer
    "imagegpt": "generators/published/library/cache.py:cached",
}
UNKNOWN_SHAPES = ("hi-mar", "mar")
"""Places already known are found by ``nonzero`` in every pass: how many there are is read back."""
FINISHED_BY_PILLOW = ("nsarm", "varedit")
"""They have no codes to offer: their images are finished on the host, by Pillow, which takes no fake tensor."""


def families() -> dict[str, type[PublishedGenerator]]:
    found = {name: GENERATORS.load(name) for name in GENERATORS.builtin}
    return {name: one for name, one in found.items() if isinstance(one, type) and issubclass(one, PublishedGenerator)}


FAMILIES = families()
DRAWN = [name for name in FAMILIES if name not in (*UNKNOWN_SHAPES, *FINISHED_BY_PILLOW)]
LOOPS = ("acdit", "infinity", "janus", "llamagen", "nar", "titok-generator", "var")
"""One of each loop: blocks of latents, bits a scale, prompts into a library's decoder, tokens, groups of them, masked
ones, scales. ``VTBENCH_FAKE_DEVICE=all`` runs every family, in about forty seconds of processor time."""
ASKED = DRAWN if os.environ.get("VTBENCH_FAKE_DEVICE") == "all" else LOOPS


def built(name: str) -> Any:
    """The family, still on the host."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return FAMILIES[name].random(**FAMILIES[name].shrunken)


def test_what_is_named_is_there() -> None:
    assert {*READ_BACK, *SENT_A_PASS, *UNKNOWN_SHAPES, *FINISHED_BY_PILLOW, *LOOPS} <= set(FAMILIES)


@pytest.mark.parametrize("name", ASKED)
def test_codes_are_drawn_there(name: str) -> None:
    generator = built(name)
    with FakeGpu() as gpu:
        generator.to(device=GPU)
        gpu.count_anew()
        codes = generator.sample_codes(_two_conditions(generator.info), SEEDS)
        tensors = (*codes.levels, *codes.bits, *(() if codes.latents is None else (codes.latents,)))
        assert tensors and {tensor.device for tensor in tensors} == {GPU}
    assert dict(gpu.to_host) == READ_BACK.get(name, {})
    often = {line for line, count in gpu.to_device.items() if count > A_BATCH}
    assert often == ({SENT_A_PASS[name]} if name in SENT_A_PASS else set()), gpu.to_device


@pytest.mark.parametrize("name", UNKNOWN_SHAPES)
def test_places_known_are_found_by_reading_back(name: str) -> None:
    """So far nothing was on the wrong device, and nothing was read."""
    generator = built(name)
    with FakeGpu() as gpu:
        generator.to(device=GPU)
        gpu.count_anew()
        with pytest.raises(DynamicOutputShapeException, match="nonzero"):
            generator.sample_codes(_two_conditions(generator.info), SEEDS)
    assert not gpu.to_host
