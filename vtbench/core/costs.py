"""What sampling a batch took, as generators tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ModelCost:
    """The share of one network in what sampling a batch took, where several take turns.

    Attributes:
        forward_passes: through this one.
        tokens_computed: positions that went through it; ``None`` where they are not counted, as are those below.
        kv_cache_bytes: largest size of its own key-value cache; 0 without one.
        kv_cache_bytes_at_end: size of it when this network was through.
        weight_bytes: bytes of its parameters and buffers.
    """

    forward_passes: int
    tokens_computed: int | None = None
    kv_cache_bytes: int = 0
    kv_cache_bytes_at_end: int | None = None
    weight_bytes: int | None = None


@dataclass(frozen=True)
class SamplingCost:
    """What sampling one batch took, counted by the generator itself.

    Attributes:
        forward_passes: passes through the network, each over the whole batch (guidance that doubles the batch is one).
        tokens: tokens sampled, over the batch.
        kv_cache_bytes: largest size of the key-value cache during the call; 0 without one.
        steps: decoding steps, added up over the images, each until it is done; ``None`` where they are not counted, as
            are those below.
        tokens_computed: positions that went through the network, those of guidance and of conditions included.
        drafts_proposed: tokens that speculation put before the network to be verified, over the batch.
        drafts_accepted: those of them that stayed.
        head_passes: passes through a head of its own that denoises tokens, beside those through the network.
        kv_cache_bytes_at_end: size of the cache when the last token was drawn; a cache that forgets has less than
            ``kv_cache_bytes`` then.
        weight_bytes: bytes of the parameters and buffers of all networks that tokens are drawn with, resident at once;
            those of tokenizers and text encoders do not count.
        models: where several networks take turns, the share of each by its name (``drafter``, ``refiner``); empty where
            there is one.
    """

    forward_passes: int
    tokens: int
    kv_cache_bytes: int = 0
    steps: int | None = None
    tokens_computed: int | None = None
    drafts_proposed: int | None = None
    drafts_accepted: int | None = None
    head_passes: int | None = None
    kv_cache_bytes_at_end: int | None = None
    weight_bytes: int | None = None
    models: Mapping[str, ModelCost] = field(default_factory=dict)
