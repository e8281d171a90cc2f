"""The loop of generators whose images differ in length: each sequence goes on until its end token, or as far as it may.

All sequences stand at the same position; one that has ended leaves the batch, and the cache with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from vtbench.core.contracts import SamplingCost
from vtbench.generators.sampling.next_token import drawn

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vtbench.generators.sampling.settings import SamplerSettings


class EndingHost(Protocol):
    """A network that predicts the next token of sequences of any length.

    Attributes:
        begin: the token that each begins with.
        end: the one that ends it.
        device: where it runs.
        bytes_a_position: of the cache, a sequence.
    """

    begin: int
    end: int
    device: torch.device
    bytes_a_position: int

    def make_cache(self) -> Any:
        """An empty cache."""

    def step(self, tokens: Tensor, cache: Any) -> Tensor:
        """The next token of each sequence, ``int64 [B]``, to the logits ``[B,V]`` of the one after it."""

    def keep(self, cache: Any, rows: Tensor) -> None:
        """Go on with those sequences alone, ``int64 [A]``."""


def sample_until_end(
    host: EndingHost, settings: SamplerSettings, seeds: Tensor, most: int
) -> tuple[Sequence[Tensor], SamplingCost]:
    """Tokens ``int64 [N]`` of each image, without those of beginning and end, and what they took.

    The first token is never the end's, as transformers' ``min_new_tokens=1`` has it.

    Args:
        host: in evaluation mode; call it under ``torch.inference_mode``.
        settings: all that moves a sample; of an unconditional generator, so that its guidance is not used.
        seeds: ``int64 [B]``.
        most: tokens of an image, its end's included.
    """
    import torch

    batch, device = len(seeds), host.device
    cache = host.make_cache()
    draws = settings.draws(seeds, most, device)
    tokens = torch.full((batch, most), host.end, dtype=torch.int64, device=device)
    lengths, alive = torch.full((batch,), most, device=device), torch.arange(batch, device=device)
    last, computed, held = torch.full((batch,), host.begin, device=device), 0, 0
    for at in range(most):
        logits = host.step(last, cache)
        computed, held = computed + len(alive), max(held, len(alive) * (at + 1))
        if at == 0:
            logits[:, host.end] = -torch.inf
        # every sequence keeps its place among the draws, whether or not it has ended
        everywhere = logits.new_zeros(batch, logits.shape[1]).index_copy(0, alive, logits)
        last = drawn(everywhere, settings, draws)[alive]
        tokens[alive, at] = last
        ended = last == host.end
        if ended.any():
            lengths[alive[ended]] = at
            rows = (~ended).nonzero()[:, 0]
            alive, last = alive[rows], last[rows]
            if not len(alive):
                break
            host.keep(cache, rows)
    cost = SamplingCost(
        forward_passes=at + 1,
        tokens=computed,
        kv_cache_bytes=held * host.bytes_a_position,
        steps=computed,
        tokens_computed=computed,
    )
    return [row[:length] for row, length in zip(tokens, lengths.tolist(), strict=True)], cost
