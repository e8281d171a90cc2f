"""Every family of published tokenizers, small and with random weights, on a fake GPU: nothing on the wrong device, and
nothing read back between images and codes, or codes and images."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from traffic import GPU, FakeGpu

from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.published.base import OfficialTokenizer

A_BATCH = 2
"""Copies to the device that one line may ask for in a batch: noise and numbers drawn from seeds, positions."""
FAMILIES = {
    name: target
    for name, target in ((name, TOKENIZERS.load(name)) for name in TOKENIZERS.builtin)
    if isinstance(target, type) and issubclass(target, OfficialTokenizer)
}


@pytest.mark.parametrize("name", FAMILIES)
def test_there_and_back(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer: Any = FAMILIES[name].random(**FAMILIES[name].shrunken)
    info = tokenizer.info
    side = info.native_size if info.fixed_size and info.native_size else 32
    seeds = {"seeds": torch.arange(2)} if info.stochastic else {}
    with FakeGpu() as gpu:
        tokenizer.to(device=GPU)
        images = torch.zeros(2, 3, side, side, device=GPU)
        gpu.count_anew()
        codes = tokenizer.encode(images, **seeds)
        decoded = tokenizer.decode(codes, **seeds)
        assert decoded.device == GPU and decoded.shape == images.shape
    assert not gpu.to_host
    assert not {line for line, count in gpu.to_device.items() if count > A_BATCH}, gpu.to_device
