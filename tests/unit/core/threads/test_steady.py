"""Somebody else's metrics, extractors and models: one thread, or lanes where they say that they may."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.pixels import to_unit
from vtbench.core.threads.steady import is_own, model_in_lanes, one_thread_unless_own, steady
from vtbench.metrics.images.pixel import Psnr
from vtbench.run.measuring.model import LoadedModel

CPU = torch.device("cpu")
IMAGES = torch.randint(0, 256, (5, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def _three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


class Watched:
    """Whose threads are seen."""

    info = "its info"

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, bool]] = []

    def _saw(self, images: Tensor) -> None:
        on_main = threading.current_thread() is threading.main_thread()
        self.calls.append((len(images), torch.get_num_threads(), on_main))


class Metric(Watched):
    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any]) -> Tensor:
        self._saw(prediction)
        assert len(targets) == len(prediction)
        return (prediction.double() - reference.double()).abs().flatten(1).mean(1)


class ConcurrentMetric(Metric):
    concurrent = True


class Extractor(Watched):
    concurrent = True

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        self._saw(images)
        return {"a": images.float().mean((2, 3)), "b": images.float().amax((2, 3))}


def test_a_metric_of_somebody_runs_on_one_thread() -> None:
    metric = Metric()
    held = steady(metric)
    assert not is_own(metric) and held.info == "its info"
    values = held(IMAGES, IMAGES.flip(0), [None] * 5)
    assert metric.calls == [(5, 1, True)] and values.shape == (5,)
    assert torch.get_num_threads() == 3


def test_one_that_may_be_called_at_once_runs_in_lanes_and_finds_the_same() -> None:
    metric, extractor = ConcurrentMetric(), Extractor()
    values = steady(metric)(IMAGES, IMAGES.flip(0), list(range(5)))
    assert metric.calls == [(1, 1, False)] * 5
    assert torch.equal(values, Metric()(IMAGES, IMAGES.flip(0), [None] * 5))
    features = steady(extractor).to(device=CPU)(IMAGES)
    assert {name: tuple(found.shape) for name, found in features.items()} == {"a": (5, 3), "b": (5, 3)}
    assert torch.equal(features["b"], Extractor()(IMAGES)["b"])
    assert steady(extractor)(IMAGES[:0])["a"].shape == (0, 3)


def test_vtbenchs_own_are_as_they_are() -> None:
    metric = Psnr()
    assert is_own(metric) and steady(metric) is metric


class Model:
    """A product and a long sum, whose last digits follow the number of threads and the batch."""

    concurrent = True

    class info:  # noqa: N801
        name, stochastic, fixed_size, native_size = "model", True, False, None

    def encode(self, images: Tensor, seeds: Tensor) -> Codes:
        rows = images.flatten(2)
        return Codes(
            latents=(rows @ rows.mT + seeds[:, None, None] % 7)[..., None], image_size=tuple(images.shape[-2:])
        )

    def decode(self, codes: Codes, seeds: Tensor) -> Tensor:
        assert codes.latents is not None and codes.image_size is not None and len(seeds) == codes.batch_size
        value = codes.latents.flatten(1).logsumexp(1) / 1e4
        return value[:, None, None, None].expand(-1, 3, *codes.image_size).contiguous()


def test_a_model_that_may_be_called_at_once_gives_the_same_bits_at_any_number_of_threads_and_in_any_batch() -> None:
    images, seeds = to_unit(IMAGES), [11, 22, 33, 44, 55]
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        loaded = LoadedModel(Model(), CPU)  # type: ignore[arg-type]
        whole = loaded.reconstruct(images, seeds)
        parts = [loaded.reconstruct(images[at : at + 2], seeds[at : at + 2]) for at in (0, 2, 4)]
        assert whole.codes is not None and torch.equal(whole.images, torch.cat([part.images for part in parts]))
        found.append((whole.images, whole.codes.latents))
    assert all(torch.equal(one, other) for these in found[1:] for one, other in zip(these, found[0], strict=True))


def test_other_models_and_other_devices_keep_their_threads() -> None:
    class Plain(Model):
        concurrent = False

    plain, model = Plain(), Model()
    assert model_in_lanes(plain, CPU) is plain
    assert model_in_lanes(model, torch.device("cuda")) is model
    assert model_in_lanes(model, CPU) is not model


def test_what_breaks_the_contract_is_told_as_it_would_be_of_a_batch() -> None:
    class Wrong(Model):
        def encode(self, images: Tensor, seeds: Tensor) -> Any:
            return None

        def decode(self, codes: Codes, seeds: Tensor) -> Any:
            return [1]

    laned = model_in_lanes(Wrong(), CPU)
    assert laned.encode(to_unit(IMAGES), torch.arange(5)) is None
    codes = Codes(levels=(torch.zeros((5, 2), dtype=torch.int64),))
    assert laned.decode(codes, torch.arange(5)) == [1]


def test_what_is_timed_is_one_call_on_all_threads() -> None:
    class Seen(Model):
        threads: ClassVar[list[int]] = []

        def encode(self, images: Tensor, seeds: Tensor) -> Codes:
            self.threads.append(torch.get_num_threads())
            return super().encode(images, seeds)

    loaded = LoadedModel(Seen(), CPU)  # type: ignore[arg-type]
    loaded.reconstruct(to_unit(IMAGES[:2]), [1, 2])
    with loaded.watched_by(lambda _: nullcontext()):
        loaded.reconstruct(to_unit(IMAGES[:2]), [1, 2])
    assert Seen.threads == [1, 1, 3]


def test_a_metric_of_blocks_keeps_its_block() -> None:
    metric = ConcurrentMetric()
    with one_thread_unless_own(metric):
        assert torch.get_num_threads() == 1
    with one_thread_unless_own(Psnr()):
        assert torch.get_num_threads() == 3
