"""NSARM against bits that its own modules (Xiangtaokong/NSARM, 3d19053) drew with the same weights."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from sorted_weights import digest, drawn

from vtbench.checkpoints.cards import find_generator_card
from vtbench.core.contracts import Condition
from vtbench.generators.published.next_scale.infinity.accumulation import BitwiseAccumulator
from vtbench.generators.published.next_scale.infinity.geometry import InfinityGeometry
from vtbench.generators.published.next_scale.infinity.network import InfinityNetwork
from vtbench.generators.published.next_scale.infinity.schedules import scale_schedule
from vtbench.generators.published.next_scale.nsarm.adapter import Nsarm
from vtbench.generators.published.next_scale.nsarm.colours import colour_fixed, resized
from vtbench.generators.published.next_scale.nsarm.mapping import PUBLISHED, TINY, ScaleMap
from vtbench.generators.published.next_scale.nsarm.network import GivenScales
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import FROM_UNCONDITIONAL, Constant
from vtbench.generators.sampling.next_scale.sampler import sample_scales
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.text.encoded import EncodedText, PromptedText

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SEEDS = torch.tensor([1, 2])


def test_scales_behind_the_given_ones_have_the_authors_bits() -> None:
    """Those that are given are drawn too, and go on with the stream; the sum is seen through means over areas."""
    schedule = scale_schedule(1.0, "0.25M")
    sizes: dict[str, Any] = {"depth": 2, "width": 64, "heads": 2, "chunks": 2, "bits": 56}
    network = drawn(InfinityNetwork(InfinityGeometry(**sizes, schedule=schedule, finest=(64, 64))), 2)
    generator = torch.Generator().manual_seed(8)
    values = [torch.randn(1, scale.side**2, 14, generator=generator) for scale in PUBLISHED.scales]
    maps = [part.reshape(1, 14, scale.side, scale.side) for part, scale in zip(values, PUBLISHED.scales, strict=True)]
    given = tuple(F.pixel_unshuffle(part, 2).gt(0).flatten(2).transpose(1, 2).long() for part in maps)
    features = torch.randn(6, 2048, generator=torch.Generator().manual_seed(5))[None]
    text = EncodedText(features, torch.ones(1, 6, dtype=torch.bool))
    filters = Filters(0.5, 0, 0.97, precision="float32", boundary="reaches")
    rules: Any = {"draw": "torch-multinomial", "parts": 56, "strategy": GivenScales(given)}
    settings = ScaleSettings(schedule, (filters,), Constant(1.0), FROM_UNCONDITIONAL, **rules)
    accumulator, total = BitwiseAccumulator(schedule, 2, "area"), None
    prompted: Any = PromptedText(text, text)
    with torch.inference_mode():
        codes, cost = sample_scales(network, prompted, accumulator, settings, torch.tensor([1]))
    assert all(torch.equal(found, wanted) for found, wanted in zip(codes[:7], given, strict=True))
    assert sum(int(part.sum()) for part in codes[7:]) == 57_900 and digest(codes[7:]) == "ec28d56e1d0f"
    for scale, part in enumerate(codes):
        total = accumulator.added(total, part, scale)
    assert total is not None and total.double().abs().sum().item() == pytest.approx(29104.478906, abs=1e-3)
    assert cost.forward_passes == 10 and cost.tokens == 2521


def test_the_published_map_has_its_tensors() -> None:
    with torch.device("meta"):
        state = ScaleMap(PUBLISHED).state_dict()
    assert len(state) == 950 and sum(tensor.numel() for tensor in state.values()) == 385_103_600
    card = find_generator_card("nsarm-8b")
    assert (card.tensors, card.parameters) == (862 + 950, 8_375_791_824 + 385_103_600)
    assert state["feature_transforms.6.4.weight"].shape == (1024, 32, 32)
    assert state["transformers.5.layers.13.linear1.weight"].shape == (3072, 768)
    assert state["output_projs.0.3.weight"].shape == (14, 32)


def test_values_of_places_are_read_as_maps_of_channels() -> None:
    network = ScaleMap(TINY).eval()
    latents = torch.randn(2, 6, 4, 4, generator=torch.Generator().manual_seed(0))
    taken: list[torch.Tensor] = []
    network.output_projs[2].register_forward_hook(lambda module, given, found: taken.append(found))
    with torch.no_grad():
        found, alone = network(latents), network(latents[1:])
    assert [tuple(part.shape) for part in found] == [(2, 6, side, side) for side in (1, 2, 4)]
    assert torch.equal(found[2][0].flatten(), taken[0][0].flatten()), "no axis is turned"
    torch.testing.assert_close(found[2][1:], alone[2])
    bits = network.bits(latents, 1)
    assert torch.equal(bits[2][0].T.reshape(6, 4, 4), (found[2][0] > 0).long())


def test_colours_are_the_small_images() -> None:
    generator = torch.Generator().manual_seed(0)
    large = torch.randint(0, 256, (3, 64, 64), generator=generator, dtype=torch.uint8)
    flat = torch.tensor([40, 120, 200], dtype=torch.uint8)[:, None, None].expand(3, 16, 16)
    fixed = colour_fixed(large, flat)
    assert fixed.dtype == torch.uint8 and fixed.shape == (3, 64, 64)
    means = fixed.float().mean((1, 2))
    torch.testing.assert_close(means, torch.tensor([40.0, 120.0, 200.0]), atol=2.0, rtol=0)
    assert float(fixed.float().std((1, 2)).max()) < 3, "and its deviations"
    same = resized(flat, 16)
    assert torch.equal(same, flat) and torch.equal(colour_fixed(same, flat), flat)


def test_images_are_four_times_their_sources() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny, plain = (Nsarm.random(**Nsarm.shrunken, colours=colours) for colours in (True, False))
    source = torch.randint(0, 256, (3, 64, 64), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    conditions = [
        Condition(prompt="a wall", images={"source": source}),
        Condition(prompt="", images={"source": source}),
    ]
    images = plain.sample_each(conditions, SEEDS, ["a", "b"])
    assert [tuple(image.shape) for image in images] == [(3, 256, 256)] * 2
    fixed = tiny.sample_each(conditions, SEEDS, ["a", "b"])
    assert torch.equal(fixed[1], colour_fixed(images[1], source))
    assert not hasattr(tiny, "sample_codes"), "they would make another image"
    with torch.inference_mode():
        codes = tiny._codes(tiny._draw(conditions, SEEDS)[0])
        given = tiny._network.map_transformer.bits(tiny._latents(conditions), 1)
    for bits, wanted in zip(codes.bits[:3], given, strict=False):
        assert torch.equal(bits.flip(-1).flatten(1, 2), wanted.bool())
    told = tiny.info.sampler
    assert (told["given_scales"], told["cfg_scale"], told["temperature"]) == (3, 1.0, 0.5)
    assert tiny.info.images == ("source",) and plain.info.sampler["colours"] == "as sampled"
