"""ELM's masked generators against a sequence that their own module (Pepper-lll/LMforImageGeneration, c2f29f0) made."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from masked_cases import LABELS, check_an_image_stands_alone, check_greedy_without_noise_heeds_no_seed, refined
from next_token_cases import BLOCK, assert_counts, cards_of
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.masked.elm.adapter import ElmMlm, schedule
from vtbench.generators.published.masked.elm.network import MASKED_SIZES, ElmMaskedNetwork
from vtbench.generators.published.next_token.elm.network import ElmGeometry
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.courses import Course
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.masked.settings import MaskedSettings
from vtbench.networks.decoder_transformer import DecoderGeometry

SMALL = ElmGeometry(DecoderGeometry(2, 4, 64, 192), sub_codes=1, bits=6, grid=4, classes=10)
UNUSED = ("output.weight", "pos_embed.weight")
STILL = "29 31 29 29 29 31 31 29 29 29 31 29 29 29 31 29 | " + " ".join(["29"] * 16)


@pytest.fixture(scope="module")
def network() -> ElmMaskedNetwork:
    made: ElmMaskedNetwork = filled(ElmMaskedNetwork(SMALL), others=UNUSED)
    return made


def settings(**others: object) -> MaskedSettings:
    return MaskedSettings(4, schedule("linear", 3.0), mask_schedule="cosine", **others)  # type: ignore[arg-type]


def test_the_first_logits_are_the_authors(network: ElmMaskedNetwork) -> None:
    with torch.inference_mode():
        found = network.predict(LABELS[:1], torch.full((1, 16), network.mask_token))
    torch.testing.assert_close(found[0, 0, :4], torch.tensor([-0.3522, -0.0413, -0.0939, -0.2207]), rtol=0, atol=1e-4)
    assert found.shape == (1, 16, 64)


def test_a_greedy_sequence_without_noise_is_the_authors(network: ElmMaskedNetwork) -> None:
    assert refined(network, settings(tokens="greedy"), LABELS, [0, 1]).tolist() == sequences(STILL)


def test_an_image_depends_on_its_condition_and_seed_alone(network: ElmMaskedNetwork) -> None:
    check_an_image_stands_alone(network, settings(randomize_temperature=1.0))
    check_greedy_without_noise_heeds_no_seed(network, settings(randomize_temperature=1.0))


def test_every_place_sees_all_and_the_class_is_not_turned(network: ElmMaskedNetwork) -> None:
    """A token changes the logits of the first place, and the table's row of the class is zero."""
    masked = torch.full((1, 16), network.mask_token)
    last = masked.clone()
    last[0, 15] = 7
    with torch.inference_mode():
        changed = network.predict(LABELS[:1], last) - network.predict(LABELS[:1], masked)
    assert float(changed[0, 0].abs().max()) > 1e-3
    assert not SMALL.turns()[0].any() and SMALL.turns()[1].any()


@pytest.mark.parametrize("card", cards_of("elm-mlm"), ids=lambda card: card.name)
def test_published_sizes_have_the_counts_of_their_cards(card: GeneratorCard) -> None:
    geometry = ElmGeometry(MASKED_SIZES[card.args["size"]], 1, 16)
    state = assert_counts(card, lambda: ElmMaskedNetwork(geometry))
    assert {key.split(".", 2)[2] for key in state if key.startswith("layers.")} == BLOCK
    head = {f"mlm_layer.{name}" for name in ("fc.weight", "fc.bias", "ln.weight", "ln.bias", "bias")}
    others = {key for key in state if not key.startswith("layers.")}
    assert others == head | {"cls_embedding.embedding_table.weight", "tok_embedder.weight", "norm.weight"}
    # gigabytes that the authors' README tells: with the table of positions that nothing uses, without the other head
    told = {"L": 1.51, "XL": 3.27, "XXL": 5.86}[card.args["size"]]
    assert round(4 * (card.parameters + 256 * geometry.decoder.width) / 1e9, 2) == told
    assert card.args["cfg_scale"] == 10.0 and card.licence == "none stated"


@pytest.fixture(scope="module")
def tiny() -> ElmMlm:
    with pytest.warns(UserWarning, match="random weights"):
        return ElmMlm.random(**ElmMlm.shrunken)


def test_it_samples_bits_of_its_tokenizer(tiny: ElmMlm) -> None:
    conditions, seeds = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
    codes = tiny.sample_codes(conditions, seeds)
    assert codes.bits[0].shape == (2, 4, 4, 6)
    cost = tiny.sampling_cost()
    assert cost is not None and (cost.forward_passes, cost.tokens) == (4, 32)
    recorded = tiny.info.sampler
    assert (recorded["mask_schedule"], recorded["cfg_scale"], recorded["randomize_temperature"]) == ("cosine", 2.0, 1.0)


def test_the_highest_bit_is_the_first_channel(tiny: ElmMlm) -> None:
    codes = tiny._codes(torch.tensor([[0b100110] * 16]))
    assert codes.bits[0].flip(-1)[0, 0, 0].int().tolist() == [1, 0, 0, 1, 1, 0]


def test_schedules_bear_the_authors_names() -> None:
    assert schedule("constant", 3.0) == Constant(3.0)
    assert schedule("linear", 3.0) == Course(3.0, "rising", "(t+1)/N")
    assert schedule("powercos", 3.0) == Course(3.0, "half-cosine", "(t+1)/N")
    with pytest.raises(UsageError, match="must be constant, linear or powercos"):
        schedule("cos", 3.0)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize("unused", [(), UNUSED], ids=["bare", "with what the class does not use"])
def test_a_published_file_is_read_strictly(unused: tuple[str, ...], tmp_path: Path) -> None:
    state = ElmMaskedNetwork(ElmGeometry(MASKED_SIZES["tiny"], 1, 6, 4)).state_dict()
    file = tmp_path / "mlmL-1-6.pth"
    torch.save({**state, **{name: torch.zeros(3) for name in unused}}, file)
    named = f"elm-mlm,size=tiny,bits=6,grid=4,checkpoint={file},tokenizer={ElmMlm.shrunken['tokenizer']!r}"
    generator = resolve_generator(named)
    assert torch.equal(generator._network.mlm_layer.fc.weight, state["mlm_layer.fc.weight"])
    del state["mlm_layer.bias"]
    torch.save(state, file)
    with pytest.raises(AdapterError, match=r"mlm_layer\.bias"):
        resolve_generator(named)
