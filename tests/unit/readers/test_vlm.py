"""The vision-language reader with a real Gemma 3, tiny and seeded, saved and loaded as any checkpoint is."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.core.naming.reference import Reference
from vtbench.readers import READERS
from vtbench.readers.vlm import PROMPT, VisionLanguageReader, gemma3_vtbench

pytest.importorskip("transformers", reason="the reader vlm is an extra")

IMAGE_TOKENS = 4
SPECIAL = (
    "<pad>", "<bos>", "<eos>", "<unk>", "<start_of_image>", "<end_of_image>", "<image_soft_token>", "<turn>", "</turn>",
)  # fmt: skip
WORDS = ("text", "image", "nothing", "original", "language", "words", *(f"w{i}" for i in range(400)))
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<turn>{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<start_of_image>{% else %} {{ part['text'] }}{% endif %}"
    "{% endfor %}</turn>{% endfor %}{% if add_generation_prompt %}<turn>{% endif %}"
)


def save_tiny_gemma3(folder: Path, seed: int = 0) -> None:
    """Gemma 3 with a few thousand weights. Its generation configuration asks for sampling, as the real one does."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        Gemma3Config,
        Gemma3ForConditionalGeneration,
        Gemma3ImageProcessor,
        Gemma3Processor,
        GenerationConfig,
        PreTrainedTokenizerFast,
    )

    vocabulary = {word: index for index, word in enumerate((*SPECIAL, *WORDS))}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        additional_special_tokens=["<turn>", "</turn>"],
        extra_special_tokens={
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
            "image_token": "<image_soft_token>",
        },
    )
    pictures = Gemma3ImageProcessor(size={"height": 28, "width": 28})
    Gemma3Processor(pictures, tokenizer, chat_template=TEMPLATE, image_seq_length=IMAGE_TOKENS).save_pretrained(folder)
    config = Gemma3Config(
        text_config={
            "vocab_size": len(vocabulary),
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 8,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 7,
        },
        mm_tokens_per_image=IMAGE_TOKENS,
        boi_token_index=vocabulary["<start_of_image>"],
        eoi_token_index=vocabulary["<end_of_image>"],
        image_token_index=vocabulary["<image_soft_token>"],
        tie_word_embeddings=False,  # a tied head would mostly repeat the token it was given
    )
    torch.manual_seed(seed)
    model = Gemma3ForConditionalGeneration(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    model.generation_config = GenerationConfig(
        do_sample=True, temperature=1.0, top_k=64, top_p=0.95, eos_token_id=2, pad_token_id=0, bos_token_id=1
    )
    model.save_pretrained(folder)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-gemma3")
    save_tiny_gemma3(folder)
    return folder


@pytest.fixture(scope="module")
def images() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=generator) for size in [(40, 56), (30, 30)]]


def test_decoding_is_greedy_although_the_checkpoint_asks_for_sampling(checkpoint: Path, images: list[Tensor]) -> None:
    assert json.loads((checkpoint / "generation_config.json").read_text())["do_sample"] is True
    reader = VisionLanguageReader(str(checkpoint), max_new_tokens=12)
    first = reader.read(images)
    assert all(result.text for result in first) and first[0] != first[1], "this would show nothing"
    for seed in range(3):
        torch.manual_seed(seed)
        assert reader.read(images) == first
    assert reader.read(images[::-1]) == first[::-1]
    assert VisionLanguageReader(str(checkpoint), max_new_tokens=12).read(images[:1]) == first[:1]


def test_the_checkpoint_would_sample_if_it_were_let(checkpoint: Path) -> None:
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(checkpoint).eval()
    written = set()
    for seed in range(3):
        torch.manual_seed(seed)
        written.add(tuple(model.generate(torch.tensor([[1, 10, 11]]), max_new_tokens=12)[0].tolist()))
    assert len(written) > 1


def test_what_it_writes_is_the_argmax_of_the_model(checkpoint: Path, images: list[Tensor]) -> None:
    """Greedy decoding by hand: one forward pass a token, without a cache."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from vtbench.data.pixels import to_pillow

    steps = 6
    model = AutoModelForImageTextToText.from_pretrained(checkpoint).eval()
    processor = AutoProcessor.from_pretrained(checkpoint)
    content = [{"type": "image", "image": to_pillow(images[0])}, {"type": "text", "text": "words"}]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    written: list[int] = []
    for _ in range(steps):
        with torch.inference_mode():
            token = int(model(**inputs).logits[0, -1].argmax())
        written.append(token)
        if token == processor.tokenizer.eos_token_id:
            break
        for name, value in (("input_ids", token), ("attention_mask", 1), ("token_type_ids", 0)):
            if name in inputs:
                inputs[name] = torch.cat([inputs[name], torch.tensor([[value]])], dim=1)
    expected = processor.tokenizer.decode(written, skip_special_tokens=True)
    reader = VisionLanguageReader(str(checkpoint), prompt="words", max_new_tokens=steps)
    assert expected and reader.read(images[:1])[0].text == expected


def test_the_id_names_weights_and_settings(checkpoint: Path, tmp_path: Path) -> None:
    reader = VisionLanguageReader(str(checkpoint), max_new_tokens=12)
    weights = checkpoint / "model.safetensors"
    assert reader.identity.files[weights.name] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert {"config.json", "generation_config.json", "tokenizer.json"} <= set(reader.identity.files)
    others = [
        VisionLanguageReader(str(checkpoint), max_new_tokens=13),
        VisionLanguageReader(str(checkpoint), max_new_tokens=12, resize=64),
        VisionLanguageReader(str(checkpoint), max_new_tokens=12, prompt="words"),
        VisionLanguageReader(str(checkpoint), max_new_tokens=12, dtype="bfloat16"),
    ]
    other_weights = tmp_path / "other"
    save_tiny_gemma3(other_weights, seed=1)
    others.append(VisionLanguageReader(str(other_weights), max_new_tokens=12))
    assert len({reader.id, *(other.id for other in others)}) == 1 + len(others)
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    assert VisionLanguageReader(str(copy), max_new_tokens=12).id == reader.id


def test_vtbench_preset(checkpoint: Path, images: list[Tensor]) -> None:
    settings = gemma3_vtbench(path=str(checkpoint)).identity.settings
    assert settings == {
        "prompt": PROMPT,
        "resize": 1024,
        "max_new_tokens": 1024,
        "dtype": "bfloat16",
        "decoding": "greedy",
    }
    reader = READERS.create(Reference("gemma3-vtbench", {"path": str(checkpoint)}))
    assert reader._prepare(images[0]).size == (1024, 1024)


def test_bfloat16_runs(checkpoint: Path, images: list[Tensor]) -> None:
    reader = VisionLanguageReader(str(checkpoint), max_new_tokens=4, dtype="bfloat16")
    assert reader.read(images[:1]) == reader.read(images[:1])


def test_a_model_that_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssetMissingError, match="no folder"):
        VisionLanguageReader(str(tmp_path / "nothing"))
    (tmp_path / "pickle").mkdir()
    (tmp_path / "pickle" / "config.json").write_text("{}")
    (tmp_path / "pickle" / "pytorch_model.bin").write_bytes(b"\x80")
    with pytest.raises(AssetMissingError, match="pickle is refused"):
        VisionLanguageReader(str(tmp_path / "pickle"))
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    with pytest.raises(AssetMissingError, match="hf download nobody/no-such-model"):
        VisionLanguageReader("nobody/no-such-model")


def test_a_missing_tensor_is_no_random_one(checkpoint: Path, tmp_path: Path, images: list[Tensor]) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "cut")
    file = folder / "model.safetensors"
    tensors = load_file(file)
    name = next(name for name in tensors if name.endswith("up_proj.weight"))
    save_file({key: value for key, value in tensors.items() if key != name}, file, metadata={"format": "pt"})
    with pytest.raises(AdapterError, match=rf"vlm: {folder} does not fit: 1 tensors are missing .*up_proj\.weight"):
        VisionLanguageReader(str(folder)).read(images[:1])


def test_settings_out_of_range(checkpoint: Path) -> None:
    with pytest.raises(UsageError, match="dtype"):
        VisionLanguageReader(str(checkpoint), dtype="int8")
    with pytest.raises(UsageError, match="max_new_tokens"):
        VisionLanguageReader(str(checkpoint), max_new_tokens=0)
