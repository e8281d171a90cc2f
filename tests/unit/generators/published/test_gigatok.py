"""GigaTok's generators against sequences that its own modules (SilentView/GigaTok, 182920c) made with equal weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from next_token_cases import BLOCK, LABELS, assert_counts, cards_of, greedy
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.generators.contract import check_generator
from vtbench.generators.published.next_token.gigatok import GigaTokGpt, schedule
from vtbench.generators.published.next_token.llamagen.network import SIZES, LlamaGenGeometry, LlamaGenNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.courses import Course
from vtbench.generators.sampling.guidance import Constant, Schedule, Step

SMALL = LlamaGenGeometry(SIZES["tiny"], vocabulary=128, grid=4, classes=10, positions="learnt")
GREEDY = {
    "no guidance": (schedule(1.0, "step", 0.18), "94 57 69 1 77 41 53 106 70 28 52 1 26 77 79 84 | "
                    "10 125 54 121 100 54 102 10 2 69 109 2 41 125 56 77"),
    "step 2 from 0.18": (schedule(2.0, "step", 0.18), "94 57 69 95 9 41 106 52 81 88 57 52 23 106 70 23 | "
                         "54 54 54 54 54 54 54 54 54 54 54 2 54 2 2 18"),
}  # fmt: skip


@pytest.fixture(scope="module")
def network() -> LlamaGenNetwork:
    made: LlamaGenNetwork = filled(LlamaGenNetwork(SMALL))
    return made


@pytest.mark.parametrize("case", GREEDY)
def test_greedy_sequences_are_the_authors(network: LlamaGenNetwork, case: str) -> None:
    guidance, wanted = GREEDY[case]
    assert greedy(network, guidance) == sequences(wanted)


def test_a_step_from_the_beginning_is_constant(network: LlamaGenNetwork) -> None:
    assert greedy(network, schedule(2.0, "step", 0.0)) == greedy(network, Constant(2.0))


def test_cached_logits_equal_those_of_one_pass(network: LlamaGenNetwork) -> None:
    tokens = torch.randint(0, 128, (2, 15), generator=torch.Generator().manual_seed(0))
    cache = network.make_cache(2)
    parts = [network.prefill(LABELS, cache)[:, None], *(network.step(part, cache) for part in tokens.split(4, dim=1))]
    torch.testing.assert_close(torch.cat(parts, dim=1), network(LABELS, tokens), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("name", "meant"), [
    ("constant", Constant(3.0)),
    ("step", Step(3.0, 0.2)),
    ("rectangular", Step(3.0, 0.05)),
    ("linear", Course(3.0, "rising", "t/(N-1), first full", 1e-4)),
    ("linear_re", Course(3.0, "falling", "t/(N-1), first full", 1e-4)),
    ("triangular", Course(3.0, "triangle", "t/(N-1), first full", 1e-4)),
])  # fmt: skip
def test_schedules_bear_the_authors_names(name: str, meant: Schedule) -> None:
    assert schedule(3.0, name, 0.2) == meant


def test_an_unknown_schedule_is_told() -> None:
    with pytest.raises(UsageError, match="cfg_schedule='cosine': unknown"):
        schedule(3.0, "cosine", 0.2)


@pytest.mark.parametrize("card", cards_of("gigatok-gpt"), ids=lambda card: card.name)
def test_published_sizes_have_the_counts_of_their_cards(card: GeneratorCard) -> None:
    geometry = LlamaGenGeometry(SIZES[card.args["size"]], positions="learnt")
    state = assert_counts(card, lambda: LlamaGenNetwork(geometry))
    assert {key.split(".", 2)[2] for key in state if key.startswith("layers.")} == BLOCK
    others = {key for key in state if not key.startswith("layers.")}
    llamagens = {"tok_embeddings.weight", "norm.weight", "output.weight", "cls_embedding.embedding_table.weight"}
    assert others == {*llamagens, "positional_embedding"}
    assert card.args["tokenizer"] == card.tokenizer


def test_it_keeps_the_contract() -> None:
    with pytest.warns(UserWarning, match="random weights"):
        generator = GigaTokGpt.random(**GigaTokGpt.shrunken, cfg_scale=1.75, cfg_schedule="step")
    # random weights decode to no picture
    assert {result.name for result in check_generator(generator) if not result.passed} <= {"range"}
    assert generator.info.native_size == 32 and generator.info.sampler["cfg_start"] == 0.18


@pytest.mark.parametrize("nesting", ["model", "module", "state_dict", None])
def test_every_published_nesting_is_read_strictly(nesting: str | None, tmp_path: Path) -> None:
    state = LlamaGenNetwork(LlamaGenGeometry(SIZES["tiny"], grid=4, positions="learnt")).state_dict()
    file = tmp_path / "gpt.pt"
    named = f"gigatok-gpt,size=tiny,tokens=16,checkpoint={file},tokenizer={GigaTokGpt.shrunken['tokenizer']!r}"
    torch.save({nesting: state, "steps": 1} if nesting else state, file)
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.positional_embedding, state["positional_embedding"])
    del state["positional_embedding"]  # what a file of LlamaGen has
    torch.save({nesting: state} if nesting else state, file)
    with pytest.raises(AdapterError, match="positional_embedding"):
        resolve_generator(named)


def test_files_are_downloaded_by_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    with pytest.raises(AssetMissingError, match=r"by hand from https://drive\.google\.com"):
        GigaTokGpt(card="gigatok-gpt-b-xlxxl", tokenizer=str(GigaTokGpt.shrunken["tokenizer"]))
