"""ELM's generators against sequences of their own modules (Pepper-lll/LMforImageGeneration, c2f29f0), weights equal."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from next_token_cases import BLOCK, LABELS, assert_counts, cards_of, greedy, greedy_parts
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.contract import check_generator
from vtbench.generators.published.next_token.elm.adapter import ElmAr, schedule
from vtbench.generators.published.next_token.elm.network import SIZES, ElmGeometry, ElmNetwork
from vtbench.generators.published.next_token.llamagen.network import LlamaGenGeometry, LlamaGenNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.courses import Course
from vtbench.generators.sampling.guidance import Constant

PAIRS = (
    "1 17 1 2 1 11 26 11 9 2 27 17 29 11 29 11 29 11 29 11 29 11 29 4 25 28 27 28 11 0 29 28 | "
    "3 20 4 2 3 16 3 2 3 16 10 2 3 16 10 16 3 19 29 14 10 2 3 16 10 23 3 23 4 23 29 16"
)


@pytest.fixture(scope="module")
def network() -> ElmNetwork:
    made: ElmNetwork = filled(ElmNetwork(ElmGeometry(SIZES["tiny"], sub_codes=2, bits=5, grid=4, classes=10)))
    return made


def test_a_greedy_sequence_of_pairs_is_the_authors(network: ElmNetwork) -> None:
    assert greedy_parts(network, schedule(2.0, "linear")).flatten(1).tolist() == sequences(PAIRS)


def test_cached_logits_equal_those_of_one_pass(network: ElmNetwork) -> None:
    codes = torch.randint(0, 32, (2, 15, 2), generator=torch.Generator().manual_seed(0))
    whole = network(LABELS, codes)
    cache = network.make_cache(2)
    hidden = [network.prefill(LABELS, cache)[:, None], *(network.step(part, cache) for part in codes.split(4, dim=1))]
    found = [network.head(torch.cat(hidden, dim=1), part) for part in (0, 1)]
    torch.testing.assert_close(torch.stack(found, dim=2), whole, rtol=0, atol=1e-5)


def test_sub_codes_are_independent_given_their_token(network: ElmNetwork) -> None:
    inner = network.inner(network.prefill(LABELS, network.make_cache(2)))
    assert torch.equal(inner.logits(1, torch.tensor([0, 0])), inner.logits(1, torch.tensor([9, 31])))


def test_with_one_sub_code_it_is_llamagen_under_other_names() -> None:
    llamagen = filled(LlamaGenNetwork(LlamaGenGeometry(SIZES["tiny"], vocabulary=2**7, grid=4, classes=10)))
    single = ElmNetwork(ElmGeometry(SIZES["tiny"], sub_codes=1, bits=7, grid=4, classes=10))
    renamed = {name.replace("tok_embeddings", "tok_embedder"): value for name, value in llamagen.state_dict().items()}
    single.load_state_dict(renamed)
    tokens = torch.arange(30).view(2, 15)
    assert torch.equal(single.eval()(LABELS, tokens[..., None])[:, :, 0], llamagen(LABELS, tokens))
    assert greedy_parts(single, Constant(2.0))[..., 0].tolist() == greedy(llamagen, Constant(2.0))


@pytest.mark.parametrize(("name", "curve", "counted"), [
    ("linear", "rising", "(t+1)/N"),
    ("cos", "sine", "(t+1)/N"),
    ("log", "logarithm", "(t+1)/N"),
    ("square", "square", "(t+1)/N"),
    ("square_root", "square-root", "t/N"),
])  # fmt: skip
def test_schedules_bear_the_authors_names(name: str, curve: str, counted: str) -> None:
    assert schedule(3.0, name) == Course(3.0, curve, counted)  # type: ignore[arg-type]


def test_an_unknown_schedule_is_told() -> None:
    with pytest.raises(UsageError, match="cfg_schedule='sqrt': unknown"):
        schedule(3.0, "sqrt")
    assert schedule(3.0, "constant") == Constant(3.0)


@pytest.mark.parametrize("card", cards_of("elm-ar"), ids=lambda card: card.name)
def test_published_sizes_have_the_counts_of_their_cards(card: GeneratorCard) -> None:
    size, parts, bits = (card.args[name] for name in ("size", "sub_codes", "bits"))
    state = assert_counts(card, lambda: ElmNetwork(ElmGeometry(SIZES[size], parts, bits)))
    assert {key.split(".", 2)[2] for key in state if key.startswith("layers.")} == BLOCK
    tables = ["tok_embedder.weight", "output.weight"]
    if parts > 1:
        tables = ["proj.weight", *(f"{name}.{part}.weight" for name in ("tok_embedder", "output") for part in (0, 1))]
    others = {key for key in state if not key.startswith("layers.")}
    assert others == {"cls_embedding.embedding_table.weight", "norm.weight", *tables}
    assert card.args["tokenizer"] == card.tokenizer == f"elm-bae-{parts * bits}"
    assert card.licence == "none stated" and "No licence" in card.summary


@pytest.fixture(scope="module")
def tiny() -> ElmAr:
    with pytest.warns(UserWarning, match="random weights"):
        return ElmAr.random(**ElmAr.shrunken, cfg_scale=4.0, cfg_schedule="linear", top_k=5)


def test_it_keeps_the_contract(tiny: ElmAr) -> None:
    # random weights decode to no picture
    assert {result.name for result in check_generator(tiny) if not result.passed} <= {"range"}
    assert tiny.info.sampler["cfg_curve"] == "rising" and tiny.info.sampler["image_rounding"] == "truncate"


def test_bits_are_the_channels_that_the_authors_decode(tiny: ElmAr) -> None:
    """Both sub-codes count from their highest bit; the first sub-code is the first channels."""
    codes = tiny._codes(torch.tensor([[[6, 1]] * 16]))
    channels = codes.bits[0].flip(-1)  # as the tokenizer's decoder takes them
    assert channels.shape == (1, 4, 4, 6)
    assert channels[0, 0, 0].int().tolist() == [1, 1, 0, 0, 0, 1]


def test_a_bare_file_is_read_strictly(tmp_path: Path) -> None:
    state = ElmNetwork(ElmGeometry(SIZES["tiny"], 2, 3, 4)).state_dict()
    file = tmp_path / "tiny-2-3.pth"
    named = f"elm-ar,size=tiny,bits=3,grid=4,checkpoint={file},tokenizer={ElmAr.shrunken['tokenizer']!r}"
    torch.save(state, file)
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.output[1].weight, state["output.1.weight"])
    del state["proj.weight"]
    torch.save(state, file)
    with pytest.raises(AdapterError, match=r"proj\.weight"):
        resolve_generator(named)


def test_a_tokenizer_of_other_bits_is_refused() -> None:
    with pytest.warns(UserWarning, match="random"), pytest.raises(AdapterError, match="tokens of 64 entries"):
        ElmAr.random(size="tiny", bits=3, grid=4, tokenizer="elm-bae,bits=7,channels=32,multipliers=[1,2],latents=32,"
                     "blocks=1,random_weights_seed=0")  # fmt: skip
