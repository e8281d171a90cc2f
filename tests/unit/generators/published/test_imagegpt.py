"""ImageGPT against the library's own generation with the same weights, and its palette as a tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from next_token_cases import cards_of
from transformers import ImageGPTForCausalImageModeling

from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.generators.published.next_token.imagegpt.adapter import ImageGpt
from vtbench.generators.published.next_token.imagegpt.network import SIZES
from vtbench.generators.resolve import resolve_generator

TINY = SIZES["tiny"]
NOTHING = torch.zeros(2, dtype=torch.int64)
SEEDS = torch.tensor([3, 2**62 + 1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What transformers saves of a model of strong random weights, and a palette beside it."""
    from vtbench.generators.published.next_token.imagegpt.network import ImageGptNetwork

    torch.manual_seed(0)
    model: Any = ImageGptNetwork(TINY).model
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.4)
    made = tmp_path_factory.mktemp("imagegpt")
    model.save_pretrained(made)
    clusters = (torch.rand(TINY.colours, 3) * 2 - 1).tolist()
    (made / "preprocessor_config.json").write_text(json.dumps({"clusters": clusters}))
    return made


@pytest.fixture(scope="module")
def library(folder: Path) -> Any:
    return ImageGPTForCausalImageModeling.from_pretrained(folder).eval()


def made(folder: Path, *more: str) -> ImageGpt:
    palette = f"imagegpt-palette,colours={TINY.colours},checkpoint={folder}"
    generator: ImageGpt = resolve_generator(
        ",".join(["imagegpt", "size=tiny", f"checkpoint={folder}", f"tokenizer={palette!r}", *more])
    )
    return generator


def generated(library: Any, images: int, **how: Any) -> torch.Tensor:
    """``int64 [images,N]`` from the library's own loop."""
    start = torch.full((images, 1), TINY.colours)
    return library.generate(start, max_new_tokens=TINY.side**2, pad_token_id=0, **how)[:, 1:]


def test_greedy_images_are_the_librarys(folder: Path, library: Any) -> None:
    generator = made(folder, "greedy=true")
    codes = generator.sample_codes([Condition()], SEEDS[:1]).levels[0]
    assert torch.equal(codes.flatten(1), generated(library, 1, do_sample=False))
    assert len(codes.unique()) > 3
    assert torch.equal(made(folder, "top_k=1").sample_codes([Condition()], SEEDS[:1]).levels[0], codes)


def test_a_drawn_image_is_the_librarys(folder: Path, library: Any) -> None:
    codes = made(folder, "draw=torch-multinomial", "top_k=20").sample_codes([Condition()] * 2, SEEDS).levels[0]
    for row, seed in zip(codes, SEEDS, strict=True):
        torch.manual_seed(int(seed))
        alone = generated(library, 1, do_sample=True, top_k=20, top_p=1.0, temperature=1.0)
        assert torch.equal(row.flatten()[None], alone)


def test_cached_logits_equal_those_of_one_pass(folder: Path) -> None:
    network: Any = made(folder)._network
    tokens = torch.randint(0, TINY.colours, (2, network.tokens - 1), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        cache = network.make_cache(2)
        parts = [network.prefill(NOTHING, cache)[:, None]]
        parts += [network.step(part, cache) for part in tokens.split(9, dim=1)]
        torch.testing.assert_close(torch.cat(parts, dim=1), network(NOTHING, tokens), rtol=0, atol=2e-5)
    assert cache.nbytes == 2 * 2 * 2 * TINY.width * network.tokens * 4


def test_speculation_draws_the_greedy_image_in_fewer_passes(folder: Path) -> None:
    plain, faster = made(folder, "greedy=true"), made(folder, "greedy=true", "strategy=sjd", "window=4")
    wanted, found = (one.sample_codes([Condition()] * 2, SEEDS).levels[0] for one in (plain, faster))
    cost = faster.sampling_cost()
    assert torch.equal(found, wanted) and cost is not None and cost.steps is not None
    assert cost.steps < 2 * TINY.side**2


def test_an_image_is_its_codes_in_the_palette_whatever_stands_beside_it(folder: Path) -> None:
    generator = made(folder)
    nothing = [Condition()] * 2
    codes, images = generator.sample_codes(nothing, SEEDS), generator.sample(nothing, SEEDS)
    assert images.shape == (2, 3, TINY.side, TINY.side) and codes.image_size == (TINY.side, TINY.side)
    assert torch.equal(generator.tokenizer.encode(images).levels[0], codes.levels[0])
    assert torch.equal(generator.sample(nothing[:1], SEEDS[1:]), images[1:])
    info = generator.info
    assert (info.conditions, info.classes, info.native_size) == ("none", 0, TINY.side)
    assert [weight.name for weight in info.weights] == ["model.safetensors", "preprocessor_config.json"]


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_files_of_2021_hold_masks_that_are_left_out(folder: Path, library: Any, tmp_path: Path) -> None:
    state = library.state_dict()
    for block in range(TINY.depth):
        state[f"transformer.h.{block}.attn.bias"] = torch.ones(1, 1, 64, 64, dtype=torch.uint8).tril()
        state[f"transformer.h.{block}.attn.masked_bias"] = torch.tensor(-1e4)
    file = tmp_path / "pytorch_model.bin"
    torch.save(state, file)
    palette = f"imagegpt-palette,colours={TINY.colours},checkpoint={folder}"
    named = f"imagegpt,size=tiny,checkpoint={file},tokenizer={palette!r}"
    network: Any = resolve_generator(named)._network
    assert torch.equal(network.model.lm_head.weight, library.lm_head.weight)
    torch.save({name: tensor for name, tensor in state.items() if "ln_f" not in name}, file)
    with pytest.raises(AdapterError, match=r"transformer\.ln_f\.weight"):
        resolve_generator(named)
    with pytest.raises(AdapterError, match=r"config\.json says n_head = 2, the network has 8"):
        resolve_generator(f"imagegpt,checkpoint={folder},tokenizer='imagegpt-palette,random_weights_seed=0'")


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_a_palette_of_other_colours_and_none_at_all(folder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    with pytest.raises(
        AdapterError, match="tokens of 32 entries; the tokenizer imagegpt-palette-random has a codebook"
    ):
        resolve_generator(f"imagegpt,size=tiny,checkpoint={folder},tokenizer='imagegpt-palette,random_weights_seed=0'")
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    with pytest.raises(AssetMissingError, match="cannot be run without its tokenizer"):
        resolve_generator("imagegpt-small")


def test_cards_have_the_published_sizes() -> None:
    """Those of their files: 4 bytes a weight, and a mask of 1024² bytes a block, which stayed in them."""
    sizes = {card.name: card.parameters * 4 + (card.tensors - 4) // 10 * 1024**2 for card in cards_of("imagegpt")}
    told = {"imagegpt-small": 0.332, "imagegpt-medium": 1.86, "imagegpt-large": 5.5}
    assert {name: round(size / 1e9, 3 if size < 1e9 else 2) for name, size in sizes.items()} == told
