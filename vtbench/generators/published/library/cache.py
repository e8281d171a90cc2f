"""A cache of this project under the interface of transformers' caches: its classes write into what loops hand down."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.generators.published.library.classes import NEEDED

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.networks.key_value_cache import KeyValueCache


def cached(network: Any, cache: KeyValueCache | None, positions: int, **inputs: Any) -> Tensor:
    """One pass of a decoder of the library, its keys and values kept in ``cache``.

    Args:
        network: of the library; a decoder without a head, whose output has ``last_hidden_state``, or one with
            ``logits``.
        cache: of this project, which :meth:`~vtbench.networks.key_value_cache.KeyValueCache.advance` then counts on;
            ``None`` for a pass without one.
        positions: that the pass adds.
        inputs: what the network is called with.

    Returns:
        ``[B,positions,…]``: its logits, or hidden states where it has no head.
    """
    if cache is None:
        output = network(**inputs, use_cache=False)
    else:
        output = network(**inputs, **{cache_argument(network): stored(cache)}, use_cache=True)
        cache.advance(positions)
    found: Tensor = output.logits if hasattr(output, "logits") else output.last_hidden_state
    return found


def stored(cache: KeyValueCache) -> Any:
    """The library's ``Cache`` whose layers are those of ``cache``. Nothing is counted until ``advance``.

    Raises:
        AssetMissingError: a transformers whose caches are made otherwise.
    """
    try:
        from transformers.cache_utils import Cache, CacheLayerMixin
    except ImportError as error:
        raise AssetMissingError(f"this needs {NEEDED}", install_extra("hub", NEEDED)) from error

    base: Any = CacheLayerMixin

    class Layer(base):  # type: ignore[misc]
        """One layer: what the library's attention extends."""

        is_sliding = False

        def __init__(self, number: int) -> None:
            super().__init__()
            self._number = number
            self.is_initialized = True

        def lazy_initialization(self, *states: Tensor) -> None:
            """Nothing: the place is there."""

        def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
            return cache.extended(self._number, keys, values)

        def get_seq_length(self, *_: Any) -> int:
            return cache.length

        def get_mask_sizes(self, query: Any) -> tuple[int, int]:
            return cache.length + (query if isinstance(query, int) else len(query)), 0

        def get_max_length(self) -> int:
            return int(cache.storage.shape[4])

        get_max_cache_shape = get_max_length  # its name in older releases

    return Cache(layers=[Layer(number) for number in range(len(cache.storage))])


def cache_argument(network: Any) -> str:
    """What a network calls its cache: ``past_key_values``, or ``cache`` in newer releases."""
    return "cache" if "cache" in inspect.signature(network.forward).parameters else "past_key_values"
