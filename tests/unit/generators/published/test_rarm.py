"""RARM against sequences that its own modules (CompVis/retrieval-augmented-diffusion-models, 1017f2b) made, and its
table of neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from next_token_cases import assert_counts, cards_of
from rule_weights import filled, rule, sequences

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.core.seeds import sample_seed
from vtbench.generators.likelihoods import CODES, told_by
from vtbench.generators.published.next_token.rarm.adapter import Rarm
from vtbench.generators.published.next_token.rarm.neighbours import read_neighbours
from vtbench.generators.published.next_token.rarm.network import SIZES, RarmNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.draws import DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.next_token import Prompted, sample_tokens
from vtbench.generators.sampling.settings import SamplerSettings

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
TINY = SIZES["tiny"]
NEIGHBOURS = torch.from_numpy((4 * rule(99, 2 * 4 * 24)).astype(np.float32)).view(2, 4, 24)
FIRST = [[0.594515, 0.391612, -3.796718, 0.585414], [0.750324, 2.070138, -5.088989, -1.024247]]
GREEDY = {
    1.0: "13 13 16 13 4 13 10 4 16 13 4 4 16 16 31 12 | 1 1 13 9 12 30 16 1 16 1 31 9 16 7 26 12",
    2.0: "13 13 16 13 8 4 10 16 0 13 13 0 8 13 8 13 | 1 26 1 4 10 10 1 31 1 31 16 16 4 1 16 1",
}
DRAWN = "13 13 13 13 16 8 9 27 27 13 13 13 13 14 13 3"


@pytest.fixture(scope="module")
def network() -> RarmNetwork:
    made: RarmNetwork = filled(RarmNetwork(TINY))
    return made


def tokens(network: RarmNetwork, filters: Filters, scale: float, rows: slice, draw: DrawRule, seeds: list[int]) -> list:
    given = NEIGHBOURS[rows]
    settings = SamplerSettings(filters, Constant(scale), draw)
    with torch.inference_mode():
        found, _ = sample_tokens(network, Prompted(given, torch.zeros_like(given)), settings, torch.tensor(seeds))
    rows_found: list = found.tolist()
    return rows_found


@pytest.mark.parametrize("scale", GREEDY)
def test_greedy_sequences_are_the_authors(network: RarmNetwork, scale: float) -> None:
    found = tokens(network, Filters(greedy=True), scale, slice(None), "inverse-cdf", [0, 1])
    assert found == sequences(GREEDY[scale])
    assert found == tokens(network, Filters(top_k=1), scale, slice(None), "inverse-cdf", [7, 8])


def test_the_first_logits_are_the_authors_and_a_cache_changes_none(network: RarmNetwork) -> None:
    given = torch.tensor(sequences(GREEDY[1.0]))[:, :-1]
    with torch.inference_mode():
        whole = network(NEIGHBOURS, given)
        cache = network.make_cache(2)
        steps = [network.prefill(NEIGHBOURS, cache)]
        steps += [network.step(given[:, at : at + 1], cache)[:, -1] for at in range(15)]
    torch.testing.assert_close(whole[:, 0, :4], torch.tensor(FIRST), rtol=0, atol=1e-4)
    torch.testing.assert_close(torch.stack(steps, dim=1), whole, rtol=0, atol=1e-4)


def test_a_single_drawn_image_is_the_authors(network: RarmNetwork) -> None:
    """``torch.manual_seed(0)``, top-k 8, guidance 2, the first row."""
    filters = Filters(top_k=8, precision="float32")
    assert tokens(network, filters, 2.0, slice(1), "torch-multinomial", [0]) == sequences(DRAWN)


def test_guidance_is_against_zeros_and_without_it_they_are_not_computed(network: RarmNetwork) -> None:
    assert not network._neighbours(torch.zeros(1, 1, 24)).any()
    one, four = torch.zeros(1, 1, 24), torch.zeros(1, 4, 24)
    with torch.inference_mode():
        torch.testing.assert_close(network(one, torch.tensor([[3]])), network(four, torch.tensor([[3]])))


@pytest.mark.parametrize("card", cards_of("rarm"), ids=lambda card: card.name)
def test_published_sizes_have_the_counts_of_their_cards(card: GeneratorCard) -> None:
    state = assert_counts(card, lambda: RarmNetwork(SIZES["imagenet"]))
    block = {key.split(".", 2)[2] for key in state if key.startswith("transformer_blocks.")}
    attention = ("to_q.weight", "to_k.weight", "to_v.weight", "to_out.0.weight", "to_out.0.bias")
    wanted = {f"{part}.{name}" for part in ("attn1", "attn2") for name in attention}
    linear = ("ff.net.0.proj", "ff.net.2", "norm1", "norm2", "norm3")
    assert block == wanted | {f"{name}.{kind}" for name in linear for kind in ("weight", "bias")}
    others = {key for key in state if not key.startswith("transformer_blocks.")}
    assert others == {"positional_encoding", "proj_in.weight", "proj_out.weight", "proj_out.bias"}
    assert "non-commercial" in card.licence


def table(folder: Path, vectors: np.ndarray, name: str = "neighbours") -> Path:
    file = folder / "table.npz"
    np.savez(file, **{name: vectors})
    return file


def test_an_image_takes_the_row_of_its_seed(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 3, 24)).astype(np.float16)
    file = table(tmp_path, vectors)
    made = Rarm.random(**Rarm.shrunken, neighbours=str(file), cfg_scale=2.0)
    seeds = torch.arange(40)
    rows = [sample_seed(seed, "neighbours") % 5 for seed in range(40)]
    assert np.array_equal(made._neighbours.of(seeds).numpy(), vectors[rows].astype(np.float32))
    assert set(rows) == set(range(5))
    recorded = made.info.sampler
    assert recorded["neighbours"].startswith("5 rows of 3, sha256 ") and recorded["neighbour_rule"]
    assert not any("without neighbours" in note for note in made.notes) and made.info.conditions == "none"
    whole = made.sample_codes([Condition()] * 3, seeds[:3]).levels[0]
    alone = [made.sample_codes([Condition()], seeds[at : at + 1]).levels[0] for at in range(3)]
    assert torch.equal(whole, torch.cat(alone))
    without = Rarm.random(**Rarm.shrunken)
    assert told_by(without) == {CODES} and told_by(made) == frozenset()
    assert any("without neighbours" in note for note in without.notes)
    given = ([Condition()] * 2, seeds[:2])
    assert not torch.equal(made.sample_codes(*given).levels[0], without.sample_codes(*given).levels[0])


def test_likelihood_is_that_of_the_samplers_distribution_without_neighbours() -> None:
    made = Rarm.random(**Rarm.shrunken)
    codes = made.sample_codes([Condition()] * 2, torch.tensor([3, 4]))
    drawn, zeros = codes.levels[0].flatten(1), torch.zeros(2, 1, 24)
    with torch.inference_mode():
        cache = made._network.make_cache(2)
        steps = [made._network.prefill(zeros, cache)]
        steps += [made._network.step(drawn[:, at : at + 1], cache)[:, -1] for at in range(15)]
    wanted = torch.stack(steps, dim=1).double().log_softmax(-1).gather(-1, drawn[..., None])[..., 0]
    told = made.log_likelihood([Condition()] * 2, codes)
    assert told.dtype == torch.float64 and told.shape == (2, 16) and bool((told < 0).all())
    torch.testing.assert_close(told, wanted, rtol=0, atol=1e-4)
    with pytest.raises(UsageError, match="codes of 2 images, 16 tokens each, for 1 conditions"):
        made.log_likelihood([Condition()], codes)


@pytest.mark.parametrize(("vectors", "name", "told"), [
    (np.zeros((5, 3, 23), np.float32), "neighbours", r"float32 \[5, 3, 23\], float32 or float16 \[M,K,24\] is"),
    (np.zeros((5, 24), np.float32), "neighbours", r"float32 \[5, 24\]"),
    (np.zeros((5, 3, 24), np.float64), "neighbours", "float64"),
    (np.zeros((0, 3, 24), np.float32), "neighbours", "0 rows of 3"),
    (np.zeros((1, 65, 24), np.float32), "neighbours", "1 rows of 65"),
    (np.full((5, 3, 24), np.nan, np.float32), "neighbours", "values that are no numbers"),
    (np.zeros((5, 3, 24), np.float32), "embedding", "neighbours"),
    (np.array([{"a": 1}], dtype=object), "neighbours", "holds Python objects"),
])  # fmt: skip
def test_a_table_of_another_form_is_told(vectors: np.ndarray, name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told):
        read_neighbours(str(table(tmp_path, vectors, name)), 24)


def test_a_table_that_is_missing_or_damaged_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssetMissingError, match="no table of neighbours"):
        read_neighbours(str(tmp_path / "none.npz"), 24)
    file = table(tmp_path, np.zeros((5, 3, 24), np.float32))
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(UsageError, match="truncated or not an npz"):
        read_neighbours(str(file), 24)


def test_a_file_of_the_authors_is_read_strictly(tmp_path: Path) -> None:
    """Lightning's checkpoint: the transformer beside its tokenizer and two numbers of its own."""
    state = RarmNetwork(TINY).state_dict()
    whole = {f"transformer.{name}": tensor for name, tensor in state.items()}
    whole |= {"first_stage_model.quantize.embedding.weight": torch.zeros(2), "sos_token": torch.tensor([33])}
    file = tmp_path / "model.ckpt"
    torch.save({"state_dict": whole, "epoch": 3}, file)
    named = f"rarm,size=tiny,checkpoint={file},tokenizer='{Rarm.shrunken['tokenizer']}'"
    assert torch.equal(resolve_generator(named)._network.proj_in.weight, state["proj_in.weight"])
    del whole["transformer.positional_encoding"]
    torch.save({"state_dict": whole}, file)
    with pytest.raises(AdapterError, match="positional_encoding"):
        resolve_generator(named)
