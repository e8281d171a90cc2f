"""Functions as models: what is said where one returns something else, and failures of single images."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

import vtbench
from vtbench.core.errors import AdapterError, UsageError, VtbenchError


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: x[:, :1], "three channels"),
        (lambda x: x[:-1], "one image for each"),
        (lambda x: x[..., :-1], "of the size that was encoded"),
        (lambda x: x.permute(0, 2, 3, 1), r"return"),
        (lambda x: (x * 255).to(torch.uint8), "float images"),
        (lambda x: x * 255, "x / 255"),
        (lambda x: x * 2 - 1, r"\(x \+ 1\) / 2"),
        (lambda x: SimpleNamespace(sample=x), r"\.sample of it looks like them"),
        (lambda x: None, "nothing"),
    ],
)
def test_what_is_no_reconstruction_is_told(function: Any, said: str, quick: str, images: Tensor) -> None:
    with pytest.raises(AdapterError, match=said):
        vtbench.evaluate(vtbench.reconstructor(function, name="mine"), quick, data=images)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.zeros_like(x),
        lambda x: torch.randn_like(x) * 5,  # nothing is trained yet
        lambda x: x + 0.3,
        lambda x: x.half(),
        lambda x: x.double(),
    ],
)
def test_an_untrained_model_and_other_floats_are_measured(function: Any, quick: str, images: Tensor) -> None:
    found = vtbench.evaluate(vtbench.reconstructor(function, name="mine"), quick, data=images)
    assert found.records[0].data.n_scored == 10


def test_an_image_with_nan_is_a_failure_of_that_image(quick: str, images: Tensor) -> None:
    dark = int(images.float().mean((1, 2, 3)).argmin())

    def function(x: Tensor) -> Tensor:
        worst = x.mean((1, 2, 3)) <= float(images[dark].float().mean()) / 255 + 1e-6
        return torch.where(worst[:, None, None, None], torch.nan, x)

    result = vtbench.evaluate(vtbench.reconstructor(function, name="mine"), quick, data=images)
    (failure,) = result.records[0].failures
    assert failure.id == f"{dark:06d}" and "non-finite" in failure.message
    assert result.records[0].status == "partial" and result.value("psnr") == float("inf")
    assert result.samples.loc[dark, "status"] == "failed"
    with pytest.raises(VtbenchError, match="non-finite"):
        vtbench.evaluate(vtbench.reconstructor(function, name="mine"), quick, data=images, strict=True)


def test_names_and_functions_that_are_none() -> None:
    with pytest.raises(UsageError, match="name"):
        vtbench.reconstructor(lambda x: x, name=" ")
    with pytest.raises(UsageError, match="cannot be called"):
        vtbench.reconstructor(torch.zeros(1), name="m")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="one of class, prompt, none"):
        vtbench.sampler(lambda c, s: s, name="m", conditions="label")  # type: ignore[arg-type]


def test_a_model_without_info_is_told_how_to_be_wrapped(quick: str, images: Tensor) -> None:
    with pytest.raises(UsageError, match=r"wrap it: vtbench\.reconstructor"):
        vtbench.evaluate(torch.nn.Identity(), quick, data=images)
