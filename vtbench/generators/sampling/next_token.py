"""The loop of next-token generators: one token after the other in raster order, with a cache of keys and values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from vtbench.core.contracts import SamplingCost
from vtbench.generators.sampling.draws import Draws
from vtbench.generators.sampling.filters import probabilities
from vtbench.generators.sampling.guidance import guided, guided_logits

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vtbench.generators.sampling.settings import SamplerSettings
    from vtbench.networks.key_value_cache import KeyValueCache


class NextTokenHost(Protocol):
    """A network that predicts the next token; positions are counted by the cache.

    Optional: ``ragged = True`` says that it takes a :class:`~vtbench.networks.ragged_cache.RaggedCache`, in which
    sequences stand at different tokens; ``row_length``, the tokens of a row of the image, where they are a grid.
    """

    @property
    def tokens(self) -> int:
        """Tokens of an image."""

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, those of guidance included."""

    def prefill(self, condition: Any, cache: KeyValueCache) -> Tensor:
        """Logits ``[B,V]`` of token 0, given what :class:`Prompted` holds for the batch."""

    def step(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        """Logits ``[B,G,V]``: those at position g are of the token after ``tokens[:, g]``. ``tokens``: ``int64 [B,G]``,
        the next G of each sequence, seen causally."""


class Batched(Protocol):
    """Conditions of a batch that are no single tensor."""

    @property
    def device(self) -> torch.device:
        """Where they lie."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, chosen: slice) -> Any:
        """Some of them."""

    def joined(self, other: Any) -> Any:
        """These, then others."""


@dataclass(frozen=True)
class Prompted:
    """Conditions of a batch as the network takes them, and those that stand for none: tensors ``[B,…]``, or
    :class:`Batched`."""

    conditional: Any
    unconditional: Any

    @property
    def device(self) -> torch.device:
        """Where sampling happens."""
        found: torch.device = self.conditional.device
        return found

    def doubled(self) -> Any:
        """Both halves, the conditional first."""
        import torch

        if isinstance(self.conditional, torch.Tensor):
            return torch.cat([self.conditional, self.unconditional])
        return self.conditional.joined(self.unconditional)

    def rows(self, chosen: slice) -> Prompted:
        """Those of some images."""
        return Prompted(self.conditional[chosen], self.unconditional[chosen])


def sample_tokens(
    host: NextTokenHost, prompted: Prompted, settings: SamplerSettings, seeds: Tensor
) -> tuple[Tensor, SamplingCost]:
    """Tokens ``int64 [B,N]`` of a batch, and what they took.

    Guidance runs both halves in one pass while any later token is guided; then the cache is halved. A strategy among
    the settings takes the place of this loop.

    Args:
        host: in evaluation mode; call it under ``torch.inference_mode``.
        prompted: the conditions.
        settings: all that moves a sample.
        seeds: ``int64 [B]``.
    """
    import torch

    if settings.strategy is not None:
        return settings.strategy.sample(host, prompted, settings, seeds)
    count, batch = host.tokens, len(prompted.conditional)
    strengths = [settings.guidance.strength(token, count) for token in range(count)]
    doubled = guided(strengths)
    shown = prompted.doubled() if doubled else prompted.conditional
    cache = host.make_cache(len(shown))
    bytes_held = cache.nbytes
    draws = settings.draws(seeds, count, shown.device)
    tokens = torch.empty(batch, count, dtype=torch.int64, device=shown.device)
    logits = host.prefill(shown, cache)
    computed = cache.length * len(shown)
    for token in range(count):
        if token:
            if token == doubled:
                cache.halved()
            last, before = tokens[:, token - 1], cache.length
            logits = host.step((last.repeat(2) if token < doubled else last)[:, None], cache)[:, -1]
            computed += (cache.length - before) * len(logits)
        steered = guided_logits(logits, strengths[token]) if token < doubled else logits
        tokens[:, token] = drawn(steered, settings, draws)
    cost = SamplingCost(
        forward_passes=count,
        tokens=count * batch,
        kv_cache_bytes=bytes_held,
        steps=count * batch,
        tokens_computed=computed,
        kv_cache_bytes_at_end=cache.nbytes,
    )
    return tokens, cost


def drawn(logits: Tensor, settings: SamplerSettings, draws: Draws) -> Tensor:
    """Tokens ``int64 [B]`` from guided logits ``[B,V]``."""
    found = probabilities(logits, settings.filters)
    return found.argmax(dim=-1) if settings.filters.greedy else draws.next(found)
