"""Text encoders: the library's own class with small seeded weights, from a folder as save_pretrained writes it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import ByT5Tokenizer, T5Config, T5EncoderModel, T5ForConditionalGeneration

from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.generators.text.encoded import EncodedText
from vtbench.generators.text.encoder import TextEncoder, random_text_encoder, text_encoder
from vtbench.generators.text.folder import FLAN_T5_XL, locate_text_encoder
from vtbench.generators.text.rules import TextRule

WIDTH = 32
RULE = TextRule(length=12)
PROMPTS = ["a cat", "a much longer prompt", ""]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encoder and decoder, as flan-t5-xl is published; texts are cut into bytes."""
    folder = tmp_path_factory.mktemp("owner") / "small-t5"
    sizes: dict[str, Any] = {"d_model": WIDTH, "d_ff": 48, "d_kv": 8, "num_heads": 2, "num_layers": 2}
    config = T5Config(vocab_size=384, num_decoder_layers=1, tie_word_embeddings=False, **sizes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = T5ForConditionalGeneration(config)
    network.save_pretrained(folder)
    ByT5Tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "small-t5"))


def opened(folder: Path, rule: TextRule = RULE) -> TextEncoder:
    return text_encoder(locate_text_encoder(str(folder), WIDTH, "mine"), rule)


@pytest.fixture(scope="module")
def encoder(published: Path) -> TextEncoder:
    return opened(published)


def test_features_are_those_of_the_library(published: Path, encoder: TextEncoder) -> None:
    found = encoder.encode(PROMPTS)
    assert found.features.shape == (3, 12, WIDTH) and found.features.dtype == torch.float32
    assert found.mask.sum(dim=1).tolist() == [6, 12, 1], "the end of the text counts, and twenty bytes are cut"
    tokens = ByT5Tokenizer()(PROMPTS, max_length=12, padding="max_length", truncation=True, return_tensors="pt")
    own = T5EncoderModel.from_pretrained(published).eval()
    with torch.inference_mode():
        wanted = own(**tokens).last_hidden_state
    torch.testing.assert_close(found.features[found.mask], wanted[found.mask], rtol=0, atol=1e-5)


def test_a_prompt_has_the_same_features_in_any_company(encoder: TextEncoder) -> None:
    together = encoder.encode([*PROMPTS, PROMPTS[0]])
    for row, prompt in enumerate([*PROMPTS, PROMPTS[0]]):
        assert torch.equal(encoder.encode([prompt]).features[0], together.features[row])


def test_what_is_filled_up_moves_to_the_front() -> None:
    features = torch.arange(8.0).reshape(1, 4, 2)
    moved = EncodedText(features, torch.tensor([[True, True, True, False]])).aligned_right()
    assert moved.mask.tolist() == [[False, True, True, True]]
    assert moved.features.tolist() == [[[0.0, 0.0], [0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]]
    full = EncodedText(features, torch.ones(1, 4, dtype=torch.bool)).aligned_right()
    assert torch.equal(full.features, features) and bool(full.mask.all())


def test_encoded_texts_are_joined_and_cut(encoder: TextEncoder) -> None:
    whole = encoder.encode(PROMPTS)
    again = whole[:1].joined(whole[1:])
    assert len(again) == 3 and torch.equal(again.features, whole.features) and torch.equal(again.mask, whole.mask)
    assert whole.to(torch.bfloat16).features.dtype == torch.bfloat16


def test_precision_is_the_rules(folder: Path) -> None:
    narrow = opened(folder, TextRule(length=12, precision="bfloat16"))
    assert narrow.encode(["a cat"]).features.dtype == torch.bfloat16
    assert narrow.as_recorded()["text_encoder_dtype"] == "bfloat16"
    with pytest.raises(UsageError, match="must be float32 or bfloat16"):
        TextRule(length=12, precision="int8")  # type: ignore[arg-type]


def test_every_file_that_moves_a_feature_is_recorded(folder: Path, encoder: TextEncoder) -> None:
    assert {"model.safetensors", "tokenizer_config.json"} <= {file.name for file in encoder.weights}
    assert encoder.name.startswith("T5, 2 blocks of 32 channels, files ")
    config = folder / "tokenizer_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "another": 1}))
    assert opened(folder).name != encoder.name


def test_a_folder_of_the_asset_folders_comes_before_the_hub(
    published: Path, encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    for root in (published.parent, published.parent.parent):
        monkeypatch.setenv("VTBENCH_ASSETS", str(root))
        found = locate_text_encoder(f"{published.parent.name}/small-t5", WIDTH, "mine")
        assert text_encoder(found, RULE).name == encoder.name


def test_a_missing_encoder_is_one_paragraph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    with pytest.raises(AssetMissingError) as caught:
        locate_text_encoder(FLAN_T5_XL, 2048, "mine")
    assert caught.value.what.startswith("mine cannot be run without its text encoder: google/flan-t5-xl: ")
    assert "offline" in caught.value.what and "mine,text_encoder=FOLDER" in str(caught.value.hint)
    with pytest.raises(AssetMissingError, match=r"no folder \./nowhere"):
        locate_text_encoder("./nowhere", 2048, "mine")


def test_another_model_is_refused(folder: Path) -> None:
    with pytest.raises(AdapterError, match=r"mine reads text features of 2048 channels; those of .* have 32"):
        locate_text_encoder(str(folder), 2048, "mine")
    config = folder / "config.json"
    config.write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(AdapterError, match="a model of type 'bert', not T5"):
        locate_text_encoder(str(folder), WIDTH, "mine")


def test_a_pickle_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(AssetMissingError, match=r"refused pytorch_model\.bin"):
        locate_text_encoder(str(folder), WIDTH, "mine")


def test_missing_tensors_are_told(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "model.safetensors")
    del state["encoder.block.1.layer.1.DenseReluDense.wo.weight"]
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(AdapterError, match=r"1 tensors are missing \(encoder\.block\.1"):
        opened(folder)


def test_a_tokenizer_of_another_model_or_with_code_of_its_own_is_refused(folder: Path) -> None:
    ByT5Tokenizer(extra_ids=500).save_pretrained(folder)
    with pytest.raises(AdapterError, match="its tokenizer has 759 entries, its network 384"):
        opened(folder)
    file, trace = folder / "tokenizer_config.json", folder / "trace"
    (folder / "mine.py").write_text(f"from pathlib import Path\nPath({str(trace)!r}).touch()\nclass Mine: ...\n")
    file.write_text(json.dumps({"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": ["mine.Mine", None]}}))
    with pytest.raises(AdapterError, match="cannot load a T5 encoder"):
        opened(folder)
    assert not trace.exists()


def test_random_weights_are_told_and_differ_by_seed() -> None:
    one, other = (random_text_encoder(WIDTH, RULE, seed) for seed in (0, 1))
    assert one.notes and one.weights == () and one.encode(["a"]).features.shape == (1, 12, WIDTH)
    assert not torch.equal(one.encode(["a"]).features, other.encode(["a"]).features)
    assert torch.equal(one.encode(["a"]).features, random_text_encoder(WIDTH, RULE, 0).encode(["a"]).features)
