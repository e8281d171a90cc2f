"""MAR's generators against latents that their own module (LTH14/mar, fe470ac) made, and by what must hold of any."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from next_token_cases import cards_of
from rule_weights import drawn_by_name

from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.masked.mar.adapter import SCALE, Mar, schedule
from vtbench.generators.published.masked.mar.geometry import SIZES, MarGeometry
from vtbench.generators.published.masked.mar.network import MarNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.masked.in_order import fill_in_order
from vtbench.generators.sampling.masked.latent_noise import make_latent_noise
from vtbench.generators.sampling.masked.latent_settings import LatentSettings
from vtbench.generators.sampling.next_token import Prompted

CARDS = {card.name: card for card in cards_of("mar")}
SMALL = MarGeometry(width=64, depth=2, heads=4, head_depth=2, head_width=64, side=4, buffer=4)
ORDER = [1, 6, 8, 9, 13, 4, 2, 14, 10, 7, 15, 11, 3, 0, 5, 12]
NONE = 1000


@pytest.fixture(scope="module")
def network() -> MarNetwork:
    made: MarNetwork = drawn_by_name(MarNetwork(SMALL), 2)
    return made


def settings(steps: int, scale: float, draw: Any = "by-position", **more: Any) -> LatentSettings:
    return LatentSettings(steps, schedule("linear", scale), 10, draw=draw, **more)


def filled(network: Any, how: LatentSettings, labels: list[int], seeds: list[int]) -> tuple[torch.Tensor, SamplingCost]:
    shown = torch.tensor(labels)
    noise = make_latent_noise(how.draw, torch.tensor(seeds), torch.device("cpu"))
    with torch.inference_mode():
        found = fill_in_order(network, Prompted(shown, torch.full_like(shown, NONE)), how, noise)
    return found.latents, found.cost


def test_latents_are_the_authors_with_guidance(network: MarNetwork) -> None:
    """``manual_seed(0)`` and numpy's, one image: 8 passes, guidance 1.11875 to 2.78125."""
    latents, cost = filled(network, settings(8, 2.9, "torch-normal"), [3], [0])
    assert float(latents.mean()) == pytest.approx(472.905, rel=1e-5)
    assert float(latents.std()) == pytest.approx(22071, rel=1e-4)
    assert (cost.forward_passes, cost.head_passes, cost.tokens) == (8, 80, 16)


def test_latents_are_the_authors_one_token_a_step(network: MarNetwork) -> None:
    latents, cost = filled(network, settings(16, 1.0, "torch-normal"), [3], [0])
    assert float(latents.mean()) == pytest.approx(-7.67519, rel=1e-4)
    assert (cost.forward_passes, cost.head_passes) == (16, 160)


class Watched(MarNetwork):
    """Notes which places are masked at each pass."""

    def predict(self, condition: torch.Tensor, latents: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
        self.seen.append(masked.clone())
        assert not latents[masked].any(), "a masked place holds something"
        return super().predict(condition, latents, masked)


def test_places_are_filled_from_the_end_of_the_order_and_each_once() -> None:
    watched = Watched(SMALL)
    watched.seen = []
    filled(watched.eval(), settings(16, 1.0, "torch-normal"), [3], [0])
    masked = [one[0].nonzero()[:, 0].tolist() for one in watched.seen]
    assert masked == [sorted(ORDER[: 16 - step]) for step in range(16)]


def test_guidance_grows_with_the_share_of_places_that_are_filled() -> None:
    guidance = schedule("linear", 2.9)
    assert guidance.strength(1, 16) == pytest.approx(1.11875) and guidance.strength(15, 16) == pytest.approx(2.78125)
    assert schedule("constant", 2.9).strength(1, 16) == 2.9


@pytest.mark.parametrize("draw", ["by-position", "torch-normal"])
def test_an_image_depends_on_its_condition_and_seed_alone(network: MarNetwork, draw: Any) -> None:
    how = settings(5, 2.0, draw)
    labels, seeds = [3, 7, 3], [5, 6, 7]
    whole, _ = filled(network, how, labels, seeds)
    alone = torch.cat([filled(network, how, labels[one : one + 1], seeds[one : one + 1])[0] for one in range(3)])
    torch.testing.assert_close(whole, alone, rtol=0, atol=1e-5 * float(whole.abs().max()))
    assert not torch.allclose(whole[0], whole[2])


def test_guidance_of_1_is_the_condition_alone(network: MarNetwork) -> None:
    watched = Watched(SMALL)
    watched.load_state_dict(network.state_dict())
    watched.seen = []
    plain, _ = filled(watched.eval(), settings(4, 1.0), [3], [0])
    assert [len(one) for one in watched.seen] == [1] * 4
    nearly, _ = filled(network, settings(4, 1.0 + 1e-6), [3], [0])
    torch.testing.assert_close(plain, nearly, rtol=0, atol=1e-4 * float(plain.abs().max()))


def test_at_a_temperature_of_0_only_order_and_start_are_left_to_chance(network: MarNetwork) -> None:
    cold = settings(1, 1.0, temperature=0.0)
    once, again = (filled(network, cold, [3], [4])[0] for _ in range(2))
    assert torch.equal(once, again)
    other = filled(network, replace(cold, temperature=1.0), [3], [4])[0]
    assert not torch.allclose(once, other)


def test_the_buffer_alone_holds_the_class_and_what_is_masked_goes_unread(network: MarNetwork) -> None:
    masked = torch.ones(1, 16, dtype=torch.bool)
    masked[0, 5] = False
    latents = torch.randn(1, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        first = network.predict(torch.tensor([3]), latents, masked)
        hidden = latents.clone()
        hidden[masked] = 9.0
        assert torch.equal(first, network.predict(torch.tensor([3]), hidden, masked))
        assert not torch.equal(first, network.predict(torch.tensor([NONE]), latents, masked))


@pytest.mark.parametrize("name", CARDS)
def test_published_sizes_have_the_counts_of_their_cards(name: str) -> None:
    card, size = CARDS[name], SIZES[CARDS[name].args["size"]]
    with torch.device("meta"):
        state = MarNetwork(size).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters and len(state) == card.tensors
    head = sum(tensor.numel() for key, tensor in state.items() if key.startswith("diffloss.net."))
    assert round(head / 1e6, 1) == {"mar-b": 35.7, "mar-l": 72.2, "mar-h": 151.2}[name]
    assert state["encoder_pos_embed_learned"].shape == (1, 64 + 256, size.width)


def test_a_published_file_is_read_strictly_and_the_averaged_weights_are_taken(tmp_path: Path) -> None:
    state = MarNetwork(SIZES["tiny"]).state_dict()
    averaged = {key: tensor + 1 for key, tensor in state.items()}
    file = tmp_path / "checkpoint-last.pth"
    torch.save({"model": state, "model_ema": averaged, "args": Namespace(cfg=2.9), "epoch": 799}, file)
    named = f"mar,size=tiny,steps=4,checkpoint={file},tokenizer='{Mar.shrunken['tokenizer']}'"
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.fake_latent, averaged["fake_latent"])
    assert any("took the weights under 'model_ema'" in note for note in generator.notes)
    del averaged["mask_token"]
    torch.save({"model_ema": averaged}, file)
    with pytest.raises(AdapterError, match="mask_token"):
        resolve_generator(named)


@pytest.fixture(scope="module")
def tiny() -> Mar:
    with pytest.warns(UserWarning, match="random weights"):
        return Mar.random(**Mar.shrunken)


def test_it_samples_latents_of_its_tokenizer(tiny: Mar) -> None:
    conditions, seeds = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
    codes = tiny.sample_codes(conditions, seeds)
    assert codes.latents is not None and codes.latents.shape == (2, 16, 4, 4) and codes.image_size == (16, 16)
    assert torch.equal(tiny.sample(conditions, seeds), tiny.tokenizer.decode(codes))
    with torch.inference_mode():
        tokens, _ = tiny._draw(conditions, seeds)
    assert torch.equal(codes.latents[:, :, 1, 2], tokens[:, 6] / SCALE), "raster order, and the authors' scale"
    assert tiny.info.sampler["cfg_formula"] == "u + s (c - u), predicted noise"
    assert "clip_denoised" not in tiny.info.sampler


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_clean_tokens_are_cut_where_it_is_asked_for(tiny: Mar) -> None:
    cut = Mar.random(**{**Mar.shrunken, "clip_denoised": 0.25})
    asked = [Condition(label=3)], torch.tensor([1])
    with torch.inference_mode():
        whole, bounded = (one._draw(*asked)[0] for one in (tiny, cut))
    assert whole.abs().max() > 0.5 and bounded.abs().max() <= 0.25
    assert cut.info.sampler["clip_denoised"] == 0.25


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize(
    ("tokenizer", "told"),
    [
        ("ldm-kl,channels=8,multipliers=[1,2],latent_channels=4,norm_groups=4,random_weights_seed=0", "latents of 4"),
        ("maskbit,bits=6,channels=32,multipliers=[1,2],blocks=1,random_weights_seed=0", "a codebook of 64"),
    ],
)
def test_a_tokenizer_that_is_not_its_own_is_refused(tokenizer: str, told: str) -> None:
    with pytest.raises(AdapterError, match=f"mar draws latents of 16 channels; the tokenizer .* has {told}"):
        Mar.random(size="tiny", steps=4, tokenizer=tokenizer)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"steps": 17}, "steps=17: an image has 16 tokens"),
        ({"steps": 0}, "steps=0: must be a whole number"),
        ({"temperature": -1.0}, "temperature=-1.0: must be 0 or more"),
        ({"diffusion_steps": 1}, "diffusion_steps=1"),
        ({"clip_denoised": -1.0}, "clip_denoised=-1.0: must be 0"),
        ({"cfg_scale": -1.0}, "cfg_scale=-1.0: must be 0 or more"),
        ({"cfg_schedule": "cosine"}, "must be linear or constant"),
        ({"draw": "torch-gumbel"}, "must be one of by-position, torch-normal"),
    ],
)
def test_settings_out_of_range_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Mar.random(**{**Mar.shrunken, **given})
