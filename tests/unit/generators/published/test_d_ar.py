"""D-AR against sequences that its own modules (showlab/D-AR, 3fb0f2d) made with the same weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from next_token_cases import BLOCK, LABELS, assert_counts, cards_of, greedy
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.contract import check_generator
from vtbench.generators.published.next_token.d_ar import DAr, schedule
from vtbench.generators.published.next_token.llamagen.network import SIZES, LlamaGenGeometry, LlamaGenNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.draws import Drawn, TorchMultinomial
from vtbench.generators.sampling.filters import Filters, probabilities
from vtbench.generators.sampling.guidance import Constant, Linspace

SMALL = LlamaGenGeometry(SIZES["tiny"], vocabulary=128, grid=4, classes=10, positions="line")


@pytest.fixture(scope="module")
def network() -> LlamaGenNetwork:
    made: LlamaGenNetwork = filled(LlamaGenNetwork(SMALL))
    return made


def test_a_greedy_sequence_is_the_authors(network: LlamaGenNetwork) -> None:
    wanted = (
        "1 91 57 26 26 122 118 123 101 80 26 85 60 114 114 75 | 59 127 127 127 35 127 127 35 35 127 59 96 95 127 35 95"
    )
    assert greedy(network, schedule(1.2, 8.0)) == sequences(wanted)


def test_cached_logits_equal_those_of_one_pass(network: LlamaGenNetwork) -> None:
    tokens = torch.randint(0, 128, (2, 15), generator=torch.Generator().manual_seed(0))
    cache = network.make_cache(2)
    parts = [network.prefill(LABELS, cache)[:, None], *(network.step(part, cache) for part in tokens.split(4, dim=1))]
    torch.testing.assert_close(torch.cat(parts, dim=1), network(LABELS, tokens), rtol=0, atol=1e-5)


def test_with_the_table_of_a_grid_it_is_llamagen(network: LlamaGenNetwork) -> None:
    llamagen = LlamaGenNetwork(replace(SMALL, positions="grid"))
    llamagen.load_state_dict(network.state_dict())
    on_a_grid = LlamaGenNetwork(SMALL)
    on_a_grid.load_state_dict(network.state_dict())
    on_a_grid._turns = llamagen._turns
    tokens = torch.arange(15)[None]
    label = LABELS[:1]
    assert torch.equal(on_a_grid(label, tokens), llamagen(label, tokens))
    assert not torch.allclose(network(label, tokens), llamagen(label, tokens))


def test_guidance_grows_from_the_first_token_to_the_last() -> None:
    assert [schedule(1.2, 8.0).strength(token, 256) for token in (0, 255)] == [1.2, 8.0]
    assert schedule(1.0, 8.0) == Linspace(1.001, 8.0)  # begun at 1, the authors' would never be doubled
    assert schedule(1.0, 1.0) == Linspace(1.0, 1.0)
    assert schedule(2.0, None) == Constant(2.0)
    strengths = [schedule(3.0, 3.0).strength(token, 16) for token in range(16)]
    assert strengths == [3.0] * 16


@pytest.mark.parametrize("card", cards_of("d-ar"), ids=lambda card: card.name)
def test_published_sizes_have_the_counts_of_their_cards(card: GeneratorCard) -> None:
    geometry = LlamaGenGeometry(SIZES[card.args["size"]], positions="line")
    state = assert_counts(card, lambda: LlamaGenNetwork(geometry))
    assert {key.split(".", 2)[2] for key in state if key.startswith("layers.")} == BLOCK
    others = {key for key in state if not key.startswith("layers.")}
    assert others == {"tok_embeddings.weight", "norm.weight", "output.weight", "cls_embedding.embedding_table.weight"}


@pytest.fixture(scope="module")
def tiny() -> DAr:
    with pytest.warns(UserWarning, match="random weights"):
        return DAr.random(**DAr.shrunken, cfg_scale=1.2, cfg_last=8.0)


def test_noise_follows_the_tokens_as_the_authors_draw_it() -> None:
    """The state after the tokens is that of the generator which drew them."""
    logits = torch.randn(2, 128, generator=torch.Generator().manual_seed(1))
    draws = TorchMultinomial([5, 6], torch.device("cpu"))
    for _ in range(16):
        draws.next(probabilities(logits, Filters(precision="float32")))
    after = Drawn("torch-multinomial", 16, 128).decoder_stream(6, torch.device("cpu"))
    assert torch.equal(torch.randn(8, generator=after), torch.randn(8, generator=draws.generators[1]))
    fresh = torch.randn(8, generator=torch.Generator().manual_seed(6))
    for untouched in (
        Drawn("torch-multinomial", 16, 128, greedy=True).decoder_stream(6, torch.device("cpu")),
        Drawn("torch-multinomial", 16, 128).decoder_stream(6, torch.device("cuda")),
    ):
        assert torch.equal(torch.randn(8, generator=untouched), fresh)
    ours = torch.randn(8, generator=Drawn("inverse-cdf", 16, 128).decoder_stream(6, torch.device("cpu")))
    tokens = torch.Generator().manual_seed(6)
    torch.rand(16, generator=tokens, dtype=torch.float64)
    assert not torch.equal(ours, fresh) and not torch.equal(ours, torch.randn(8, generator=tokens))


def test_a_strategy_leaves_the_noise_as_it_is(tiny: DAr) -> None:
    with pytest.warns(UserWarning, match="random weights"):
        faster = DAr.random(**DAr.shrunken, cfg_scale=1.2, cfg_last=8.0, strategy="sjd", window=4)
    conditions, seeds = [Condition(label=3)], torch.tensor([1])
    codes = tiny.sample_codes(conditions, seeds)
    assert torch.equal(tiny.images(codes, seeds), faster.images(codes, seeds))


def test_it_keeps_the_contract_and_its_noise_is_the_images_own(tiny: DAr) -> None:
    # random weights decode to no picture
    assert {result.name for result in check_generator(tiny) if not result.passed} <= {"range"}
    conditions, seeds = [Condition(label=3), Condition(label=3)], torch.tensor([1, 2])
    codes = tiny.sample_codes(conditions, seeds)
    assert codes.levels[0].shape == (2, 16) and codes.image_size == (32, 32)
    images = tiny.sample(conditions, seeds)
    assert images.shape == (2, 3, 32, 32) and torch.equal(images, tiny.images(codes, seeds))
    assert torch.equal(images[1:], tiny.sample(conditions[1:], seeds[1:]))
    assert not torch.equal(images, tiny.images(codes, seeds + 1))
    assert tiny.info.sampler["decoder_noise"].startswith("normal, float32, from a stream of the sample's own")
    assert tiny.info.sampler["cfg_schedule"] == "linspace" and tiny.info.sampler["cfg_last"] == 8.0


def test_a_compiled_file_is_read_strictly(tmp_path: Path) -> None:
    state = LlamaGenNetwork(LlamaGenGeometry(SIZES["tiny"], grid=4, positions="line")).state_dict()
    file = tmp_path / "d-ar.pt"
    named = f"d-ar,size=tiny,tokens=16,checkpoint={file},tokenizer={DAr.shrunken['tokenizer']!r}"
    torch.save({f"_orig_mod.{name}": tensor for name, tensor in state.items()}, file)
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.output.weight, state["output.weight"])
    torch.save({name: tensor for name, tensor in state.items() if name != "norm.weight"}, file)
    with pytest.raises(AdapterError, match=r"norm\.weight"):
        resolve_generator(named)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.warns(UserWarning, match="random"), pytest.raises(AdapterError, match="decodes from noise"):
        DAr.random(size="tiny", tokens=16, tokenizer="janus-vq,random_weights_seed=0")
    with pytest.raises(UsageError, match="square"):
        DAr.random(tokens=200)
