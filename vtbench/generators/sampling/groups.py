"""The loop of generators that draw several tokens a pass, in an order of groups, with a cache of keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from vtbench.core.contracts import SamplingCost
from vtbench.generators.sampling.guidance import guided, guided_logits
from vtbench.generators.sampling.next_token import Prompted, drawn

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.orders import DecodingOrder
    from vtbench.generators.sampling.settings import SamplerSettings
    from vtbench.networks.key_value_cache import KeyValueCache


class GroupHost(Protocol):
    """A network that predicts all tokens of the next group of its order at once, each by itself."""

    @property
    def order(self) -> DecodingOrder:
        """Of the tokens of an image."""

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, those of guidance included."""

    def prefill(self, condition: Any, cache: KeyValueCache) -> Tensor:
        """Logits ``[B,G,V]`` of the first group, given what :class:`Prompted` holds for the batch."""

    def step(self, tokens: Tensor, group: int, cache: KeyValueCache) -> Tensor:
        """Logits ``[B,G,V]`` of the group of that number, which is 1 or more. ``tokens``: ``int64 [B,F]``, the group
        before it, in its order."""


def sample_groups(
    host: GroupHost, prompted: Prompted, settings: SamplerSettings, seeds: Tensor
) -> tuple[Tensor, SamplingCost]:
    """Tokens ``int64 [B,N]`` of a batch, each at its position, and what they took.

    Guidance is as strong for a group as for the token that would be its first one by one. Both halves run in one pass
    while any later group is guided; then the cache is halved.

    Args:
        host: in evaluation mode; call it under ``torch.inference_mode``.
        prompted: the conditions.
        settings: all that moves a sample.
        seeds: ``int64 [B]``.
    """
    import torch

    order, batch = host.order, len(prompted.conditional)
    strengths = [settings.guidance.strength(before, order.tokens) for before in order.before()]
    doubled = guided(strengths)
    shown = prompted.doubled() if doubled else prompted.conditional
    cache = host.make_cache(len(shown))
    bytes_held = cache.nbytes
    draws = settings.draws(seeds, order.tokens, shown.device)
    tokens = torch.empty(batch, order.tokens, dtype=torch.int64, device=shown.device)
    # an index that is a list would be sent to the device for every group
    every = torch.tensor([place for group in order.groups for place in group], device=shown.device)
    places = torch.split(every, [len(group) for group in order.groups])
    logits = host.prefill(shown, cache)
    for number, group in enumerate(order.groups):
        if number:
            if number == doubled:
                cache.halved()
            last = tokens[:, places[number - 1]]
            logits = host.step(last.repeat(2, 1) if number < doubled else last, number, cache)
        steered = guided_logits(logits, strengths[number]) if number < doubled else logits
        for place, position in enumerate(group):
            tokens[:, position] = drawn(steered[:, place], settings, draws)
    cost = SamplingCost(
        forward_passes=len(order.groups),
        tokens=order.tokens * batch,
        kv_cache_bytes=bytes_held,
        kv_cache_bytes_at_end=cache.nbytes,
    )
    return tokens, cost
