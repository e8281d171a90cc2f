"""What one model leaves changed moves no number of another, and none of its own in another order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NET = """
name: net
version: 1
kind: reconstruction
summary: Arithmetic that a default dtype could move.
preprocess: {preset: native@1}
image_metrics: [psnr, psnr_pooled, ssim, ssim_uniform7, mae, gmsd, gradient_similarity, high_frequency_error, edge_f1]
set_metrics: [fd_efflite0]
code_metrics: [bits_per_pixel, tokens_per_image, codebook_usage, code_entropy_bits]
block_size: 2
"""
MODEL = """
import os, warnings
import numpy as np
import torch
from vtbench.core.info import TokenizerInfo

torch.set_default_dtype(torch.float64)

def leak(how):
    if how.startswith("dtype-"): torch.set_default_dtype(getattr(torch, how[6:]))
    if how == "device": torch.set_default_device("meta")
    if how == "folder": os.chdir("/")
    if how == "numpy": np.seterr(all="raise")
    if how == "warnings": warnings.simplefilter("error")
    if how == "flush": torch.set_flush_denormal(True)
    if how == "seed": torch.manual_seed(7)
    if how == "cache": os.environ["VTBENCH_CACHE"] = "/nowhere"

class T:
    def __init__(self, how="none", when="init"):
        self.how, self.when = how, when
        self.info = TokenizerInfo(name="t", kind="continuous")
        if when == "init": leak(how)

    def reconstruct(self, images):
        output = (images * 0.9 + 0.03).to(torch.float32)
        if self.when == "call": leak(self.how)
        return output

class Draws:
    def __init__(self): self.info = TokenizerInfo(name="draws", kind="continuous"); self.weight = torch.rand(3, 1, 1)
    def reconstruct(self, images): return images * self.weight + torch.rand(len(images), 1, 1, 1) * 0.1
"""
OTHERS = ("-t", "jpeg,quality=5", "-t", "patch-vq", "-t", "./mine.py:Draws")
LEAKS = (
    "dtype-float64",
    "dtype-float16",
    "dtype-bfloat16",
    "device",
    "folder",
    "numpy",
    "warnings",
    "flush",
    "seed",
    "cache",
)


@pytest.fixture
def measured(place: Path, vt: Callable[..., Any], images: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    images("d", 3)
    (place / "net.yaml").write_text(NET)
    (place / "mine.py").write_text(MODEL)

    def run(*models: str) -> dict[str, Any]:
        done = vt("run", "--task", "net.yaml", "--data", "d", *models, "--workers", "0", "--fresh", "--json")
        assert done.code == 0, done.err
        return {row["model"]: row["results"] for row in done.rows}

    return run


_CLEAN: dict[str, Any] = {}


@pytest.fixture
def clean(measured: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """What each gives where nobody leaks, measured once for all tests."""
    if not _CLEAN:
        _CLEAN.update(measured("-t", "./mine.py:T", *OTHERS))
    return _CLEAN


@pytest.mark.parametrize("when", ["init", "call"])
def test_no_leak_moves_a_number(measured: Callable[..., dict[str, Any]], clean: dict[str, Any], when: str) -> None:
    """Each leaks on top of those before it: they run in one session, the others after them."""
    leaking = [("-t", f"./mine.py:T,how={leak},when={when}") for leak in LEAKS]
    found = measured(*(word for words in leaking for word in words), *OTHERS)
    assert {name: found[name] for name in OTHERS[1::2]} == {name: clean[name] for name in OTHERS[1::2]}
    assert all(found[model] == clean["./mine.py:T"] for _, model in leaking)


def test_no_order_moves_a_number(measured: Callable[..., dict[str, Any]], clean: dict[str, Any]) -> None:
    backwards = ("-t", "./mine.py:Draws", "-t", "patch-vq")
    assert measured(*backwards) == {name: clean[name] for name in backwards[1::2]}
