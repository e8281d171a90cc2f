"""DiGIT's decoders against sequences that its own modules (DAMO-NLP-SG/DiGIT, cd6d8ca, on fairseq's) made."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from next_token_cases import LABELS, cards_of
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.core.seeds import sample_seed
from vtbench.generators.published.next_token.digit.adapter import SECOND, Digit
from vtbench.generators.published.next_token.digit.network import DigitDecoder, sizes
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_token import Prompted, sample_tokens
from vtbench.generators.sampling.settings import SamplerSettings

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
BOTH = sizes("tiny", 10)
FEATURES = "40 24 45 13 13 13 34 13 34 24 13 34 13 34 8 27 | 35 13 34 8 39 47 2 34 24 13 34 24 13 34 8 27"
PIXELS = "27 15 21 5 17 5 17 5 17 5 17 5 17 5 17 5 | 27 15 21 20 5 17 5 17 5 17 5 17 5 17 5 17"
TOKENIZER = Digit.shrunken["tokenizer"]


@pytest.fixture(scope="module")
def features() -> DigitDecoder:
    made: DigitDecoder = filled(DigitDecoder(BOTH.features))
    return made


@pytest.fixture(scope="module")
def pixels() -> DigitDecoder:
    made: DigitDecoder = filled(DigitDecoder(BOTH.pixels))
    return made


def greedy(network: DigitDecoder, condition: torch.Tensor) -> list[list[int]]:
    settings = SamplerSettings(Filters(greedy=True))
    with torch.inference_mode():
        found, _ = sample_tokens(network, Prompted(condition, condition), settings, torch.arange(len(condition)))
    rows: list[list[int]] = found.tolist()
    return rows


def test_greedy_sequences_of_both_decoders_are_the_authors(features: DigitDecoder, pixels: DigitDecoder) -> None:
    assert greedy(features, LABELS) == sequences(FEATURES)
    assert greedy(pixels, torch.tensor(sequences(FEATURES))) == sequences(PIXELS)


@pytest.mark.parametrize("which", ["features", "pixels"])
def test_a_cache_changes_no_logits(which: str, request: pytest.FixtureRequest) -> None:
    network: DigitDecoder = request.getfixturevalue(which)
    condition = LABELS if which == "features" else torch.tensor(sequences(FEATURES))
    given = torch.tensor(sequences(FEATURES if which == "features" else PIXELS))[:, :-1]
    with torch.inference_mode():
        whole = network(condition, given)
        cache = network.make_cache(2)
        steps = [network.prefill(condition, cache)]
        steps += [network.step(given[:, at : at + 1], cache)[:, -1] for at in range(15)]
    assert cache.length == cache.storage.shape[4], "the cache is as long as what is fed"
    torch.testing.assert_close(torch.stack(steps, dim=1), whole, rtol=0, atol=1e-4)
    assert whole.shape == (2, 16, network.geometry.codes)


def test_norms_stand_behind_in_the_first_and_before_in_the_second(features: DigitDecoder, pixels: DigitDecoder) -> None:
    own = {"embed_tokens.weight", "embed_positions.weight", "output_projection.weight"}
    second = own | {"embed_positions_1.weight", "layer_norm.weight", "layer_norm.bias"}
    for network, wanted in ((features, own), (pixels, second)):
        assert {name for name in network.state_dict() if not name.startswith("layers.")} == wanted
    parts = (*(f"self_attn.{name}_proj" for name in "kvq"), "self_attn.out_proj", "fc1", "fc2")
    parts = (*parts, "self_attn_layer_norm", "final_layer_norm")
    found = {name.split(".", 2)[2] for name in features.state_dict() if name.startswith("layers.")}
    assert found == {f"{part}.{kind}" for part in parts for kind in ("weight", "bias")}


@pytest.mark.parametrize("card", cards_of("digit"), ids=lambda card: card.name)
def test_published_sizes_have_the_counts_of_their_cards(card: GeneratorCard) -> None:
    both = sizes("base", 1000 if card.conditions == "class" else 0)
    with torch.device("meta"):
        first, second = (DigitDecoder(one).state_dict() for one in (both.features, both.pixels))
    counts = [sum(tensor.numel() for tensor in state.values()) for state in (first, second)]
    assert sum(counts) == card.parameters and len(first) + len(second) == card.tensors
    assert (counts[1], len(second)) == (SECOND.parameters, SECOND.tensors)
    assert counts[0] // 10**6 in (219, 220)  # the authors' 219 M
    assert first["embed_tokens.weight"].shape[0] == 8192 + 5 + (1000 if card.conditions == "class" else 0)


@pytest.fixture(scope="module")
def tiny() -> Digit:
    return Digit.random(**Digit.shrunken, top_k=20, pixel_top_p=0.8)


def test_each_decoder_draws_from_a_stream_of_its_own(tiny: Digit) -> None:
    seeds = torch.tensor([5, 6])
    codes = tiny.sample_codes([Condition()] * 2, seeds).levels[0].flatten(1)
    zeros, settings = torch.zeros(2, dtype=torch.int64), tiny._identity.settings
    own = torch.tensor([sample_seed(seed, "pixels") for seed in (5, 6)])
    with torch.inference_mode():
        first, _ = sample_tokens(tiny._network["features"], Prompted(zeros, zeros), settings.part(0), seeds)
        second, _ = sample_tokens(tiny._network["pixels"], Prompted(first, first), settings.part(1), own)
    assert torch.equal(codes, second) and int(codes.max()) < 32 <= int(first.max())
    cost = tiny.sampling_cost()
    assert cost is not None and (cost.forward_passes, cost.tokens) == (32, 64)
    shares = cost.models
    assert [(name, one.forward_passes) for name, one in shares.items()] == [("features", 16), ("pixels", 16)]
    assert cost.weight_bytes == sum(one.weight_bytes or 0 for one in shares.values()) >= 4 * tiny.info.parameters
    assert cost.kv_cache_bytes == max(one.kv_cache_bytes for one in shares.values())
    recorded = tiny.info.sampler
    assert recorded["top_k"] == [20, 0] and recorded["top_p"] == [1.0, 0.8] and recorded["temperature"] == 1.0
    assert tiny.info.conditions == "none" and "features" in recorded["parts"]


def test_a_class_stands_at_the_beginning_where_it_is_asked_for() -> None:
    made = Digit.random(**Digit.shrunken, class_conditional=True)
    assert made.info.conditions == "class" and made.info.classes == 1000
    with pytest.raises(UsageError, match="has no class 1000"):
        made.sample_codes([Condition(label=1000)], torch.tensor([0]))


def test_both_files_are_read_strictly(tmp_path: Path) -> None:
    """As fairseq saves: the decoder beside the networks that made its codes."""
    states = [DigitDecoder(one).state_dict() for one in (sizes("tiny", 0).features, BOTH.pixels)]
    files = [tmp_path / "first.pt", tmp_path / "second.pt"]
    for state, file in zip(states, files, strict=True):
        beside = {"centroids": torch.zeros(3), "vqgan.decoder.conv_in.weight": torch.zeros(2)}
        named = {f"decoder.{name}": tensor.half() for name, tensor in state.items()}
        model = {**named, **beside, "decoder.version": torch.tensor([3.0])}
        torch.save({"model": model, "args": None, "extra_state": {"epoch": 3}}, file)
    named_files = f"digit,size=tiny,tokenizer='{TOKENIZER}',checkpoint={files[0]},pixels={files[1]}"
    made = resolve_generator(named_files)
    kept = states[1]["embed_positions_1.weight"].half().float()
    assert torch.equal(made._network["pixels"].embed_positions_1.weight, kept)
    assert [weight.name for weight in made.info.weights] == ["first.pt", "second.pt"]
    assert made.info.revision.count("+") == 1
    with pytest.raises(AdapterError, match="does not fit"):
        resolve_generator(named_files.replace("second.pt", "first.pt"))


def test_a_second_decoder_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    file = tmp_path / "first.pt"
    state = DigitDecoder(sizes("tiny", 0).features).state_dict()
    torch.save({f"decoder.{name}": tensor for name, tensor in state.items()}, file)
    with pytest.raises(AssetMissingError, match="digit-base-pixels"):
        resolve_generator(f"digit,size=tiny,tokenizer='{TOKENIZER}',checkpoint={file}")
