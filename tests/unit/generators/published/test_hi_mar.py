"""Hi-MAR's generators against latents that their own module (HiDream-ai/himar, 1d378c1) made, and by what must hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rule_weights import drawn_by_name

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import UsageError
from vtbench.generators.published.masked.hi_mar.adapter import HiMar
from vtbench.generators.published.masked.hi_mar.geometry import SIZES, HiMarGeometry
from vtbench.generators.published.masked.hi_mar.network import HiMarNetwork
from vtbench.generators.published.masked.hi_mar.sampling import HiMarSettings, sample_in_parts
from vtbench.generators.published.masked.mar.adapter import schedule
from vtbench.generators.published.masked.mar.geometry import MarGeometry
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.masked.latent_settings import LatentSettings
from vtbench.generators.sampling.next_token import Prompted

CARDS = {name: card for name, card in load_generator_cards().items() if card.target == "hi-mar"}
TRUNK = MarGeometry(width=32, depth=1, heads=2, head_depth=1, head_width=32, side=16, buffer=4)
SMALL = HiMarGeometry(trunk=TRUNK, map_depth=1, map_width=32, map_heads=2, coarse_side=4)
FEWER = replace(SMALL, trunk=replace(TRUNK, side=4), coarse_side=2)
NONE = 1000


def settings(draw: Any, coarse: int, fine: int, more: tuple[int, int], scale: float = 2.5) -> HiMarSettings:
    guided = schedule("linear", scale)
    return HiMarSettings(
        LatentSettings(coarse, schedule("linear", 2.7), more[0], draw=draw),
        LatentSettings(fine, guided, more[1], draw=draw, variance="fixed-large"),
    )


def sampled(network: Any, how: HiMarSettings, labels: list[int], seeds: list[int]) -> tuple[torch.Tensor, SamplingCost]:
    shown = torch.tensor(labels)
    with torch.inference_mode():
        return sample_in_parts(network, Prompted(shown, torch.full_like(shown, NONE)), how, torch.tensor(seeds))


def test_latents_are_the_authors() -> None:
    """16 coarse tokens one by one, then two steps of the map, guided both; ``manual_seed(0)`` and numpy's."""
    network = drawn_by_name(HiMarNetwork(SMALL), 2)
    latents, cost = sampled(network, settings("torch-normal", 16, 2, (10, 250)), [3], [0])
    assert latents[0, 5 * 16 + 7, :3].tolist() == pytest.approx([-14628.6377, -20009.9238, -22043.9355], rel=1e-4)
    assert float(latents.std()) == pytest.approx(21009.076, rel=1e-5)
    assert (cost.forward_passes, cost.head_passes, cost.tokens) == (18, 16 * 10 + 2 * 250, 16 + 256)


@pytest.fixture(scope="module")
def network() -> HiMarNetwork:
    made: HiMarNetwork = drawn_by_name(HiMarNetwork(FEWER), 2)
    return made


@pytest.mark.parametrize("draw", ["by-position", "torch-normal"])
def test_an_image_depends_on_its_condition_and_seed_alone(network: HiMarNetwork, draw: Any) -> None:
    how, labels, seeds = settings(draw, 3, 3, (4, 4)), [3, 7, 3], [5, 6, 7]
    whole, _ = sampled(network, how, labels, seeds)
    alone = torch.cat([sampled(network, how, labels[one : one + 1], seeds[one : one + 1])[0] for one in range(3)])
    torch.testing.assert_close(whole, alone, rtol=0, atol=1e-5 * float(whole.abs().max()))
    assert not torch.allclose(whole[0], whole[2])


def test_what_a_step_reveals_stays_and_the_rest_is_drawn_again(network: HiMarNetwork) -> None:
    """Two steps of the map: of the 11 places that stay masked after the first, each is another after the second."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    class Watched(HiMarNetwork):
        def fine(self, condition: Any, pivots: Any, latents: Any, masked: Any) -> torch.Tensor:
            seen.append((latents[:1].clone(), masked[:1].clone()))
            return super().fine(condition, pivots, latents, masked)

    watched = Watched(FEWER)
    watched.load_state_dict(network.state_dict())
    found, _ = sampled(watched.eval(), settings("by-position", 4, 2, (4, 4)), [3], [0])
    (_, first), (between, second) = seen
    assert int(first.sum()) == 16 and int(second.sum()) == 11
    assert torch.equal(found[~second], between[~second])
    assert not (found[second] == between[second]).any()


def test_the_map_hangs_on_the_coarse_tokens_through_their_states_alone(network: HiMarNetwork) -> None:
    masked = torch.ones(1, 16, dtype=torch.bool)
    pivots = torch.randn(1, 4, 32, generator=torch.Generator().manual_seed(0))
    latents, label = torch.zeros(1, 16, 16), torch.tensor([3])
    with torch.inference_mode():
        first = network.fine(label, pivots, latents, masked)
        assert torch.equal(first, network.fine(label, pivots, latents + 9.0, masked)), "masked places go unread"
        assert not torch.equal(first, network.fine(label, pivots + 1.0, latents, masked))
        assert first.shape == (1, 16, 32)


def test_the_rule_of_the_image_part_has_numbers_of_its_own(network: HiMarNetwork) -> None:
    """Other coarse steps change no noise of the map: with blind pivots the images are equal."""
    blind = HiMarNetwork(FEWER)
    blind.load_state_dict(network.state_dict())
    torch.nn.init.zeros_(blind.cond_z_proj.weight)
    few, many = (sampled(blind.eval(), settings("by-position", n, 2, (4, 4)), [3], [0])[0] for n in (2, 4))
    assert torch.equal(few, many)


@pytest.mark.parametrize("name", CARDS)
def test_published_sizes_have_the_counts_of_their_cards(name: str) -> None:
    card, size = CARDS[name], SIZES[CARDS[name].args["size"]]
    with torch.device("meta"):
        state = HiMarNetwork(size).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters and len(state) == card.tensors
    second = sum(tensor.numel() for key, tensor in state.items() if key.startswith("cond_diffloss.net."))
    assert second == {"hi-mar-b": 29949968, "hi-mar-l": 39533584, "hi-mar-h": 130911760}[name]
    assert state["mask_token"].shape == (1, 640, size.trunk.width)


def test_names_are_the_published_ones() -> None:
    state = HiMarNetwork(FEWER).state_dict()
    for name, shape in {
        "encoder_blocks.0.adaLN_scale": (2, 1, 1, 128),
        "encoder_blocks_ada.1.weight": (128, 32),
        "encoder_pos_embed_learned": (1, 2 * (4 + 4 + 16), 32),
        "decoder_task_emb.weight": (2, 32),
        "decoder_blocks.0.attn.qkv.bias": (96,),
        "diffusion_pos_embed_learned": (1, 20, 32),
        "cond_tokens": (1, 4, 16),
        "diffloss.net.res_blocks.0.adaLN_modulation.1.weight": (96, 32),
        "cond_diffloss.net.x_embedder.proj.weight": (32, 16, 1, 1),
        "cond_diffloss.net.c_pos_embed": (1, 16, 32),
        "cond_diffloss.net.blocks.0.mlp.fc1.weight": (128, 32),
        "cond_diffloss.net.final_layer.linear.weight": (16, 32),
    }.items():
        assert state[name].shape == shape


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_a_published_file_is_read_strictly_and_its_samples_told(tmp_path: Path) -> None:
    state = HiMarNetwork(SIZES["tiny"]).state_dict()
    file = tmp_path / "checkpoint-last.pth"
    torch.save({"model": {key: tensor + 1 for key, tensor in state.items()}, "model_ema": state}, file)
    few = "steps=3,coarse_steps=2,diffusion_steps=4,coarse_diffusion_steps=4"
    named = f"hi-mar,size=tiny,{few},checkpoint={file},tokenizer='{HiMar.shrunken['tokenizer']}'"
    generator = resolve_generator(named)
    assert torch.equal(generator._network.mask_token, state["mask_token"])
    codes = generator.sample_codes([Condition(label=3)], torch.tensor([1]))
    assert codes.latents.shape == (1, 16, 4, 4)
    cost = generator.sampling_cost()
    assert (cost.forward_passes, cost.head_passes) == (5, 20)
    told = generator.info.sampler
    assert (told["steps"], told["cfg_scale"], told["diffusion_steps"]) == ([2, 3], [2.7, 2.5], 4)
    assert told["diffusion"][0].endswith("learned-range") and told["diffusion"][1].endswith("fixed-large")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"steps": 17}, "steps=17: an image has 16 tokens"),
        ({"coarse_steps": 5}, "steps=5: an image has 4 tokens"),
        ({"coarse_cfg_scale": -1.0}, "must be 0 or more"),
        ({"diffusion_steps": 1001}, "from 2 to 1000"),
    ],
)
def test_settings_out_of_range_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        HiMar.random(**{**HiMar.shrunken, **given})
