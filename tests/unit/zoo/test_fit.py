"""Recipes of the reference zoo: each falls in loss, goes on where it was stopped, and is loaded as a checkpoint is."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from vtbench.core.errors import DamagedFileError, UsageError
from vtbench.zoo.fit import fit, loaded
from vtbench.zoo.fitting import TokenizerFit
from vtbench.zoo.images import FitImages, load_images
from vtbench.zoo.keeping import identity, keep_state, write_weights
from vtbench.zoo.recipes import COMPUTE, TOKENIZERS, TokenizerRecipe, find_recipe

MOST_PARAMETERS = 1_500_000
CPU = torch.device("cpu")


def short(name: str, steps: int = 20) -> TokenizerRecipe:
    return dataclasses.replace(TOKENIZERS[name], steps=steps, batch=4, warmup=2)


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_loss_falls_and_weights_are_loaded_as_a_checkpoint(name: str, images: FitImages, tmp_path: Path) -> None:
    going = TokenizerFit(short(name), images.pixels, CPU)
    going.advance(20)
    assert going.losses[-5:].mean() < 0.8 * going.losses[:3].mean()
    assert 10_000 < sum(one.numel() for one in going.network.parameters()) <= MOST_PARAMETERS
    write_weights(tmp_path / "weights.safetensors", going.average, {"commit": "none"})
    adapter: Any = loaded(going.recipe, tmp_path / "weights.safetensors")
    found = adapter.decode(adapter.encode(images.pixels[:2].float() / 255))
    expected = going.reconstruct(images.pixels[:2])
    assert found.shape == (2, 3, 32, 32)
    assert float((found - expected).abs().mean()) < 0.02  # half precision; a code may change


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_tokenizers_are_fitted_with_equal_compute(name: str, images: FitImages) -> None:
    going = TokenizerFit(short(name), images.pixels, CPU)
    with FlopCounterMode(display=False) as counted:
        going.advance(1)
    recipe = TOKENIZERS[name]
    spent = counted.get_total_flops() / going.recipe.batch * recipe.batch * recipe.steps
    assert spent == pytest.approx(COMPUTE, rel=0.02)


def test_a_fit_goes_on_as_if_it_had_not_stopped(images: FitImages, tmp_path: Path) -> None:
    recipe = short("zoo-titok", steps=6)
    whole = TokenizerFit(recipe, images.pixels, CPU)
    whole.advance(6)
    first = TokenizerFit(recipe, images.pixels, CPU)
    first.advance(3)
    keep_state(tmp_path / "zoo-titok.state", first.state(), identity(recipe, images.digest), 5.0)
    weights = fit(recipe, images, tmp_path, CPU)
    card = json.loads((tmp_path / "zoo-titok.json").read_text())
    assert card["steps"] == 6 and card["seconds"] >= 5.0 and card["images"]["digest"] == images.digest
    assert card["loss"]["values"] == [pytest.approx(float(np.mean(whole.losses, dtype=np.float64)))]
    with safe_open(weights, "pt") as file:
        assert file.metadata()["command"] == card["made"]["command"] == "python -m vtbench.zoo.fit zoo-titok"
        assert file.metadata()["commit"]
    kept = {path.name for path in tmp_path.iterdir()}
    assert weights.name in kept and kept == {f"zoo-titok.{kind}" for kind in ("safetensors", "json", "png")}


def test_a_state_of_another_fit_is_refused(images: FitImages, tmp_path: Path) -> None:
    recipe = short("zoo-titok", steps=2)
    other = dataclasses.replace(recipe, seed=1)
    keep_state(
        tmp_path / "zoo-titok.state",
        TokenizerFit(other, images.pixels, CPU).state(),
        identity(other, images.digest),
        0.0,
    )
    with pytest.raises(DamagedFileError, match="another"):
        fit(recipe, images, tmp_path, CPU)


def test_entries_that_nothing_chooses_are_moved(images: FitImages) -> None:
    going = TokenizerFit(short("zoo-titok", steps=300), images.pixels, CPU)
    before = _codebook(going).clone()
    going.step = 99  # the next step ends the first window
    going.advance(1)
    moved = (_codebook(going) - before).abs().amax(1) > 0.01
    assert moved.sum() > 400  # of 512; 32 tokens of four images choose few


def test_images_are_those_of_either_form(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither train\.parquet nor"):
        load_images(tmp_path)
    encoded = []
    for label in (7, 2):
        kept = io.BytesIO()
        Image.new("RGB", (32, 32), (label, 0, 9)).save(kept, "PNG")
        encoded.append({"image": {"bytes": kept.getvalue(), "path": None}, "label": label})
    pq.write_table(pa.Table.from_pylist(encoded), tmp_path / "test.parquet")
    found = load_images(tmp_path, "test")
    assert found.labels.tolist() == found.pixels[:, 0, 0, 0].tolist() == [7, 2] and found.pixels.shape == (2, 3, 32, 32)
    with pytest.raises(UsageError, match="no recipe"):
        find_recipe("zoo-none")


def _codebook(going: TokenizerFit) -> Tensor:
    quantiser: Any = going.network.quantize
    found: Tensor = quantiser.embedding.weight.detach()
    return found
