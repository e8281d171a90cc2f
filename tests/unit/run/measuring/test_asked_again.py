"""A model asked for codes and images apart, as tasks of robustness ask it."""

from __future__ import annotations

import pytest
import torch

from vtbench.core.errors import AdapterError
from vtbench.run.measuring.model import LoadedModel
from vtbench.tokenizers.contract.subject import photographs, pick
from vtbench.tokenizers.fitted.patch_bsq import PatchBsq
from vtbench.tokenizers.fitted.patch_vq import PatchVq
from vtbench.tokenizers.published.elm_bae.adapter import ElmBae
from vtbench.tokenizers.published.var_vq.adapter import VarVQ

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
CPU = torch.device("cpu")


def test_codes_and_images_of_a_model_of_one_size_are_those_of_its_reconstruction() -> None:
    model, images = LoadedModel(VarVQ.random(**VarVQ.shrunken), CPU), photographs(2, 48, 40)
    whole = model.reconstruct(images, [0, 1])
    codes = model.encode(images, [0, 1])
    assert whole.codes is not None
    assert all(torch.equal(a, b) for a, b in zip(codes.levels, whole.codes.levels, strict=True))
    assert torch.equal(model.decode(codes, 48, 40, [0, 1]), whole.images) and whole.images.shape[-2:] == (48, 40)


def test_a_model_that_draws_is_asked_with_equal_seeds() -> None:
    model, images = LoadedModel(ElmBae.random(**ElmBae.shrunken), CPU), photographs(2, 32, 32)
    first, again, other = (model.encode(images, seeds).bits[0] for seeds in ([5, 6], [5, 6], [7, 8]))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_a_codebook_is_shown_where_there_is_one() -> None:
    shown, none = LoadedModel(PatchVq(), CPU).codebook(0), LoadedModel(PatchBsq(), CPU).codebook(0)
    assert shown is not None and shown.shape == (512, 192) and none is None
    assert all(LoadedModel(VarVQ.random(**VarVQ.shrunken), CPU).codebook(level) is not None for level in range(4))


def test_a_codebook_of_another_size_is_the_adapters_fault() -> None:
    class Short(PatchVq):
        def codebook(self, level: int) -> torch.Tensor:
            return super().codebook(level)[1:]

    with pytest.raises(AdapterError, match=r"codebook\(0\) is float32 \[511, 192\] for 512 entries"):
        LoadedModel(Short(), CPU).codebook(0)


def test_an_image_of_perturbed_codes_stands_alone() -> None:
    model, images = LoadedModel(PatchVq(), CPU), photographs(2, 32, 32)
    codes = model.encode(images, [0, 1])
    alone = model.decode(pick(codes, 1), 32, 32, [1])
    assert torch.equal(alone, model.decode(codes, 32, 32, [0, 1])[1:])
