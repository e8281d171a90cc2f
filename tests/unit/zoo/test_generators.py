"""Generators of the reference zoo: each falls in loss by its own likelihood, goes on, and is loaded as a checkpoint."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition
from vtbench.core.errors import AssetMissingError
from vtbench.core.naming.reference import Reference
from vtbench.generators import GENERATORS as FAMILIES
from vtbench.tokenizers.resolve import resolve_tokenizer
from vtbench.zoo.fit import fit
from vtbench.zoo.generators.codes import ImageCodes, codes_of
from vtbench.zoo.generators.fitting import GeneratorFit
from vtbench.zoo.generators.objectives import OBJECTIVES
from vtbench.zoo.generators.recipes import GENERATOR_COMPUTE, GENERATORS, GeneratorRecipe
from vtbench.zoo.images import FitImages
from vtbench.zoo.keeping import identity, keep_state, write_weights
from vtbench.zoo.recipes import TOKENIZERS

MOST_PARAMETERS, MOST_BYTES = 6_000_000, 30e6
CPU = torch.device("cpu")
EQUAL_STEPS = {"zoo-var-refiner": "zoo-var"}
"""Fitted with as many steps as another instead of with as much compute."""

COUNTED = {"zoo-mar": 20}
"""Steps whose operations are counted, where it is more than one: as many as differ in what is masked."""

QUICK = {"zoo-mar": {"steps": 2, "diffusion_steps": 2}}


def short(name: str, steps: int = 20) -> GeneratorRecipe:
    return dataclasses.replace(GENERATORS[name], steps=steps, batch=4, warmup=2)


def tokenizer_of(recipe: GeneratorRecipe) -> str:
    of = TOKENIZERS[recipe.tokenizer]
    return str(Reference(of.family, {**of.arguments, "random_weights_seed": 0}))


def begun(recipe: GeneratorRecipe, images: FitImages) -> GeneratorFit:
    reference = tokenizer_of(recipe)
    codes = codes_of(resolve_tokenizer(reference), images.pixels, CPU)
    return GeneratorFit(recipe, reference, codes, images.labels, CPU)


@pytest.mark.parametrize("name", sorted(GENERATORS))
def test_loss_falls_within_its_compute_and_weights_are_loaded_as_a_checkpoint(
    name: str, images: FitImages, tmp_path: Path
) -> None:
    recipe = GENERATORS[name]
    going = begun(short(name), images)
    with FlopCounterMode(display=False) as counted:
        going.advance(COUNTED.get(name, 1))
    going.advance(20)
    assert going.losses[-5:].mean() < 0.93 * going.losses[:3].mean()
    if name in EQUAL_STEPS:
        assert recipe.steps == GENERATORS[EQUAL_STEPS[name]].steps
    else:
        spent = counted.get_total_flops() / COUNTED.get(name, 1) / going.recipe.batch * recipe.batch * recipe.steps
        assert spent == pytest.approx(GENERATOR_COMPUTE, rel=0.02)
    file = tmp_path / "weights.safetensors"
    write_weights(file, going.average, {"commit": "none"})
    made: Any = FAMILIES.load(recipe.family)
    adapter = made(**{**going.arguments, **QUICK.get(name, {})}, checkpoint=str(file))
    conditions, seeds = [Condition(label=9)] * 2, torch.arange(2)
    with torch.inference_mode():
        assert adapter.sample(conditions, seeds).shape == (2, 3, 32, 32)
    assert adapter.info.classes == 10 and adapter.info.parameters == sum(
        one.numel() for one in going.network.parameters()
    )


def test_they_are_small(images: FitImages) -> None:
    counts = [sum(one.numel() for one in begun(short(name), images).network.parameters()) for name in GENERATORS]
    assert max(counts) <= MOST_PARAMETERS and 2 * sum(counts) <= MOST_BYTES  # two bytes each in half precision


@pytest.mark.parametrize("name", ["zoo-llamagen", "zoo-var"])
def test_cross_entropies_are_those_of_the_adapters_likelihood(name: str, images: FitImages) -> None:
    going = begun(short(name), images)
    going.advance(3)
    adapter, labels = going.drawing(), images.labels[:4].clone()
    codes = resolve_tokenizer(tokenizer_of(going.recipe)).encode(images.pixels[:4].float() / 255)  # type: ignore[union-attr]
    batch = ImageCodes(codes.levels)
    likely = adapter.log_likelihood([Condition(label=int(label)) for label in labels], Codes(levels=codes.levels))
    with torch.no_grad():
        found = OBJECTIVES[going.recipe.order](adapter, going.average, labels, batch, torch.Generator())
    assert float(found) == pytest.approx(-float(likely.mean()), rel=1e-5)


def test_codes_are_those_of_images_and_of_their_mirror_images(images: FitImages) -> None:
    tokenizer: Any = resolve_tokenizer(tokenizer_of(GENERATORS["zoo-llamagen"]))
    told: list[int] = []
    codes = codes_of(tokenizer, images.pixels, CPU, told.append)
    assert len(codes) == 8 and sum(told) == 16
    found = codes.at(torch.tensor([2, 5]), torch.tensor([False, True]), CPU).levels[0]
    chosen = torch.stack([images.pixels[2], images.pixels[5].flip(-1)])
    assert torch.equal(found, tokenizer.encode(chosen.float() / 255).levels[0].long())


def test_a_generator_is_not_fitted_without_its_tokenizer(
    images: FitImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vtbench.zoo.fit.load_cards", dict)
    with pytest.raises(AssetMissingError, match="draws codes of zoo-var-vq"):
        fit(short("zoo-var-refiner"), images, tmp_path, CPU)


def test_a_fit_goes_on_as_if_it_had_not_stopped(images: FitImages, tmp_path: Path) -> None:
    recipe = short("zoo-var-refiner", steps=4)
    of = TOKENIZERS[recipe.tokenizer]
    tokenizer: Any = resolve_tokenizer(tokenizer_of(recipe))
    write_weights(tmp_path / "zoo-var-vq.safetensors", tokenizer.published_network, {})
    reference = str(Reference(of.family, {**of.arguments, "checkpoint": str(tmp_path / "zoo-var-vq.safetensors")}))
    codes = codes_of(resolve_tokenizer(reference), images.pixels, CPU)
    whole, first = (GeneratorFit(recipe, reference, codes, images.labels, CPU) for _ in range(2))
    whole.advance(4)
    first.advance(2)
    of_this = identity(recipe, images.digest, first.facts())
    keep_state(tmp_path / "zoo-var-refiner.state", first.state(), of_this, 5.0)
    weights = fit(recipe, images, tmp_path, CPU)
    card = json.loads((tmp_path / "zoo-var-refiner.json").read_text())
    assert card["steps"] == 4 and card["seconds"] >= 5.0 and card["arguments"]["classes"] == 10
    assert card["tokenizer"]["recipe"] == "zoo-var-vq" and len(card["tokenizer"]["weights"][0]["sha256"]) == 64
    assert card["loss"]["values"] == [pytest.approx(float(whole.losses.mean()))]
    write_weights(tmp_path / "whole.safetensors", whole.average, {})
    one, other = (_tensors(path) for path in (weights, tmp_path / "whole.safetensors"))
    assert all(torch.equal(one[name], other[name]) for name in one) and one.keys() == other.keys()


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)
