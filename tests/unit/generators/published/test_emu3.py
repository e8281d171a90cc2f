"""Emu3 against the library's own generation with the same weights and its function of allowed tokens."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from library_cases import PROMPTS, SEEDS, save_byte_tokenizer, strengthened
from tokenizers import Tokenizer
from transformers import Emu3Config, Emu3ForConditionalGeneration

from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.library.padded import PromptedHost
from vtbench.generators.published.next_token.emu3.adapter import (
    BEGIN,
    IMAGE,
    NEGATIVE,
    POSITIVE,
    ROW_END,
    SIZE_END,
    Emu3,
)
from vtbench.generators.published.next_token.emu3.network import SIZES, Grammar
from vtbench.generators.resolve import resolve_generator

TINY, GRID = SIZES["tiny"], 4
VQ = "emu3-vq,channels=32,multipliers=[1,1],codebook_size=32,blocks=1"
CONDITIONS = [Condition(prompt=prompt) for prompt in PROMPTS]
ENDS = ("<|extra_201|>", "<|image end|>", "<|extra_204|>", "<|endoftext|>", "<image>")
SPECIAL = (BEGIN, IMAGE, SIZE_END, ROW_END, *ENDS, *(f"<|visual token {code:06d}|>" for code in range(32)))
WORDS = ("suffix=' bright'", "negative=dull")


@pytest.fixture(scope="module")
def library() -> Any:
    text = {"hidden_size": TINY.width, "intermediate_size": TINY.hidden, "num_hidden_layers": TINY.depth}
    heads = {"num_attention_heads": TINY.heads, "num_key_value_heads": TINY.key_heads, "vocab_size": TINY.words}
    vq = {"base_channels": 32, "channel_multiplier": [1, 1], "num_res_blocks": 1, "codebook_size": TINY.vocabulary}
    config = Emu3Config(
        text_config={**text, **heads, "pad_token_id": 0, "bos_token_id": 256, "eos_token_id": 262},
        vq_config={**vq, "attn_resolutions": [1], "hidden_size": 32},
        vocabulary_map={name: 256 + at for at, name in enumerate(SPECIAL)},
    )
    torch.manual_seed(0)
    return strengthened(Emu3ForConditionalGeneration(config))


@pytest.fixture(scope="module")
def folder(library: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("emu3")
    library.save_pretrained(made)
    save_byte_tokenizer(made, SPECIAL)
    return made


def made(folder: Path, *more: str) -> Emu3:
    tokenizer = f"{VQ},checkpoint={folder}"
    named = ["emu3", "size=tiny", f"grid={GRID}", f"checkpoint={folder}", f"tokenizer={tokenizer!r}"]
    generator: Emu3 = resolve_generator(",".join([*named, *WORDS, *more]))
    return generator


def allowed(words: Tokenizer) -> Any:
    """Rows of image tokens with their ends, then the ends of the image, as Emu3's grammar has them."""
    size_end, row_end, *ends = (words.token_to_id(name) for name in (SIZE_END, ROW_END, *ENDS[:3]))
    codes = [words.token_to_id(name) for name in SPECIAL[-TINY.vocabulary :]]

    def among(_: int, ids: torch.Tensor) -> list[int]:
        behind = len(ids) - int((ids == size_end).nonzero()[0, 0])
        over = behind - (GRID + 1) * GRID
        if over > 0:
            return [ends[min(over, 3) - 1]]
        return [row_end] if behind % (GRID + 1) == 0 else codes

    return among


def generated(library: Any, folder: Path, scale: float) -> torch.Tensor:
    """Ids ``[3,N]`` of the library's own greedy loop behind prompts that are padded on the left."""
    words = Tokenizer.from_file(str(folder / "tokenizer.json"))
    behind = f"{IMAGE}{GRID}*{GRID}{SIZE_END}"
    rows = [words.encode(f"{BEGIN}{prompt} bright{behind}").ids for prompt in PROMPTS]
    length, negative = max(map(len, rows)), torch.tensor([words.encode(f"{BEGIN}dull{behind}").ids] * len(rows))
    ids = torch.tensor([[0] * (length - len(row)) + row for row in rows])
    output = library.generate(
        ids,
        attention_mask=torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows]),
        guidance_scale=scale,
        negative_prompt_ids=negative,
        negative_prompt_attention_mask=torch.ones_like(negative),
        prefix_allowed_tokens_fn=allowed(words),
        do_sample=False,
        max_new_tokens=GRID * (GRID + 1) + 3,
    )
    new: torch.Tensor = output[:, length:]
    return new


@pytest.mark.parametrize("scale", [3.0, 1.0])
def test_greedy_images_are_the_librarys_padded_prompts_included(folder: Path, library: Any, scale: float) -> None:
    generator = made(folder, "greedy=true", f"cfg_scale={scale}")
    codes = generator.sample_codes(CONDITIONS, SEEDS)
    told = generated(library, folder, scale)
    rows = told[:, : GRID * (GRID + 1)].view(-1, GRID, GRID + 1)
    assert torch.equal(codes.levels[0], rows[..., :-1] - (256 + len(SPECIAL) - TINY.vocabulary))
    assert set(rows[..., -1].flatten().tolist()) == {259} and told[0, -3:].tolist() == [260, 261, 262]
    assert len(codes.levels[0].unique()) > 5 and not torch.equal(codes.levels[0][0], codes.levels[0][1])
    likeliest = made(folder, "top_k=1", f"cfg_scale={scale}").sample_codes(CONDITIONS, SEEDS)
    assert torch.equal(likeliest.levels[0], codes.levels[0])
    with torch.inference_mode():
        pixels = library.decode_image_tokens(image_tokens=told, height=GRID, width=GRID).add(1).div(2)
    torch.testing.assert_close(generator.tokenizer.decode(codes), pixels, rtol=0, atol=1e-5)
    rounded = pixels.clamp(0, 1).mul(255).floor().div(255)
    assert (generator.sample(CONDITIONS, SEEDS) - rounded).abs().max() < 1.01 / 255


def test_cached_logits_equal_those_of_one_pass(folder: Path) -> None:
    generator = made(folder)
    condition = generator._prompted(CONDITIONS).doubled()
    tokens = torch.randint(0, TINY.vocabulary, (6, 15), generator=torch.Generator().manual_seed(0))
    host = PromptedHost(generator._network, condition.shape[1])
    with torch.inference_mode():
        cache = host.make_cache(6)
        parts = [host.prefill(condition, cache)[:, None], *(host.step(part, cache) for part in tokens.split(6, dim=1))]
        whole = generator._network(condition, tokens)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=2e-5)
    assert cache.length == condition.shape[1] + 15 + 3
    assert (
        cache.nbytes == 2 * 2 * 6 * 2 * 8 * cache.length * 4
    )  # layers, both, sequences, heads, width, positions, bytes


def test_rows_end_where_they_are_full() -> None:
    grammar = Grammar(grid=3, first=10, row_end=7)
    ids, kept = grammar.written(torch.tensor([[0, 1, 2, 0]]), before=1)
    assert ids.tolist() == [[10, 11, 7, 12, 10]] and kept == [0, 2, 3, 4]
    assert [grammar.tokens_in(fed) for fed in (0, 1, 2, 4, 5, 6, 8)] == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("scale", [3.0, 1.0])
def test_an_image_is_the_same_in_any_company(folder: Path, scale: float) -> None:
    generator = made(folder, f"cfg_scale={scale}", "top_k=0")
    together = generator.sample_codes(CONDITIONS, SEEDS).levels[0]
    cost = generator.sampling_cost()
    for number in range(3):
        alone = generator.sample_codes(CONDITIONS[number : number + 1], SEEDS[number : number + 1]).levels[0]
        assert torch.equal(alone, together[number : number + 1])
    assert not torch.equal(together[0], together[2])  # one prompt, two seeds
    rows, prompt = 3 * (1 + (scale != 1)), generator._prompted(CONDITIONS).conditional.shape[1]
    assert cost is not None and cost.tokens_computed == rows * (prompt + 15 + 3)


def test_its_record_tells_the_prompts_and_the_authors_settings(folder: Path) -> None:
    tokenizer = f"{VQ},checkpoint={folder}"
    info = resolve_generator(f"emu3,size=tiny,grid={GRID},checkpoint={folder},tokenizer={tokenizer!r}").info
    behind = f"{IMAGE}4*4{SIZE_END}"
    assert info.sampler["prompt"] == f"{BEGIN}{{prompt}}{POSITIVE}{behind}"
    assert info.sampler["unconditional_prompt"] == f"{BEGIN}{NEGATIVE}{behind}"
    assert (info.sampler["cfg_scale"], info.sampler["top_k"], info.conditions) == (3.0, 2048, "prompt")


def test_names_of_older_files_are_read(folder: Path, tmp_path: Path) -> None:
    state = safetensors.torch.load_file(folder / "model.safetensors")
    wanted = made(folder)._network.state_dict()
    shutil.copy(folder / "tokenizer.json", tmp_path)
    for old in (
        {"model.text_model.": "text_model.model.", "lm_head.": "text_model.lm_head."},
        {"model.text_model.": "model."},
    ):
        renamed = {}
        for name, tensor in state.items():
            start = next((start for start in old if name.startswith(start)), "")
            renamed[old[start] + name.removeprefix(start) if start else name.removeprefix("model.")] = tensor
        safetensors.torch.save_file(renamed, tmp_path / "model.safetensors")
        found = made(tmp_path)._network.state_dict()
        assert list(found) == list(wanted) and all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_what_it_does_not_take_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="emu3 needs a prompt"):
        made(folder).sample([Condition(label=3)], SEEDS[:1])
    with pytest.raises(UsageError, match="draw"):
        made(folder, "draw=torch-multinomial")
    shutil.copy(folder / "model.safetensors", tmp_path)
    save_byte_tokenizer(tmp_path, (*SPECIAL[:-1], "<more>", SPECIAL[-1]))
    with pytest.raises(AdapterError, match=r"image tokens are expected side by side; .* at 265 and .* at 297"):
        made(tmp_path)
