"""Janus against the library's own image generation with the same weights, from a folder that transformers saved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from library_cases import PROMPTS, SEEDS, save_byte_tokenizer, strengthened
from transformers import JanusConfig, JanusForConditionalGeneration

from vtbench.cli.verbs.fetch import fetch
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.generators.published.next_token.janus.adapter import BEGIN, IMAGE, PAD, TEMPLATE, Janus
from vtbench.generators.published.next_token.janus.network import SIZES
from vtbench.generators.resolve import resolve_generator

TINY = SIZES["tiny"]
VQ = "janus-vq,channels=32,multipliers=[1,1],latent_channels=8,codebook_dim=4,codebook_size=32,blocks=1"
CONDITIONS = [Condition(prompt=prompt) for prompt in PROMPTS]


@pytest.fixture(scope="module")
def library() -> Any:
    config = JanusConfig(
        text_config={
            "model_type": "llama",
            "vocab_size": TINY.words,
            "hidden_size": TINY.width,
            "intermediate_size": TINY.hidden,
            "num_hidden_layers": TINY.depth,
            "num_attention_heads": TINY.heads,
        },
        vision_config={
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
            "projection_dim": TINY.width,
            "num_image_tokens": TINY.grid**2,
        },
        vq_config={
            "embed_dim": TINY.code_width,
            "num_embeddings": TINY.vocabulary,
            "projection_dim": TINY.width,
            "image_token_embed_dim": TINY.width,
            "base_channels": 32,
            "channel_multiplier": [1, 1],
            "latent_channels": 8,
            "num_res_blocks": 1,
        },
    )
    torch.manual_seed(0)
    return strengthened(JanusForConditionalGeneration(config))


@pytest.fixture(scope="module")
def folder(library: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("janus")
    library.save_pretrained(made)
    save_byte_tokenizer(made, (BEGIN, PAD, IMAGE))
    return made


def made(folder: Path, *more: str) -> Janus:
    tokenizer = f"{VQ},checkpoint={folder}"
    generator: Janus = resolve_generator(
        ",".join(["janus", "size=tiny", f"checkpoint={folder}", f"tokenizer={tokenizer!r}", *more])
    )
    return generator


def generated(library: Any, folder: Path, prompts: list[str], **how: Any) -> torch.Tensor:
    """Tokens of the library's own loop, from prompts that are padded on the left."""
    from tokenizers import Tokenizer

    words = Tokenizer.from_file(str(folder / "tokenizer.json"))
    special = {name: words.token_to_id(name) for name in (BEGIN, PAD, IMAGE)}
    rows = [words.encode(BEGIN + TEMPLATE.format(prompt) + IMAGE).ids for prompt in prompts]
    length = max(map(len, rows))
    ids = torch.tensor([[special[PAD]] * (length - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows])
    library.generation_config.update(bos_token_id=special[BEGIN], pad_token_id=special[PAD])
    library.generation_config.generation_kwargs = {"boi_token_id": special[IMAGE]}
    filters = {"guidance_scale": 5.0, "top_k": 0, "top_p": 1.0, "temperature": 1.0, **how}
    if not filters.get("do_sample"):
        filters = {"guidance_scale": filters["guidance_scale"]}
    tokens: torch.Tensor = library.generate(ids, attention_mask=mask, generation_mode="image", **filters)
    return tokens


@pytest.mark.parametrize("scale", [5.0, 1.5])
def test_greedy_tokens_are_the_librarys_padded_prompts_included(folder: Path, library: Any, scale: float) -> None:
    generator = made(folder, "greedy=true", f"cfg_scale={scale}")
    codes = generator.sample_codes(CONDITIONS, SEEDS).levels[0].flatten(1)
    told = generated(library, folder, PROMPTS, guidance_scale=scale)
    assert torch.equal(codes, told) and len(codes.unique()) > 3 and not torch.equal(codes[0], codes[1])
    assert torch.equal(
        made(folder, "top_k=1", f"cfg_scale={scale}").sample_codes(CONDITIONS, SEEDS).levels[0].flatten(1), codes
    )


def test_without_guidance_the_prompt_alone_decides(folder: Path) -> None:
    generator = made(folder, "greedy=true", "cfg_scale=1.0")
    codes = generator.sample_codes(CONDITIONS, SEEDS)
    tokens = codes.levels[0].flatten(1)
    with torch.inference_mode():
        logits = generator._network(generator._prompted(CONDITIONS).conditional, tokens[:, :-1])
    assert torch.equal(logits.argmax(dim=-1), tokens)
    told = generator.log_likelihood(CONDITIONS, codes)
    torch.testing.assert_close(told, logits.double().log_softmax(-1).amax(-1), rtol=0, atol=1e-6)
    cost = generator.sampling_cost()
    assert cost is not None and cost.tokens_computed == 3 * (len(generator._prompted(CONDITIONS).conditional[0]) + 15)


def test_greedy_speculation_draws_what_one_token_a_pass_does(folder: Path) -> None:
    plain, faster = made(folder, "greedy=true"), made(folder, "greedy=true", "strategy=sjd", "window=4")
    wanted, found = (one.sample_codes(CONDITIONS, SEEDS).levels[0] for one in (plain, faster))
    cost = faster.sampling_cost()
    assert torch.equal(found, wanted) and cost is not None and cost.steps is not None and cost.steps < 3 * 16


def test_a_drawn_image_is_the_librarys(folder: Path, library: Any) -> None:
    generator = made(folder, "draw=torch-multinomial", "top_k=20", "cfg_scale=2.0")
    codes = generator.sample_codes(CONDITIONS, SEEDS).levels[0].flatten(1)
    for row, prompt, seed in zip(codes, PROMPTS, SEEDS, strict=True):
        torch.manual_seed(int(seed))
        assert torch.equal(
            row[None], generated(library, folder, [prompt], do_sample=True, top_k=20, guidance_scale=2.0)
        )


def test_cached_logits_equal_those_of_one_pass(folder: Path) -> None:
    from vtbench.generators.published.library.padded import PromptedHost

    generator = made(folder)
    condition = generator._prompted(CONDITIONS).doubled()
    tokens = torch.randint(0, TINY.vocabulary, (6, 15), generator=torch.Generator().manual_seed(0))
    host = PromptedHost(generator._network, condition.shape[1])
    with torch.inference_mode():
        cache = host.make_cache(6)
        parts = [host.prefill(condition, cache)[:, None], *(host.step(part, cache) for part in tokens.split(4, dim=1))]
        whole = generator._network(condition, tokens)
        torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=2e-5)
        alone = generator._network(condition[:1, 13:], tokens[:1])
    assert condition[0, 12] == -1 and condition[0, 13] >= 0 and condition[1, 0] >= 0
    torch.testing.assert_close(alone, whole[:1], rtol=0, atol=2e-5)
    assert (
        cache.nbytes == 2 * 2 * 6 * TINY.width * (condition.shape[1] + 15) * 4
        and cache.length == condition.shape[1] + 15
    )


@pytest.mark.parametrize(
    "more", [("cfg_scale=3.0",), ("cfg_scale=1.0",), ("strategy=sjd", "window=4", "cfg_scale=2.0")]
)
def test_an_image_is_the_same_in_any_company(folder: Path, more: tuple[str, ...]) -> None:
    generator = made(folder, *more)
    together = generator.sample_codes(CONDITIONS, SEEDS).levels[0]
    for number in range(3):
        alone = generator.sample_codes(CONDITIONS[number : number + 1], SEEDS[number : number + 1]).levels[0]
        assert torch.equal(alone, together[number : number + 1])
    assert not torch.equal(together[0], together[2])  # one prompt, two seeds


def test_codes_become_the_librarys_pixels_rounded_down(folder: Path, library: Any) -> None:
    generator = made(folder)
    codes = generator.sample_codes(CONDITIONS, SEEDS)
    with torch.inference_mode():
        pixels = library.decode_image_tokens(codes.levels[0].flatten(1)).permute(0, 3, 1, 2).add(1).div(2)
    torch.testing.assert_close(generator.tokenizer.decode(codes), pixels, rtol=0, atol=1e-5)
    images = generator.sample(CONDITIONS, SEEDS)
    assert torch.equal(images, generator.tokenizer.decode(codes).clamp(0, 1).mul(255).floor().div(255))


def test_its_record_tells_the_prompt_and_every_file(folder: Path) -> None:
    info = made(folder, "temperature=0.9").info
    assert (info.name, info.conditions, info.native_size) == ("janus", "prompt", 8)
    assert info.sampler["prompt"] == f"{BEGIN}<|User|>: {{prompt}}\n\n<|Assistant|>:{IMAGE}"
    assert (info.sampler["cfg_scale"], info.sampler["temperature"], info.sampler["top_k"]) == (5.0, 0.9, 0)
    assert [weight.name for weight in info.weights] == ["model.safetensors", "model.safetensors", "tokenizer.json"]


def test_the_authors_own_names_are_read(folder: Path, tmp_path: Path) -> None:
    state = safetensors.torch.load_file(folder / "model.safetensors")
    names = {
        "model.language_model.": "language_model.model.",
        "model.generation_embeddings.": "gen_embed.",
        "model.generation_aligner.fc1.": "gen_aligner.layers.0.",
        "model.generation_aligner.hidden_layers.0.": "gen_aligner.layers.2.",
        "model.generation_head.proj_out.": "gen_head.output_mlp_projector.",
        "model.generation_head.": "gen_head.",
    }
    theirs = {}
    for name, tensor in state.items():
        old = next((old for old in names if name.startswith(old)), None)
        if old is not None:
            theirs[names[old] + name.removeprefix(old)] = tensor
    theirs |= {
        "language_model.lm_head.weight": torch.zeros(2),
        "gen_vision_model.quantize.embedding.weight": torch.zeros(2),
    }
    file = tmp_path / "pytorch_model.bin"
    torch.save(theirs, file)
    shutil.copy(folder / "tokenizer.json", tmp_path)
    tokenizer = f"{VQ},checkpoint={folder}"
    found = resolve_generator(f"janus,size=tiny,checkpoint={file},tokenizer={tokenizer!r}")
    assert all(map(torch.equal, found._network.state_dict().values(), made(folder)._network.state_dict().values()))


def test_what_it_does_not_take_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="janus needs a prompt") as caught:
        made(folder).sample([Condition(label=3)], SEEDS[:1])
    assert "name a task of prompts" in str(caught.value.hint)
    with pytest.raises(AssetMissingError, match="nowhere does not exist"):
        resolve_generator("janus-pro-1b,checkpoint=./nowhere")
    with pytest.raises(UsageError, match="janus has no weights of its own"):
        resolve_generator("janus")
    shutil.copy(folder / "model.safetensors", tmp_path)
    with pytest.raises(AssetMissingError, match=r"without its text tokenizer: .*tokenizer\.json is not there"):
        made(tmp_path)
    save_byte_tokenizer(tmp_path, (BEGIN, IMAGE))
    with pytest.raises(AdapterError, match="has no token"):
        made(tmp_path)
    save_byte_tokenizer(tmp_path, (BEGIN, PAD, IMAGE, *(f"<{number}>" for number in range(70))))
    with pytest.raises(AdapterError, match="has 329 entries, the network 320"):
        made(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(AdapterError, match="is no text tokenizer"):
        made(tmp_path)
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    with pytest.raises(AssetMissingError, match=r"janus-pro-7b cannot be run without its text tokenizer: .*offline"):
        resolve_generator("janus-pro-7b")


def test_the_folder_of_a_card_is_found_and_read_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "janus-pro-1b")
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    tokenizer = f"{VQ},checkpoint={folder}"
    info = resolve_generator(f"janus-pro-1b,size=tiny,tokenizer={tokenizer!r}").info
    assert (info.name, info.licence, info.sampler["cfg_scale"]) == ("janus-pro-1b", "DeepSeek Model", 5.0)
    file = tmp_path / "janus-pro-1b/model.safetensors"
    state = safetensors.torch.load_file(file)
    safetensors.torch.save_file({name: state[name] for name in state if "generation_head" not in name}, file)
    with pytest.raises(AdapterError, match=r"4 of 29 tensors are missing \(generation_head"):
        resolve_generator(f"janus-pro-1b,size=tiny,tokenizer={tokenizer!r}")


def test_shards_are_fetched_and_read_whole_or_not_at_all(
    library: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "deepseek-community/Janus-Pro-7B"
    library.save_pretrained(home, max_shard_size="60KB")
    save_byte_tokenizer(home, (BEGIN, PAD, IMAGE))
    shards = sorted(file.name for file in home.glob("model-*.safetensors"))
    (tmp_path / "janus-pro.safetensors").write_bytes(b"its tokenizer")
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    fetch(["janus-pro-7b"], json=True)
    rows = {row["asset"]: row["path"] for row in json.loads(capsys.readouterr().out)}
    assert rows == {"janus-pro": str(tmp_path / "janus-pro.safetensors"), "janus-pro-7b": str(home)} and len(shards) > 1
    tokenizer = f"{VQ},checkpoint={folder}"
    generator = resolve_generator(f"janus-pro-7b,size=tiny,tokenizer={tokenizer!r}")
    assert [weight.name for weight in generator.info.weights] == [*shards, "model.safetensors", "tokenizer.json"]
    whole = made(folder)._network.state_dict()
    assert all(torch.equal(tensor, whole[name]) for name, tensor in generator._network.state_dict().items())
    (home / shards[0]).unlink()
    with pytest.raises(AdapterError, match=shards[0]):
        resolve_generator(f"janus-pro-7b,size=tiny,tokenizer={tokenizer!r}")
