"""VAREdit against bits that its own modules (HiDream-ai/VAREdit, 2ca737c) drew with the same weights."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from sorted_weights import digest, drawn

from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import SampleError
from vtbench.generators.published.next_scale.infinity.accumulation import BitwiseAccumulator
from vtbench.generators.published.next_scale.infinity.geometry import InfinityGeometry
from vtbench.generators.published.next_scale.infinity.schedules import scale_schedule
from vtbench.generators.published.next_scale.varedit.adapter import VarEdit
from vtbench.generators.published.next_scale.varedit.cache import SourceCache
from vtbench.generators.published.next_scale.varedit.network import PromptedEdit, VarEditNetwork
from vtbench.generators.published.next_scale.varedit.sources import restored, squared
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import FROM_UNCONDITIONAL, Constant
from vtbench.generators.sampling.next_scale.sampler import sample_scales
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.text.encoded import EncodedText, PromptedText
from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCHEDULE = scale_schedule(1.0, "0.06M")
SEEDS = torch.tensor([1, 2])


def noise(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def sampled(
    network: VarEditNetwork, text: torch.Tensor, source: torch.Tensor, seeds: list[int], cfg: float, tau: float
) -> tuple[list[torch.Tensor], SamplingCost]:
    """With the authors' draws: ``text [T,D]`` for all of the sources ``[B,bits,h,w]``."""
    bits, schedule = network.geometry.bits, network.geometry.schedule
    rows = text.expand(len(source), -1, -1)
    encoded = EncodedText(rows, torch.ones(rows.shape[:2], dtype=torch.bool))
    filters = Filters(tau, 0, 0.97, precision="float32", boundary="reaches")
    draw: Any = {"draw": "torch-multinomial", "parts": bits}
    settings = ScaleSettings(schedule, (filters,), Constant(cfg), FROM_UNCONDITIONAL, **draw)
    prompted: Any = PromptedEdit(PromptedText(encoded, network.without_text(encoded)), source)
    with torch.inference_mode():
        return sample_scales(network, prompted, BitwiseAccumulator(schedule), settings, torch.tensor(seeds))


def test_a_batch_has_the_bits_of_the_authors_single_run() -> None:
    """The source's places are those of a table for 1024 pixels, read from its beginning."""
    geometry = InfinityGeometry(depth=4, width=256, heads=2, chunks=2, bits=8, schedule=SCHEDULE, finest=(64, 64))
    network = drawn(VarEditNetwork(geometry), 2)
    text, source = noise(6, 2048, seed=5), noise(1, 8, 16, 16, seed=6)
    codes, cost = sampled(network, text, torch.cat([source, noise(1, 8, 16, 16, seed=7)]), [0, 0], 4.0, 0.5)
    first = [part[:1] for part in codes]
    assert sum(int(part.sum()) for part in first) == 1674 and digest(first) == "803ff87e4a4d"
    assert cost.forward_passes == 7, "the loop counts the scales"
    assert cost.kv_cache_bytes == 4 * 4 * (521 + 256) * 256 * (4 + 4)
    assert not torch.equal(codes[-1][0], codes[-1][1]), "another source"


def test_block_0_sees_means_of_the_source_over_areas_and_the_others_all_of_it() -> None:
    held = KeyValueCache(CacheGeometry(2, 2, 21, 4), 3, torch.zeros(()))
    cache = SourceCache(held, (4, 4))
    keys, values = noise(3, 2, 16, 4, seed=0), noise(3, 2, 16, 4, seed=1)
    for layer in range(2):
        assert cache.extended(layer, keys, values)[0].shape == (3, 2, 16, 4), "the pass over the source sees itself"
    cache.advance(16)
    cache.at((2, 1))
    key, value = noise(3, 2, 2, 4, seed=2), noise(3, 2, 2, 4, seed=3)
    seen, looked_at = cache.extended(0, key, value)
    maps = keys.permute(0, 1, 3, 2).reshape(3, 8, 4, 4)
    small = F.interpolate(maps, size=(2, 1), mode="area").reshape(3, 2, 4, 2).transpose(2, 3)
    torch.testing.assert_close(seen, torch.cat([small, key], dim=2))
    assert looked_at.shape == (3, 2, 4, 4) and torch.equal(looked_at[:, :, 2:], value)
    assert torch.equal(cache.extended(1, key, value)[0], torch.cat([keys, key], dim=2))
    cache.advance(2)
    assert cache.length == 18 and cache.nbytes == held.nbytes


def test_scales_in_one_call_are_those_of_a_cache() -> None:
    sizes: dict[str, Any] = {"depth": 2, "width": 32, "heads": 2, "chunks": 2, "text_width": 256, "bits": 6}
    network = drawn(VarEditNetwork(InfinityGeometry(**sizes, schedule=SCHEDULE, finest=(64, 64))), 3)
    text, source = EncodedText(noise(1, 3, 256, seed=0), torch.ones(1, 3).bool()), noise(1, 6, 16, 16, seed=1)
    maps: list[Any] = [None, *(noise(1, 6, *size, seed=2) for size in SCHEDULE.sizes[1:])]
    with torch.inference_mode():
        shown = PromptedEdit(PromptedText(text, text), source)
        condition = network.conditioned(shown.conditional)
        whole = network.step(maps, 0, condition, None)
        cache = network.make_cache(1, SCHEDULE.tokens)
        parts = [network.step([seen], scale, condition, cache) for scale, seen in enumerate(maps)]
        other = network.step(maps, 0, replace(condition, source=condition.source.flip(1)), None)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole)
    assert (other - whole).abs().max() > 1e-4


def test_a_source_is_made_a_square_and_cut_back() -> None:
    wide = torch.zeros(3, 8, 16, dtype=torch.uint8)
    found = squared(wide, 16)
    assert found.shape == (3, 16, 16) and not found[:, :8].any() and bool((found[:, 8:] == 1).all())
    ramp = torch.arange(3 * 16 * 16).reshape(3, 16, 16).remainder(256).to(torch.uint8)
    assert torch.equal(squared(ramp, 16).mul(255).round().to(torch.uint8), ramp)
    assert torch.equal(restored(ramp, 16, 5), ramp[:, :, :5])
    assert restored(ramp, 40, 20).shape == (3, 40, 20)


def test_images_have_the_shapes_of_their_sources() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny = VarEdit.random(**VarEdit.shrunken)
    sources = [torch.full((3, 256, 256), 90, dtype=torch.uint8), torch.full((3, 60, 100), 30, dtype=torch.uint8)]
    conditions = [Condition(prompt="make it red", images={"source": source}) for source in sources]
    edited = tiny.sample_each(conditions, SEEDS, ["a", "b"])
    assert [tuple(image.shape) for image in edited] == [(3, 256, 256), (3, 60, 100)]
    cost = tiny.sampling_cost()
    assert cost is not None and (cost.forward_passes, cost.steps, cost.tokens) == (8, 16, 2 * 521)
    assert cost.tokens_computed == 4 * (521 + 256)
    whole = tiny.sample(conditions[:1], SEEDS[:1])[0]
    assert not hasattr(tiny, "sample_codes") and whole.dtype == torch.float32
    assert (edited[0] - whole.mul(255)).abs().max() < 1.001, "a level, where a pixel is truncated"
    assert tiny.info.images == ("source",) and tiny.info.sampler["temperature"] == 0.1
    with pytest.raises(SampleError, match="source"):
        tiny.sample_each([Condition(prompt="make it red")], SEEDS[:1], ["a"])
