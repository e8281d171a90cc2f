"""LlamaGen and NAR from prompts, against sequences of their own modules (ce98ec4, 225c1fb) with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from rule_weights import filled, rule, sequences

from vtbench.checkpoints.cards import GeneratorCard, load_generator_cards
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.generators.contract import check_generator
from vtbench.generators.fetching import fetch_generator_card
from vtbench.generators.published.next_token.llamagen.network import SIZES, LlamaGenGeometry, LlamaGenNetwork
from vtbench.generators.published.next_token.llamagen.network_condition import TextGeometry
from vtbench.generators.published.next_token.llamagen.prompts import LlamaGenT2i
from vtbench.generators.published.next_token.nar.network import NarGeometry, NarNetwork
from vtbench.generators.published.next_token.nar.prompts import NarT2i
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.groups import sample_groups
from vtbench.generators.sampling.guidance import Constant, Interval, Schedule, WhileAtMost
from vtbench.generators.sampling.next_token import Prompted, sample_tokens
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import strategy_of
from vtbench.generators.text.encoded import EncodedText
from vtbench.generators.text.encoder import random_text_encoder
from vtbench.generators.text.rules import TextRule
from vtbench.networks.decoder_transformer import DecoderGeometry

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
DECODER = DecoderGeometry(depth=2, heads=4, width=64, hidden=192)
TEXT = TextGeometry(length=120, channels=12)
SMALL: dict[str, Callable[[], Any]] = {
    "llamagen-t2i": lambda: LlamaGenNetwork(LlamaGenGeometry(DECODER, vocabulary=128, grid=4, text=TEXT)),
    "nar-t2i": lambda: NarNetwork(NarGeometry(DECODER, vocabulary=128, grid=4, text=TEXT)),
}
SAMPLERS: dict[str, Any] = {"llamagen-t2i": sample_tokens, "nar-t2i": sample_groups}
FAMILIES: dict[str, Any] = {"llamagen-t2i": LlamaGenT2i, "nar-t2i": NarT2i}
CARDS = {name: card for name, card in load_generator_cards().items() if card.target in FAMILIES}
PROMPTS = [Condition(prompt="a cat"), Condition(prompt="TWO dogs, asleep on a sofa")]
SEEDS = torch.tensor([1, 2])
AUTHORS: list[tuple[str, str, Schedule, str]] = [
    ("llamagen-t2i", "greedy", Constant(3.0), "119 59 8 40 50 89 104 7 119 29 50 50 69 119 29 50 | "
     "55 24 18 66 13 101 101 101 101 101 101 101 101 101 55 64"),
    ("llamagen-t2i", "greedy", Interval(3.0, 4), "119 59 8 40 50 89 104 47 7 53 28 99 123 8 71 104 | "
     "55 24 18 66 13 101 101 101 13 47 29 13 31 35 35 35"),
    ("llamagen-t2i", "drawn", Constant(3.0), "22 8 123 119 28 22 84 2 84 40 89 60 30 18 34 84 | "
     "53 27 91 91 24 55 31 55 101 55 119 68 58 32 79 76"),
    ("nar-t2i", "greedy", Constant(3.0), "120 32 124 60 125 124 79 90 118 98 72 45 0 32 102 70 | "
     "56 83 117 117 11 78 107 45 11 107 45 45 11 46 45 45"),
    ("nar-t2i", "greedy", WhileAtMost(3.0, 4), "120 32 124 60 125 124 58 107 118 98 75 84 0 89 84 45 | "
     "56 83 117 117 11 78 107 45 11 45 45 78 47 45 45 78"),
    ("nar-t2i", "drawn", Constant(3.0), "120 32 19 84 95 92 30 89 125 84 19 84 125 80 84 84 | "
     "78 117 117 53 101 78 70 90 41 108 43 11 74 74 78 18"),
]  # fmt: skip


@pytest.fixture(scope="module")
def networks() -> dict[str, Any]:
    return {name: filled(make()) for name, make in SMALL.items()}


@pytest.fixture(scope="module")
def texts() -> EncodedText:
    """Two texts of 4 and 9 tokens, on the right of 120 positions, by the rule of weights."""
    features = torch.from_numpy(4 * rule(99, 2 * 120 * 12)).float().reshape(2, 120, 12)
    mask = torch.arange(120) >= torch.tensor([[116], [111]])
    return EncodedText(features * mask[..., None], mask)


def prompted(network: Any, texts: EncodedText) -> Prompted:
    return Prompted(texts, network.cls_embedding.nothing(texts))


def sampled(
    name: str, network: Any, texts: EncodedText, settings: SamplerSettings, seeds: torch.Tensor
) -> torch.Tensor:
    with torch.inference_mode():
        tokens: torch.Tensor = SAMPLERS[name](network, prompted(network, texts), settings, seeds)[0]
    return tokens


@pytest.mark.parametrize(("name", "how", "guidance", "wanted"), AUTHORS)
def test_sequences_are_the_authors(
    networks: dict[str, Any], texts: EncodedText, name: str, how: str, guidance: Schedule, wanted: str
) -> None:
    """Drawn ones: ``torch.manual_seed(5)``, batches of one, top-k 20, ``torch.multinomial``."""
    if how == "greedy":
        settings = SamplerSettings(Filters(greedy=True), guidance)
        assert sampled(name, networks[name], texts, settings, SEEDS).tolist() == sequences(wanted)
        return
    settings = SamplerSettings(Filters(top_k=20, precision="float32"), guidance, "torch-multinomial")
    rows = [sampled(name, networks[name], texts[row : row + 1], settings, torch.tensor([5])) for row in range(2)]
    assert torch.cat(rows).tolist() == sequences(wanted)


def test_cached_logits_equal_those_of_one_pass(networks: dict[str, Any], texts: EncodedText) -> None:
    tokens = torch.randint(0, 128, (2, 16), generator=torch.Generator().manual_seed(0))
    host, other = networks["llamagen-t2i"], networks["nar-t2i"]
    cache = host.make_cache(2)
    parts = [host.prefill(texts, cache)[:, None], *(host.step(part, cache) for part in tokens[:, :15].split(5, dim=1))]
    torch.testing.assert_close(torch.cat(parts, dim=1), host(texts, tokens[:, :15]), rtol=0, atol=1e-5)
    cache, whole = other.make_cache(2), other(texts, tokens)
    found = other.prefill(texts, cache)
    for number, group in enumerate(other.order.groups):
        torch.testing.assert_close(found, whole[:, list(group)], rtol=0, atol=1e-5)
        if number + 1 < len(other.order.groups):
            found = other.step(tokens[:, list(group)], number + 1, cache)
    assert cache.length == 120 + 15


@pytest.mark.parametrize("name", SMALL)
def test_what_is_filled_up_is_not_seen(networks: dict[str, Any], texts: EncodedText, name: str) -> None:
    network, tokens = networks[name], torch.randint(0, 128, (2, 16), generator=torch.Generator().manual_seed(0))
    fed = tokens if name == "nar-t2i" else tokens[:, :15]
    noise = torch.randn(2, 120, 12, generator=torch.Generator().manual_seed(1)) * ~texts.mask[..., None]
    other = EncodedText(texts.features + noise, texts.mask)
    with torch.inference_mode():
        assert torch.equal(network(other, fed), network(texts, fed))
        seen = EncodedText(texts.features + noise, torch.ones_like(texts.mask))
        assert not torch.allclose(network(seen, fed), network(texts, fed), atol=0.1)


def test_positions_of_the_text_have_neither_query_nor_key(networks: dict[str, Any], texts: EncodedText) -> None:
    """Scaling what makes queries and keys changes nothing where all that is there is text."""
    network, other = networks["llamagen-t2i"], filled(SMALL["llamagen-t2i"]())
    with torch.inference_mode():
        for layer in other.layers:
            layer.attention.wqkv.weight[:128] *= 3
        first = torch.zeros(2, 0, dtype=torch.int64)
        assert torch.equal(network(texts, first), other(texts, first))


@pytest.mark.parametrize("name", SMALL)
def test_an_image_is_the_same_in_any_company(networks: dict[str, Any], texts: EncodedText, name: str) -> None:
    settings = SamplerSettings(Filters(top_k=20), Constant(3.0))
    both = sampled(name, networks[name], texts, settings, SEEDS)
    for row in range(2):
        assert torch.equal(
            sampled(name, networks[name], texts[row : row + 1], settings, SEEDS[row : row + 1])[0], both[row]
        )


@pytest.mark.parametrize("name", SMALL)
def test_guidance_that_ends_leaves_the_text_behind(networks: dict[str, Any], texts: EncodedText, name: str) -> None:
    """The cache is halved with its padding: what follows equals what is drawn with guidance of strength 1."""
    ending = Interval(3.0, 2) if name == "llamagen-t2i" else WhileAtMost(3.0, 5)

    class Barely(type(ending)):  # type: ignore[misc]
        def strength(self, token: int, tokens: int) -> float:
            found: float = super().strength(token, tokens)
            return 1 + 1e-9 if found == 1 else found

    kept = Barely(ending.scale, ending.last)
    found = [sampled(name, networks[name], texts, SamplerSettings(Filters(), one), SEEDS) for one in (ending, kept)]
    assert torch.equal(*found)


def test_speculation_that_is_greedy_equals_one_token_a_pass(networks: dict[str, Any], texts: EncodedText) -> None:
    network = networks["llamagen-t2i"]
    for guidance in (Constant(1.0), Constant(3.0), Interval(3.0, 4)):
        plain = SamplerSettings(Filters(greedy=True), guidance)
        fast = SamplerSettings(Filters(greedy=True), guidance, strategy=strategy_of("sjd", 5, "random"))
        assert torch.equal(*(sampled("llamagen-t2i", network, texts, each, SEEDS) for each in (plain, fast)))


@pytest.mark.parametrize("card", CARDS.values(), ids=list(CARDS))
def test_published_sizes_have_the_counts_of_their_cards(card: GeneratorCard) -> None:
    sizes, grid = SIZES[card.args["size"]], card.args["grid"]
    elements, tensors = {"llamagen-t2i": (777_923_840, 258), "nar-t2i": (819_215_360, 267)}[card.target]
    with torch.device("meta"):
        if card.target == "nar-t2i":
            network: Any = NarNetwork(NarGeometry(sizes, grid=grid, text=TextGeometry()))
            host: Any = NarNetwork(NarGeometry(sizes, grid=grid))
        else:
            network = LlamaGenNetwork(LlamaGenGeometry(sizes, grid=grid, text=TextGeometry()))
            host = LlamaGenNetwork(LlamaGenGeometry(sizes, grid=grid))
    state = network.state_dict()
    assert (sum(tensor.numel() for tensor in state.values()), len(state)) == (elements, tensors)
    assert (sum(parameter.numel() for parameter in network.parameters()), len(state)) == (card.parameters, card.tensors)
    own = {"cap_proj.fc1.weight", "cap_proj.fc2.weight", "uncond_embedding"}
    shared = set(host.state_dict()) - {"cls_embedding.embedding_table.weight"}
    assert set(state) == shared | {f"cls_embedding.{name}" for name in own}
    assert state["cls_embedding.uncond_embedding"].shape == (120, 2048)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text encoder as wide as flan-t5-xl, of random weights, as a user gives it."""
    folder = tmp_path_factory.mktemp("text") / "flan-t5-xl"
    made = random_text_encoder(2048, TextRule(length=120), 3)
    made._network.save_pretrained(folder)
    made._tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", FAMILIES)
def test_a_published_file_is_read_strictly_with_its_text_encoder(name: str, encoder: Path, tmp_path: Path) -> None:
    tiny = FAMILIES[name].random(**FAMILIES[name].shrunken)
    state = tiny._network.state_dict() | {"freqs_cis": torch.zeros(136, 8, 2)}
    file, tokenizer = tmp_path / "t2i_tiny.pt", FAMILIES[name].shrunken["tokenizer"]
    text = f"{name},size=tiny,grid=4,checkpoint={file},tokenizer='{tokenizer}',text_encoder={encoder}"
    for nesting in ("model", "module", "state_dict", None):
        torch.save({nesting: state} if nesting else state, file)
        generator = resolve_generator(text)
        assert torch.equal(generator._network.cls_embedding.uncond_embedding, state["cls_embedding.uncond_embedding"])
    assert [weight.name for weight in generator.info.weights][:2] == ["t2i_tiny.pt", "model.safetensors"]
    assert str(generator.info.sampler["text_encoder"]).startswith("T5, 1 blocks of 2048 channels, files ")
    assert generator.info.sampler["text_cleaning"] == "rules of DeepFloyd IF, in lower case, twice"
    assert generator.sample(PROMPTS, SEEDS).shape == (2, 3, 64, 64)
    narrow = resolve_generator(f"{text},text_precision=bfloat16")
    assert narrow.info.sampler["text_encoder_dtype"] == "bfloat16"
    assert narrow._prompted(PROMPTS).conditional.features.dtype == torch.float32, "the generator's own precision"
    del state["cls_embedding.uncond_embedding"]
    torch.save(state, file)
    with pytest.raises(AdapterError, match=r"cls_embedding\.uncond_embedding"):
        resolve_generator(text)


@pytest.mark.parametrize("name", FAMILIES)
def test_it_passes_the_contract_from_prompts(name: str) -> None:
    tiny = FAMILIES[name].random(**FAMILIES[name].shrunken)
    assert tiny.info.conditions == "prompt" and tiny.info.untrained and len(tiny.notes) >= 2
    assert [result for result in check_generator(tiny) if not result.passed] == []
    cleaned = tiny.sample_codes([Condition(prompt="A  Cat (asleep)")], SEEDS[:1])
    same = tiny.sample_codes([Condition(prompt="a cat asleep")], SEEDS[:1])
    assert torch.equal(cleaned.levels[0], same.levels[0]), "captions are cleaned before they are read"
    with pytest.raises(UsageError, match="needs a prompt"):
        tiny.sample([Condition(label=3)], SEEDS[:1])


def test_a_missing_text_encoder_is_told_before_weights_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    (tmp_path / "w.pt").write_bytes(b"no checkpoint")
    tokenizer = LlamaGenT2i.shrunken["tokenizer"]
    with pytest.raises(AssetMissingError) as caught:
        resolve_generator(f"llamagen-t2i-xl-512,checkpoint={tmp_path / 'w.pt'},tokenizer='{tokenizer}'")
    assert "llamagen-t2i-xl-512 cannot be run without its text encoder: google/flan-t5-xl" in caught.value.what
    assert "llamagen-t2i-xl-512,text_encoder=FOLDER" in str(caught.value.hint)


def test_fetching_a_card_gets_the_text_encoder_too(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("VTBENCH_ASSETS", f"{tmp_path}:{encoder.parent}")
    for file in ("vq_ds16_t2i.pt", "t2i_XL_stage2_512.pt"):
        (tmp_path / file).write_bytes(b"weights")
    found = fetch_generator_card(CARDS["llamagen-t2i-xl-512"])
    assert [(name, file.path.name) for name, file in found] == [
        ("llamagen-ds16-t2i", "vq_ds16_t2i.pt"),
        ("llamagen-t2i-xl-512", "t2i_XL_stage2_512.pt"),
        ("llamagen-t2i-xl-512", "flan-t5-xl"),
    ]
