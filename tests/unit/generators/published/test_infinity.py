"""Infinity against bits that its own modules (FoundationVision/Infinity, 4c27bbb) drew with the same weights."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from next_scale_cases import maps_of
from next_token_cases import cards_of
from sorted_weights import drawn

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.protocols import LikelihoodGenerator
from vtbench.generators.published.next_scale.infinity.accumulation import BitwiseAccumulator
from vtbench.generators.published.next_scale.infinity.adapter import Infinity
from vtbench.generators.published.next_scale.infinity.geometry import SIZES, InfinityGeometry
from vtbench.generators.published.next_scale.infinity.network import InfinityNetwork
from vtbench.generators.published.next_scale.infinity.schedules import RATIOS, finest_sides, scale_schedule
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import FROM_UNCONDITIONAL, Constant
from vtbench.generators.sampling.next_scale.sampler import sample_scales
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.text.encoded import EncodedText, PromptedText

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCHEDULE = scale_schedule(1.0, "0.06M")
SHORT = ScaleSchedule.square((1, 2, 4, 6))
PROMPTS = [Condition(prompt="a cat"), Condition(prompt="a much longer prompt about a dog")]
SEEDS = torch.tensor([1, 2])


def geometry(schedule: ScaleSchedule = SCHEDULE, **changes: Any) -> InfinityGeometry:
    sizes = {"depth": 4, "width": 256, "heads": 2, "chunks": 2, "bits": 8, **changes}
    return InfinityGeometry(schedule=schedule, finest=(64, 64), **sizes)


def small(**changes: Any) -> InfinityNetwork:
    sizes = {"depth": 2, "width": 32, "text_width": 256, "bits": 6, **changes}
    made: InfinityNetwork = drawn(InfinityNetwork(geometry(SHORT, **sizes)), 2)
    return made


def texts(*lengths: int, width: int = 256) -> EncodedText:
    """Each of its own seed."""
    features, mask = torch.zeros(len(lengths), max(lengths), width), torch.zeros(len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        features[row, :length] = torch.randn(length, width, generator=torch.Generator().manual_seed(length - 1))
        mask[row, :length] = 1
    return EncodedText(features, mask.bool())


def sampled(
    network: InfinityNetwork, text: EncodedText, seeds: list[int], cfg: float = 4.0, **changes: Any
) -> tuple[list[torch.Tensor], SamplingCost]:
    bits, schedule = network.geometry.bits, network.geometry.schedule
    filters = changes.pop("filters", Filters(0.5, top_p=0.97, boundary="reaches"))
    settings = ScaleSettings(schedule, (filters,), Constant(cfg), FROM_UNCONDITIONAL, parts=bits, **changes)
    prompted = PromptedText(text, network.without_text(text))
    with torch.inference_mode():
        return sample_scales(network, prompted, BitwiseAccumulator(schedule), settings, torch.tensor(seeds))


def joined(codes: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat(codes, dim=1)


@pytest.mark.parametrize(("precision", "ones"), [("bfloat16", [2131, 2175]), ("float32", [2129, 2172])])
def test_a_batch_has_the_bits_of_the_authors_single_runs(precision: Any, ones: list[int]) -> None:
    network = drawn(InfinityNetwork(geometry(cross_attention=precision)), 2)
    text = texts(6, width=2048)  # its generator has the seed 5
    both = EncodedText(text.features.expand(2, -1, -1), text.mask.expand(2, -1))
    authors = Filters(0.5, 0, 0.97, precision="float32", boundary="reaches")
    codes, cost = sampled(network, both, [0, 1], filters=authors, draw="torch-multinomial")
    bits = joined(codes)
    assert bits.shape == (2, 521, 8) and bits.sum(dim=(1, 2)).tolist() == ones
    assert bits[0].flatten()[:10].tolist() == [0, 1, 0, 0, 1, 0, 0, 0, 1, 1]
    assert (cost.forward_passes, cost.tokens, cost.tokens_computed) == (7, 2 * 521, 4 * 521)
    assert cost.kv_cache_bytes == 4 * 4 * 521 * 256 * (4 + 4)  # rows, depth, L, C, bytes of a key and of a value


def test_scales_one_by_one_with_a_cache_are_all_scales_in_one_pass() -> None:
    network, text = small(), texts(3, 7)
    codes = sampled(network, text, [0, 1])[0]
    maps = maps_of(BitwiseAccumulator(SHORT), codes)
    with torch.inference_mode():
        condition = network.conditioned(text)
        whole = network.step(maps, 0, condition, None)
        cache = network.make_cache(2, SHORT.tokens)
        parts = [network.step([seen], scale, condition, cache) for scale, seen in enumerate(maps)]
    assert whole.shape == (2, 57, 6, 2) and whole.abs().max() > 0.5
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=2e-5)


def test_an_image_stands_alone_in_a_batch_of_texts_of_other_lengths() -> None:
    network, text = small(), texts(3, 7, 3)
    for draw in ("inverse-cdf", "torch-multinomial"):
        whole = joined(sampled(network, text, [5, 6, 7], draw=draw)[0])
        for row, length in enumerate((3, 7, 3)):
            alone = joined(sampled(network, texts(length), [5 + row], draw=draw)[0])
            assert torch.equal(whole[row : row + 1], alone)
        assert not torch.equal(whole[0], whole[2]), "one prompt, two seeds"


def test_guidance_of_one_is_none_and_takes_half_the_rows() -> None:
    network, text = small(), texts(3)
    plain, cost = sampled(network, text, [0], 1.0)
    guided, twice = sampled(network, text, [0], 1.0 + 1e-7)
    assert torch.equal(joined(plain), joined(guided))
    assert (cost.tokens_computed, twice.tokens_computed) == (
        57,
        114,
    ) and 2 * cost.kv_cache_bytes == twice.kv_cache_bytes
    assert not torch.equal(joined(plain), joined(sampled(network, text, [0], 6.0)[0]))
    other = EncodedText(network.without_text(text).features.detach(), text.mask)
    assert torch.equal(joined(sampled(network, other, [0], 9.0)[0]), joined(sampled(network, other, [0], 1.0)[0]))


def test_a_small_tau_heeds_no_seed_and_all_of_the_mass_is_a_plain_draw_of_bits() -> None:
    network, text = small(), texts(3)
    cold = [joined(sampled(network, text, [seed], filters=Filters(1e-6))[0]) for seed in (0, 1)]
    greedy = joined(sampled(network, text, [2], filters=Filters(greedy=True))[0])
    assert torch.equal(cold[0], cold[1]) and torch.equal(cold[0], greedy)
    with torch.inference_mode():
        first = network.step([None], 0, network.conditioned(text), None)[0, 0]
    chance = first.double().softmax(-1)[:, 1]
    rows = EncodedText(text.features.expand(400, -1, -1), text.mask.expand(400, -1))
    one = ScaleSchedule.square((1,))
    settings = ScaleSettings(one, (Filters(),), Constant(1.0), FROM_UNCONDITIONAL, parts=6)
    prompted = PromptedText(rows, rows)
    with torch.inference_mode():
        codes, _ = sample_scales(network, prompted, BitwiseAccumulator(one), settings, torch.arange(400))
    assert float((codes[0][:, 0].double().mean(0) - chance).abs().max()) < 4.5 * 0.5 / 400**0.5


def test_bits_add_up_as_trilinear_interpolation_of_one_frame() -> None:
    schedule = ScaleSchedule(((1, 1), (2, 2), (3, 2), (6, 4)))
    generator = torch.Generator().manual_seed(0)
    codes = [torch.randint(2, (2, length, 12), generator=generator) for length in schedule.lengths]
    for patch in (1, 2):
        accumulator, total, wanted = BitwiseAccumulator(schedule, patch), None, torch.zeros(())
        sides = [(1, height * patch, width * patch) for height, width in schedule.sizes]
        for scale, bits in enumerate(codes):
            total = accumulator.added(total, bits, scale)
            signs = (2.0 * bits - 1).view(2, *schedule.sizes[scale], 12).permute(0, 3, 1, 2)
            latents = F.normalize(F.pixel_shuffle(signs, patch), dim=1)[:, :, None]
            wanted = wanted + F.interpolate(latents, size=sides[-1], mode="trilinear")
            torch.testing.assert_close(total, wanted[:, :, 0])
            if scale < 3:
                seen = F.interpolate(wanted, size=sides[scale + 1], mode="trilinear")[:, :, 0]
                torch.testing.assert_close(accumulator.seen_by(scale + 1, total), F.pixel_unshuffle(seen, patch))


def test_schedules_are_the_published_ones() -> None:
    assert len(RATIOS) == 15 and all(len(sizes) == 13 for sizes in RATIOS.values())
    assert [scale_schedule(1.0, pixels).tokens for pixels in ("0.06M", "0.25M", "0.60M", "1M")] == [
        521, 2521, 6425, 10521
    ]  # fmt: skip
    for ratio, sizes in RATIOS.items():
        height, width = sizes[-1]
        assert abs(height / width - ratio) < 0.01 and 0.9 < height * width * 256 / 2**20 < 1.1
    assert finest_sides(0.333) == (37, 111) and scale_schedule(0.75, "0.06M").sizes[-1] == (15, 20)
    with pytest.raises(UsageError, match=r"no scales for height/width 0\.7\n  ratio is one of 0\.333, 0\.4"):
        scale_schedule(0.7, "1M")
    with pytest.raises(UsageError, match="pixels='2M'"):
        scale_schedule(1.0, "2M")  # type: ignore[arg-type]


def test_a_place_is_counted_on_the_finest_scale_of_its_aspect_ratio() -> None:
    network = InfinityNetwork(geometry(scale_schedule(1.0, "0.25M"), depth=2, width=32, text_width=256))
    table = network._positions.rotations(9, 1, torch.device("cpu")).view(32, 32, 8, 2)
    angles = [32 * 10_000.0 ** (-2 * pair / 8) for pair in range(4)] + [
        6 * 10_000.0 ** (-2 * pair / 8) for pair in range(4)
    ]
    wanted = torch.tensor(angles)
    torch.testing.assert_close(table[16, 3], torch.stack([wanted.cos(), wanted.sin()], dim=-1), rtol=0, atol=2e-5)
    six = network._positions.rotations(3, 1, torch.device("cpu")).view(6, 6, 8, 2)
    rows = (torch.arange(6) * (64 / 6)).round().tolist()
    assert rows == [0.0, 11.0, 21.0, 32.0, 43.0, 53.0]
    for row, place in enumerate(rows):
        assert six[row, 0, 0, 0] == pytest.approx(float(torch.tensor(place).cos()), abs=1e-5)


@pytest.mark.parametrize("card", cards_of("infinity"), ids=lambda card: card.name)
def test_published_files_have_the_tensors_of_the_network(card: GeneratorCard) -> None:
    args = card.args
    sizes = {**asdict(SIZES[args["size"]]), "bits": args["bits"], "subject": "subject_token" in args}
    schedule = scale_schedule(1.0, args["pixels"])
    with torch.device("meta"):
        network = InfinityNetwork(InfinityGeometry(**sizes, schedule=schedule, finest=(64, 64)))
        blocks = network.block_chunks.to(dtype=torch.bfloat16)
        cache = network.make_cache(2, schedule.tokens)
    state = network.state_dict()
    assert sum(parameter.numel() for parameter in network.parameters()) == card.parameters
    assert len(state) == card.tensors and len(blocks) == 8
    width, heads = network.geometry.width, network.geometry.heads
    assert state["text_proj_for_sos.ca.mat_q"].shape == (1, 16, width // 16)
    assert state["block_chunks.7.module.3.sa.scale_mul_1H11"].shape == (1, heads, 1, 1)
    assert state["lvl_embed.weight"].shape == (15, width) and state["head.weight"].shape == (2 * args["bits"], width)
    mebibytes = {("2b", "1M"): 7891, ("8b", "1M"): 17261, ("8b", "0.25M"): 4136}
    assert cache is not None and round(cache.nbytes / 2**20) == mebibytes[args["size"], args["pixels"]]


@pytest.fixture(scope="module")
def tiny() -> Infinity:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Infinity.random(**Infinity.shrunken)


def test_decoded_bits_are_the_images(tiny: Infinity) -> None:
    codes = tiny.sample_codes(PROMPTS, SEEDS)
    assert codes.grids == SCHEDULE.sizes and codes.bits[0].shape == (2, 1, 1, 6) and codes.image_size == (256, 256)
    images = tiny.sample(PROMPTS, SEEDS)
    assert torch.equal(images, tiny.images(codes, SEEDS)) and images.shape == (2, 3, 256, 256)
    with torch.inference_mode():
        tokens, _ = tiny._draw(PROMPTS, SEEDS)
        accumulator, total = tiny._accumulator(), None
        for scale, part in enumerate(tokens.split(SCHEDULE.lengths, dim=1)):
            total = accumulator.added(total, part, scale)
        decoded = tiny.tokenizer._network.decoder(total).clamp(-1, 1).add(1).div(2)
    torch.testing.assert_close(tiny.tokenizer.decode(codes), decoded, rtol=0, atol=1e-5)
    told = tiny.info.sampler
    assert (told["draws_a_token"], told["top_p"], told["image_rounding"]) == (6, 0.97, "truncate")
    assert told["text_encoder_dtype"] == "float16" and tiny.info.conditions == "prompt"
    assert tiny.info.native_size == 256 and any("text encoder has random weights" in note for note in tiny.notes)


def test_likelihood_is_that_of_the_samplers_unfiltered_bits(tiny: Infinity) -> None:
    assert isinstance(tiny, LikelihoodGenerator)
    codes = tiny.sample_codes(PROMPTS, SEEDS)
    told = tiny.log_likelihood(PROMPTS, codes)
    drawn_bits = [plane.flip(-1).flatten(1, 2) for plane in codes.bits]
    maps = maps_of(tiny._accumulator(), [bits.long() for bits in drawn_bits])
    found = []
    with torch.inference_mode():
        condition = tiny._network.conditioned(tiny._prompted(PROMPTS).conditional)
        cache = tiny._network.make_cache(2, SCHEDULE.tokens)
        for scale, (seen, bits) in enumerate(zip(maps, drawn_bits, strict=True)):
            logits = tiny._network.step([seen], scale, condition, cache).double()
            signed = torch.where(bits, 1.0, -1.0) * (logits[..., 1] - logits[..., 0])
            found.append(F.logsigmoid(signed).sum(-1))
    assert told.shape == (2, 521) and told.dtype == torch.float64
    torch.testing.assert_close(told, torch.cat(found, dim=1), rtol=0, atol=1e-4)


class Every:
    """Names all positions one by one, from another than the first on."""

    def __init__(self, shift: int) -> None:
        self.shift, self.places = shift, set[tuple[int, int]]()

    def at(self, scale: int) -> None:
        """A scale begins."""

    def kept(self, place: tuple[int, int], x: torch.Tensor) -> torch.Tensor:
        """All of them."""
        self.places.add(place)
        count = x.shape[1]
        return (torch.arange(count) + self.shift).remainder(count).expand(len(x), -1)

    def restored(self, place: tuple[int, int], computed: torch.Tensor, kept: torch.Tensor | None) -> torch.Tensor:
        """Each at its own place."""
        assert kept is not None
        return torch.zeros_like(computed).scatter(1, kept[..., None].expand_as(computed), computed)


def test_positions_that_are_named_are_turned_by_their_own_places() -> None:
    network, text = small(), texts(3)
    maps: list[Any] = [None, *(torch.randn(1, 6, *size) for size in SHORT.sizes[1:])]
    with torch.inference_mode():
        condition = network.conditioned(text)
        wanted = network.step(maps[3:], 3, condition, None)
        for shift in (0, 5):
            pruning = Every(shift)
            torch.testing.assert_close(network.step(maps[3:], 3, condition, None, pruning), wanted, rtol=0, atol=1e-5)
            assert pruning.places == {(layer, branch) for layer in range(2) for branch in range(3)}


def test_a_prompt_is_demanded_and_a_negative_one_takes_the_place_of_none(tiny: Infinity) -> None:
    with pytest.raises(UsageError, match="needs a prompt"):
        tiny.sample_codes([Condition(label=3)], SEEDS[:1])
    other = Infinity.random(**Infinity.shrunken, negative_prompt="blurry, and much longer than the prompt")
    prompted = other._prompted(PROMPTS[:1])
    assert prompted.unconditional.mask.sum() == 40 and prompted.conditional.mask.shape == (1, 40)
    assert other.info.sampler["negative_prompt"].startswith("blurry")
    learnt = tiny._prompted(PROMPTS[:1]).unconditional
    assert torch.equal(learnt.features[0], tiny._network.cfg_uncond[: learnt.features.shape[1]])


def test_blocks_alone_take_the_precision_and_keys_stay_exact() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exact, rough = (Infinity.random(**Infinity.shrunken, key_cache=kind) for kind in ("float32", "values"))
    for generator in (exact, rough):
        generator.to(dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in exact._network.block_chunks.parameters()} == {torch.bfloat16}
    assert exact._network.head.weight.dtype == exact._network.word_embed.weight.dtype == torch.float32
    pairs = zip(exact.sample_codes(PROMPTS, SEEDS).bits, rough.sample_codes(PROMPTS, SEEDS).bits, strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    bytes_held = [cost.kv_cache_bytes for cost in (exact.sampling_cost(), rough.sampling_cost()) if cost]
    assert bytes_held == [4 * 2 * 521 * 32 * (4 + 2), 4 * 2 * 521 * 32 * (2 + 2)]


def test_images_of_other_aspect_ratios_and_settings_of_each_scale() -> None:
    steps = [4.0] * 4 + [1.0] * 3
    wide = Infinity.random(**Infinity.shrunken, ratio=0.5, cfg_scale=steps, tau=[1.0] * 6 + [0.5])
    assert wide.sample(PROMPTS, SEEDS).shape == (2, 3, 176, 352) and wide.info.native_size is None
    assert list(wide.info.sampler["cfg_scale"]) == steps and wide.info.sampler["temperature"][-2:] == [1.0, 0.5]
    cost = wide.sampling_cost()
    lengths = wide._schedule.lengths
    assert cost is not None and cost.tokens_computed == 4 * sum(lengths[:4]) + 2 * sum(lengths[4:])
    for changed, told in (({"tau": [1.0, 2.0]}, "tau has 2 values"), ({"cfg_scale": [-1.0] * 7}, "must be 0 or more")):
        with pytest.raises(UsageError, match=told):
            Infinity.random(**Infinity.shrunken, **changed)


def test_a_learnt_feature_stands_for_the_subject() -> None:
    tuned = Infinity.random(**Infinity.shrunken, subject_token="<placeholder>")
    shown = [Condition(prompt="a <placeholder> dog"), Condition(prompt="a dog")]
    prompted = tuned._prompted(shown).conditional
    plain = tuned._encoded(shown).features.float()
    replaced = (prompted.features != plain[:, : prompted.mask.shape[1]]).any(dim=-1)
    assert replaced.nonzero().tolist() == [[0, 2]], "two bytes before it"
    assert torch.equal(prompted.features[0, 2], tuned._network.special_token[0])
    assert tuned.info.sampler["text_added_token"] == "<placeholder>"


def test_arguments_of_a_reference_reach_the_settings() -> None:
    named = f"size=tiny,bits=6,pixels=0.06M,tokenizer='{Infinity.shrunken['tokenizer']}',random_weights_seed=0"
    generator: Any = resolve_generator(f"infinity,{named},cfg_scale=[3,3,3,3,3,2,1],tau=0.5,top_p=1,ratio=1.333")
    settings = generator._identity.settings
    assert settings.strengths() == (3.0, 3.0, 3.0, 3.0, 3.0, 2.0, 1.0)
    assert settings.filters == (Filters(0.5, boundary="reaches"),) and settings.schedule.sizes[-1] == (20, 15)
    with pytest.raises(AdapterError, match=r"draws 10 scales of 6 bits a token; the tokenizer .* has 7 scales"):
        resolve_generator(f"infinity,{named},pixels=0.25M".replace("pixels=0.06M,", ""))
