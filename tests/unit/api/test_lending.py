"""A model comes back as it was lent: modes, gradients, devices, dtypes and the memory behind its tensors."""

from __future__ import annotations

import functools
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import vtbench
from vtbench.api.live.lending import lent
from vtbench.api.live.networks import home_of, reached_networks
from vtbench.core.errors import VtbenchError
from vtbench.core.info import TokenizerInfo


class Adapter(nn.Module):
    """A reconstructor of a few parts, each of which can be in a mode of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.info = TokenizerInfo(name="adapter", kind="continuous")
        self.parts = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.Dropout(0.5))
        self.fixed = nn.Linear(2, 2).requires_grad_(False)
        self.seen: list[tuple[bool, torch.dtype]] = []

    def reconstruct(self, images: Tensor) -> Tensor:
        self.seen.append((any(part.training for part in self.modules()), self.parts[0].weight.dtype))
        return self.parts(images.to(self.parts[0].weight.dtype)).float()


@pytest.fixture
def model() -> Adapter:
    made = Adapter().train()
    made.parts[1].eval()
    made.fixed.eval()
    made.parts[0].bias.requires_grad_(False)
    made.parts(torch.rand(2, 3, 4, 4)).sum().backward()
    return made


def state_of(model: nn.Module) -> list[Any]:
    tensors = [*model.parameters(), *model.buffers()]
    return [
        [part.training for part in model.modules()],
        [parameter.requires_grad for parameter in model.parameters()],
        [(id(one), one.data_ptr(), one.dtype, one.device, one._version) for one in tensors],
        [None if one.grad is None else (id(one.grad), one.grad.data_ptr()) for one in model.parameters()],
        [one.tolist() for one in tensors],
    ]


@pytest.mark.parametrize("dtype", [None, "bfloat16"])
def test_a_module_comes_back_as_it_was(model: Adapter, dtype: str | None, quick: str, images: Tensor) -> None:
    before = state_of(model)
    record = vtbench.evaluate(model, quick, data=images, dtype=dtype).records[0]
    expected = torch.bfloat16 if dtype else torch.float32
    assert set(model.seen) == {(False, expected)} and record.model.dtype == (dtype or "float32")
    assert state_of(model) == before


def test_its_own_dtype_is_the_default(model: Adapter, quick: str, images: Tensor) -> None:
    model.bfloat16()
    before = state_of(model)
    assert vtbench.evaluate(model, quick, data=images).records[0].model.dtype == "bfloat16"
    assert state_of(model) == before


@pytest.mark.parametrize("how", ["raises", "shape", "interrupt"])
def test_exceptions_included(
    model: Adapter, how: str, quick: str, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(given: Tensor) -> Tensor:
        model.train()
        model.requires_grad_(True)
        if how == "interrupt":
            raise KeyboardInterrupt
        if how == "raises":
            raise ValueError("no")
        return given[:, :1]

    before = state_of(model)
    monkeypatch.setattr(model, "reconstruct", wrong)
    with pytest.raises((VtbenchError, KeyboardInterrupt)):
        vtbench.evaluate(model, quick, data=images, dtype="bfloat16")
    assert state_of(model) == before


def test_networks_that_a_function_closes_over_are_in_evaluation_mode(
    model: Adapter, quick: str, images: Tensor
) -> None:
    before = state_of(model)
    found = vtbench.evaluate(vtbench.reconstructor(lambda x: model.parts(x), name="m"), quick, data=images)
    assert state_of(model) == before
    with torch.no_grad():
        expected = model.eval().parts(images.float() / 255)
    rows = vtbench.metric("mae")(expected.clamp(0, 1), images)
    assert found.samples["mae"].tolist() == rows.tolist()


def test_a_training_mode_that_train_alone_restores_is_restored(model: Adapter) -> None:
    """As adapters do that merge weights for inference: setting the flag would not be enough."""

    class Merging(nn.Linear):
        merged = False

        def train(self, mode: bool = True) -> Merging:
            self.merged = not mode
            return super().train(mode)

    network = nn.Sequential(Merging(2, 2), nn.Dropout()).train()
    network[1].eval()
    with lent([network]):
        assert network[0].merged and not network[0].training
    assert not network[0].merged and [part.training for part in network.modules()] == [True, True, False]


NETWORK = nn.Conv2d(3, 3, 1)


def _uses_a_global(images: Tensor) -> Tensor:
    return NETWORK(images)


class _Holder:
    __slots__ = ("inner",)

    def __init__(self, network: nn.Module) -> None:
        self.inner = {"deep": [network]}

    def __call__(self, images: Tensor) -> Tensor:
        return images

    def method(self, images: Tensor) -> Tensor:
        return images


@pytest.mark.parametrize(
    "wrap",
    [
        lambda n: n,
        lambda n: n.forward,
        lambda n: lambda x: n(x),
        lambda n: lambda x: (lambda y: n(y))(x),
        lambda n: functools.partial(torch.nn.functional.relu, inplace=n),
        lambda n: functools.partial(lambda x, net: net(x), net=n),
        lambda n: _Holder(n),
        lambda n: _Holder(n).method,
        lambda n: lambda x, net=n: net(x),
        lambda n: torch.no_grad()(lambda x: n(x)),
        lambda n: _uses_a_global,
        lambda n: lambda x: _uses_a_global(x),
    ],
)
def test_a_network_is_found_wherever_a_function_has_it_from(wrap: Any) -> None:
    model = vtbench.reconstructor(wrap(NETWORK), name="m")
    assert reached_networks(model) == [NETWORK]
    assert home_of([NETWORK]) == (torch.device("cpu"), torch.float32)


def test_what_stands_for_a_network_is_none(model: Adapter) -> None:
    """A trainer holds such proxies of the very module that holds the trainer."""
    model.trainer = {"module": weakref.proxy(model), "other": nn.Linear(1, 1)}
    assert reached_networks(model) == [model, model.trainer["other"]]
    with lent(reached_networks(model)):
        assert not any(part.training for part in model.modules())


def test_parts_of_a_network_are_not_told_apart_from_it(model: Adapter) -> None:
    assert reached_networks(vtbench.reconstructor(lambda x: model.parts(x) + model.fixed(x), name="m")) == [model]
    assert reached_networks(vtbench.reconstructor(torch.sigmoid, name="m")) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_module_comes_back_from_a_gpu(model: Adapter, quick: str, images: Tensor) -> None:
    before = state_of(model)
    assert vtbench.evaluate(model, quick, data=images, device="cuda").records[0].environment.device == "cuda:0"
    assert state_of(model) == before
