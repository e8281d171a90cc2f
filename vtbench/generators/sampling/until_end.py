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
        end: the token that ends one.
        device: where it runs.
        bytes_a_position: of the cache, a sequence.
    """

    end: int
    device: torch.device
    bytes_a_position: int

    def make_cache(self) -> Any:
        """An empty cache."""

    def step(self, tokens: Tensor, cache: Any) -> Tensor:
        """The next T tokens of each sequence, ``int64 [B,T]``, to the logits ``[B,V]`` of the one after them."""

    def keep(self, cache: Any, rows: Tensor) -> None:
        """Go on with those sequences alone, ``int64 [A]``."""


def sample_until_end(
    host: EndingHost, starts: Tensor, settings: SamplerSettings, seeds: Tensor, most: int
) -> tuple[Sequence[Tensor], SamplingCost]:
    """Tokens ``int64 [N]`` of each image, without those it starts with and its end's, and what they took.

    The first token is never the end's, as transformers' ``min_new_tokens=1`` has it.

    Args:
        host: in evaluation mode; call it under ``torch.inference_mode``.
        starts: ``int64 [B,T]``, what each sequence begins with; all are equally long.
        settings: all that moves a sample; of an unconditional generator, so that its guidance is not used.
        seeds: ``int64 [B]``.
        most: tokens drawn for an image, its end's included.
    """
    import torch

    (batch, begun), device = starts.shape, host.device
    cache = host.make_cache()
    draws = settings.draws(seeds, most, device)
    tokens = torch.full((batch, most), host.end, dtype=torch.int64, device=device)
    lengths, alive = torch.full((batch,), most, device=device), torch.arange(batch, device=device)
    fed, drawn_in_all, computed, held, now = starts.to(device), 0, 0, 0, 0
    for at in range(most):
        logits = host.step(fed, cache)
        drawn_in_all, computed = drawn_in_all + len(alive), computed + fed.numel()
        now = len(alive) * (begun + at)
        held = max(held, now)
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
        fed = last[:, None]
    cost = SamplingCost(
        forward_passes=at + 1,
        tokens=drawn_in_all,
        kv_cache_bytes=held * host.bytes_a_position,
        steps=drawn_in_all,
        tokens_computed=computed,
        kv_cache_bytes_at_end=now * host.bytes_a_position,
    )
    return [row[:length] for row, length in zip(tokens, lengths.tolist(), strict=True)], cost
