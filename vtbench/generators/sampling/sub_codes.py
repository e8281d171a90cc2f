"""The loop of generators whose tokens are drawn in parts: a position is seen once, and its K sub-codes are drawn one by
one from what an inner model makes of it, alike for heads that know nothing of one another and for a stack of blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from vtbench.core.contracts import SamplingCost
from vtbench.core.errors import UsageError
from vtbench.generators.sampling.guidance import guided, guided_logits
from vtbench.generators.sampling.next_token import Prompted, drawn

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.draws import Draws
    from vtbench.generators.sampling.settings import SamplerSettings
    from vtbench.networks.key_value_cache import KeyValueCache


class InnerModel(Protocol):
    """What is to be drawn at one position, of every sequence of a batch."""

    @property
    def nbytes(self) -> int:
        """Of what it keeps of the sub-codes drawn so far."""

    def logits(self, part: int, last: Tensor | None) -> Tensor:
        """Logits ``[B,V]`` of sub-code ``part``; called for parts 0 to K-1 in order, each with the sub-code
        ``int64 [B]`` that was drawn last, ``None`` for the first."""


class SubCodeHost(Protocol):
    """A network that predicts the sub-codes of the next token; positions are counted by the cache."""

    @property
    def tokens(self) -> int:
        """Tokens of an image."""

    @property
    def sub_codes(self) -> int:
        """K: sub-codes of a token."""

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, those of guidance included."""

    def prefill(self, condition: Any, cache: KeyValueCache) -> Tensor:
        """What stands for token 0, ``[B,width]``, given what :class:`.next_token.Prompted` holds for the batch."""

    def step(self, codes: Tensor, cache: KeyValueCache) -> Tensor:
        """The next G tokens ``int64 [B,G,K]`` to what stands for those after each, ``[B,G,width]``."""

    def inner(self, hidden: Tensor) -> InnerModel:
        """The inner model of one token, given what stands for it, ``[B,width]``."""


def sample_sub_codes(
    host: SubCodeHost, prompted: Prompted, settings: SamplerSettings, seeds: Tensor
) -> tuple[Tensor, SamplingCost]:
    """Sub-codes ``int64 [B,N,K]`` of a batch, and what they took: passes and tokens are counted by position.

    Guidance runs both halves in one pass while any later sub-code is guided; then the cache is halved.

    Args:
        host: in evaluation mode; call it under ``torch.inference_mode``.
        prompted: the conditions.
        settings: all that moves a sample; ``further`` are those of the second sub-code and of those behind it.
        seeds: ``int64 [B]``.

    Raises:
        UsageError: a strategy, which works on whole tokens.
    """
    import torch

    if settings.strategy is not None:
        raise UsageError("tokens that are drawn in parts take no strategy", "leave strategy= out")
    count, parts, batch = host.tokens, host.sub_codes, len(prompted.conditional)
    each = [settings.part(part) for part in range(parts)]
    strengths = [[one.guidance.strength(token, count) for one in each] for token in range(count)]
    doubled = max(guided(course) for course in zip(*strengths, strict=True))
    shown = prompted.doubled() if doubled else prompted.conditional
    cache = host.make_cache(len(shown))
    draws = settings.draws(seeds, count * parts, shown.device)
    codes = torch.empty(batch, count, parts, dtype=torch.int64, device=shown.device)
    hidden, held, computed = host.prefill(shown, cache), 0, len(shown)
    bytes_held = cache.nbytes
    for token in range(count):
        both = token < doubled
        if token:
            if token == doubled:
                cache.halved()
            last = codes[:, token - 1]
            hidden = host.step(_repeated(last, both)[:, None], cache)[:, -1]
            computed += len(hidden)
        inner = host.inner(hidden)
        codes[:, token] = _one_token(inner, each, strengths[token] if both else None, draws)
        held = max(held, inner.nbytes)
    cost = SamplingCost(
        forward_passes=count,
        tokens=count * batch,
        kv_cache_bytes=bytes_held + held,
        steps=count * batch,
        tokens_computed=computed,
        kv_cache_bytes_at_end=cache.nbytes + inner.nbytes,
    )
    return codes, cost


def _one_token(
    inner: InnerModel, each: Sequence[SamplerSettings], strengths: Sequence[float] | None, draws: Draws
) -> Tensor:
    """Sub-codes ``int64 [B,K]``; ``strengths`` are those of guidance, ``None`` where the batch is not doubled."""
    import torch

    found: list[Tensor] = []
    for part, settings in enumerate(each):
        logits = inner.logits(part, _repeated(found[-1], strengths is not None) if found else None)
        steered = logits if strengths is None else guided_logits(logits, strengths[part])
        found.append(drawn(steered, settings, draws))
    return torch.stack(found, dim=-1)


def _repeated(codes: Tensor, both: bool) -> Tensor:
    """For both halves of a guided batch."""
    return codes.repeat(2, *[1] * (codes.ndim - 1)) if both else codes
