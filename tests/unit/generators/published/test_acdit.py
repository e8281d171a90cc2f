"""ACDiT's generators against latents that their own module (thunlp/ACDiT, 135ff06) made, and by what must hold."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rule_weights import drawn_by_name

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.next_token.acdit.adapter import SCALE, Acdit
from vtbench.generators.published.next_token.acdit.geometry import SIZES, AcditGeometry
from vtbench.generators.published.next_token.acdit.network import AcditNetwork
from vtbench.generators.published.next_token.acdit.sampling import AcditSettings, sample_blocks
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.next_token import Prompted

CARDS = {name: card for name, card in load_generator_cards().items() if card.target == "acdit"}
SMALL = AcditGeometry(depth=2, width=128, heads=2, side=8, block_side=4)
NONE = 1000


@pytest.fixture(scope="module")
def network() -> AcditNetwork:
    made: AcditNetwork = drawn_by_name(AcditNetwork(SMALL), 2)
    return made


def sampled(network: Any, how: AcditSettings, labels: list[int], seeds: list[int]) -> tuple[torch.Tensor, SamplingCost]:
    shown = torch.tensor(labels)
    with torch.inference_mode():
        return sample_blocks(network, Prompted(shown, torch.full_like(shown, NONE)), how, torch.tensor(seeds))


def test_latents_are_the_authors(network: AcditNetwork) -> None:
    """``manual_seed(0)``: four blocks of sixteen latents, five steps each, guidance 1.5."""
    latents, cost = sampled(network, AcditSettings(5, 1.5, "torch-normal"), [3], [0])
    assert latents[0, 3 * 8 + 5].tolist() == pytest.approx([158.4835, 54.2736, -163.7246, 1.5435], abs=2e-3)
    assert latents[0, :3, 0].tolist() == pytest.approx([-172.1361, 143.7252, 55.0591], abs=2e-3)
    assert (cost.forward_passes, cost.tokens, cost.kv_cache_bytes) == (20, 64, 2 * 2 * 2 * 64 * 128 * 4)
    assert cost.tokens_computed == 2 * 16 * (20 + 3), "each clean block but the last goes through once"


def test_latents_of_four_in_a_token_are_the_authors() -> None:
    network = drawn_by_name(AcditNetwork(replace(SMALL, side=16, patch=2)), 2)
    latents, _ = sampled(network, AcditSettings(6, 3.0, "torch-normal"), [999], [2])
    assert float(latents.mean()) == pytest.approx(7.557752, abs=1e-3)
    assert float(latents.std()) == pytest.approx(154.1115, abs=1e-2)


def test_tokens_go_back_to_where_their_blocks_and_patches_lie() -> None:
    geometry = AcditGeometry(depth=1, width=64, heads=1, side=8, patch=2, block_side=2, channels=3)
    tokens = torch.arange(4 * 4 * 12).reshape(1, 4, 4, 12).float()
    found = geometry.latents_of(tokens).reshape(8, 8, 3)
    for block in range(4):
        for token in range(4):
            row = (block // 2 * 2 + token // 2) * 2
            column = (block % 2 * 2 + token % 2) * 2
            patch = found[row : row + 2, column : column + 2]
            assert torch.equal(patch.flatten(), tokens[0, block, token])


class Watched(AcditNetwork):
    """Keeps what the first step of each block saw and said."""

    def denoise(self, x: Any, time: Any, labels: Any, block: Any, clean: Any, cache: Any) -> torch.Tensor:
        found = super().denoise(x, time, labels, block, clean, cache)
        self.seen.append((block, time, x, clean, found, cache))
        return found


def test_cached_steps_equal_all_blocks_at_once(network: AcditNetwork) -> None:
    watched = Watched(SMALL)
    watched.load_state_dict(network.state_dict())
    watched.seen = []
    sampled(watched.eval(), AcditSettings(1, 2.0), [3], [0])
    assert [block for block, *_ in watched.seen] == [0, 1, 2, 3]
    noisy = torch.stack([x for _, _, x, _, _, _ in watched.seen], dim=1)
    clean = torch.stack([*(before for _, _, _, before, _, _ in watched.seen[1:]), noisy[:, 0]], dim=1)
    with torch.inference_mode():
        whole = network(clean, noisy, watched.seen[0][1], torch.tensor([3, NONE]))
    cached = torch.stack([found for *_, found, _ in watched.seen], dim=1)
    torch.testing.assert_close(cached, whole, rtol=1e-4, atol=1e-4 * float(whole.abs().max()))


def test_the_cache_holds_what_neither_time_nor_class_changes(network: AcditNetwork) -> None:
    clean = torch.randn(1, 16, 4, generator=torch.Generator().manual_seed(0)).repeat(2, 1, 1)
    cache = network.make_cache(2)
    with torch.inference_mode():
        network.denoise(clean * 0, 999, torch.tensor([3, NONE]), 1, clean, cache)
        assert cache.length == 16
        torch.testing.assert_close(cache.storage[:, :, 0, :, :16], cache.storage[:, :, 1, :, :16])


@pytest.mark.parametrize("draw", ["by-position", "torch-normal"])
def test_an_image_depends_on_its_condition_and_seed_alone(network: AcditNetwork, draw: Any) -> None:
    how, labels, seeds = AcditSettings(3, 2.0, draw), [3, 7, 3], [5, 6, 7]
    whole, _ = sampled(network, how, labels, seeds)
    alone = torch.cat([sampled(network, how, labels[one : one + 1], seeds[one : one + 1])[0] for one in range(3)])
    torch.testing.assert_close(whole, alone, rtol=0, atol=1e-5 * float(whole.abs().max()))
    assert not torch.allclose(whole[0], whole[2])


def test_guidance_of_1_is_the_condition_alone(network: AcditNetwork) -> None:
    plain, cost = sampled(network, AcditSettings(3, 1.0), [3], [0])
    nearly, _ = sampled(network, AcditSettings(3, 1.0 + 1e-7), [3], [0])
    torch.testing.assert_close(plain, nearly, rtol=0, atol=1e-4 * float(plain.abs().max()))
    assert cost.kv_cache_bytes == 2 * 2 * 64 * 128 * 4, "half the rows"


@pytest.mark.parametrize("name", CARDS)
def test_published_sizes_have_the_counts_of_their_cards(name: str) -> None:
    card = CARDS[name]
    with torch.device("meta"):
        state = AcditNetwork(SIZES[card.args["size"]]).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters and len(state) == card.tensors
    geometry = replace(SIZES[card.args["size"]], patch=card.args["patch"], block_side=card.args["block_side"])
    assert (geometry.blocks, geometry.block, geometry.width // geometry.heads) == (4, 256, 64)


def test_names_are_the_published_ones() -> None:
    state = AcditNetwork(replace(SMALL, depth=1)).state_dict()
    both = ("weight", "bias")
    block = {f"{part}.{kind}" for part in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2") for kind in both}
    block |= {f"adaLN_modulation.1.{kind}" for kind in both}
    block |= {f"{part}.weight" for part in ("norm1", "norm2", "attn.q_norm", "attn.k_norm")}
    ends = {f"{part}.{kind}" for part in ("t_embedder.mlp.0", "t_embedder.mlp.2") for kind in both}
    ends |= {f"final_layer.{part}.{kind}" for part in ("linear", "adaLN_modulation.1") for kind in both}
    ends |= {"y_embedder.embedding_table.weight", "x_embedder.weight", "final_layer.norm_final.weight"}
    assert set(state) == ends | {f"blocks.0.{name}" for name in block}


def published(folder: Path, without: str = "", **stated: Any) -> str:
    settings = {"block_size": 16, "ar_len": 4, "patch_size": 1, "vae_latent_size": 4, "num_frames": 1, "nd_split": None}
    state = {name: tensor for name, tensor in AcditNetwork(SIZES["tiny"]).state_dict().items() if name != without}
    file, tokenizer = folder / "ACDiT-img.pt", Acdit.shrunken["tokenizer"]
    torch.save({"model": state, "args": Namespace(**{**settings, **stated})}, file)
    return f"acdit,size=tiny,block_side=4,steps=2,checkpoint={file},tokenizer='{tokenizer}'"


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_a_published_file_is_read_strictly_and_samples_latents_of_its_tokenizer(tmp_path: Path) -> None:
    generator = resolve_generator(published(tmp_path))
    conditions, seeds = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
    codes = generator.sample_codes(conditions, seeds)
    assert codes.latents.shape == (2, 4, 8, 8) and codes.image_size == (32, 32)
    with torch.inference_mode():
        latents, _ = generator._draw(conditions, seeds)
    assert torch.equal(codes.latents[:, :, 2, 5], latents[:, 2 * 8 + 5] / SCALE)
    assert generator.info.sampler["blocks"] == "4x4 tokens of 1x1" and generator.info.family == "next-block"
    with pytest.raises(AdapterError, match=r"x_embedder\.weight"):
        resolve_generator(published(tmp_path, without="x_embedder.weight"))


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"block_size": 4, "ar_len": 16}, "trained with block_size 4, ar_len 16, not 16, 4"),
        ({"num_frames": 16}, "trained with num_frames 16, not 1"),
        ({"nd_split": "2_1"}, "splits positions as 2_1"),
    ],
)
def test_a_file_of_other_blocks_is_refused(stated: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=told):
        resolve_generator(published(tmp_path, **stated))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"cfg_scale": 0.5}, "must be 1 \\(none\\) or more"),
        ({"steps": 0}, "steps=0: must be a whole number from 1"),
        ({"draw": "inverse-cdf"}, "must be one of by-position, torch-normal"),
        ({"block_side": 3}, "blocks of 3 tokens of 1 latents a side do not fill 8 latents"),
    ],
)
def test_settings_out_of_range_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Acdit.random(**{**Acdit.shrunken, **given})
