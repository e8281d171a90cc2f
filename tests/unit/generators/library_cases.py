"""What tests of families on classes of transformers share: a text tokenizer of bytes, strong random weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

PROMPTS = ["a red cube", "two dogs and a grey cat", "a red cube"]
SEEDS = torch.tensor([3, 2**62 + 1, 11])


def save_byte_tokenizer(folder: Path, special: Sequence[str]) -> Tokenizer:
    """A ``tokenizer.json`` whose 256 first entries are bytes and the next ones the special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(name, special=True) for name in special])
    made.save(str(folder / "tokenizer.json"))
    return made


def strengthened(model: Any, std: float = 0.4) -> Any:
    """The model with seeded weights so large that every token matters; norms stay, and so does an image tokenizer."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "vqmodel" in name:
                continue
            if weight.ndim > 1:
                weight.copy_(torch.randn(weight.shape, generator=generator) * std)
            elif "norm" not in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) * std / 4)
    return model.eval()
