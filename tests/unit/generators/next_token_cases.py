"""What tests of next-token families have in common: two labels, greedy rows, a card's sizes on the meta device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from vtbench.checkpoints.cards import GeneratorCard, load_generator_cards
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Schedule
from vtbench.generators.sampling.next_token import Prompted, sample_tokens
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.sub_codes import sample_sub_codes

LABELS = torch.tensor([3, 7])
NONE = torch.tensor([10, 10])
BLOCK = {
    "attention.wqkv.weight",
    "attention.wo.weight",
    *(f"feed_forward.w{number}.weight" for number in (1, 2, 3)),
    "attention_norm.weight",
    "ffn_norm.weight",
}
"""Tensors of a block of the Llama kind."""


def greedy(network: Any, guidance: Schedule) -> list[list[int]]:
    """Rows of the likeliest tokens of both labels."""
    settings = SamplerSettings(Filters(greedy=True), guidance)
    with torch.inference_mode():
        tokens, _ = sample_tokens(network, Prompted(LABELS, NONE), settings, torch.arange(2))
    return tokens.tolist()


def cards_of(family: str) -> list[GeneratorCard]:
    """Every card of a family's published networks, by name; those that come in a package have tests of their own."""
    cards = (card for _, card in sorted(load_generator_cards().items()) if card.target == family)
    return [card for card in cards if card.checkpoint is None or not card.checkpoint.package]


def assert_counts(card: GeneratorCard, build: Callable[[], torch.nn.Module]) -> dict[str, torch.Tensor]:
    """The state dict on the meta device, after its elements and tensors were found to be those of the card."""
    with torch.device("meta"):
        state = build().state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters
    assert len(state) == card.tensors
    return state


def greedy_parts(network: Any, guidance: Schedule) -> torch.Tensor:
    """The likeliest sub-codes of both labels, ``int64 [2,N,K]``."""
    settings = SamplerSettings(Filters(greedy=True), guidance)
    with torch.inference_mode():
        codes, _ = sample_sub_codes(network, Prompted(LABELS, NONE), settings, torch.arange(2))
    return codes
