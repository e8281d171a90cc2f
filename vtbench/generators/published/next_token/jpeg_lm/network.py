"""JPEG-LM's network: the library's Llama, by the configuration that lies beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.generators.published.library.cache import cache_argument

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_MOST = {"vocab_size": 1 << 20, "hidden_size": 1 << 15, "intermediate_size": 1 << 17, "num_hidden_layers": 1 << 10}
_PLAIN: Mapping[str, Any] = {
    "model_type": "llama",
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": False,
}
"""What else a configuration may say: a network that is another in any of these is refused."""


@dataclass(frozen=True, kw_only=True)
class LlamaGeometry:
    """Sizes of the network.

    Attributes:
        vocabulary: tokens.
        width: channels.
        hidden: channels of a feed-forward.
        depth: layers.
        heads: of queries.
        kv_heads: of keys and values.
        theta: base of the rotation's wavelengths.
        eps: of the norms.
        begin: the token that a sequence begins with.
        end: the one that ends it.
    """

    vocabulary: int
    width: int
    hidden: int
    depth: int
    heads: int
    kv_heads: int
    theta: float = 10000.0
    eps: float = 1e-6
    begin: int = 1
    end: int = 2


SEVEN_B = LlamaGeometry(vocabulary=320, width=4096, hidden=11008, depth=32, heads=32, kv_heads=32)
"""Llama 2 7B over 320 tokens, for counts alone: the file's own configuration decides."""
TINY = LlamaGeometry(vocabulary=259, width=32, hidden=48, depth=2, heads=4, kv_heads=2)
"""For tests: no file has it."""


def geometry_of(config: Mapping[str, Any], source: str) -> LlamaGeometry:
    """The geometry that a ``config.json`` tells.

    Raises:
        AdapterError: a size is missing or out of bounds, or it is no plain Llama.
    """
    for name, wanted in _PLAIN.items():
        if config.get(name, wanted) != wanted:
            raise AdapterError(f"{source}: {name} is {config[name]!r}, {wanted!r} is expected", "is it JPEG-LM's?")
    sizes = {name: _whole(config, name, most, source) for name, most in _MOST.items()}
    heads, kv_heads = _heads(config, sizes["hidden_size"], source)
    last = sizes["vocab_size"] - 1
    return LlamaGeometry(
        vocabulary=sizes["vocab_size"],
        width=sizes["hidden_size"],
        hidden=sizes["intermediate_size"],
        depth=sizes["num_hidden_layers"],
        heads=heads,
        kv_heads=kv_heads,
        theta=_theta(config, source),
        eps=_positive({"rms_norm_eps": 1e-6, **config}, "rms_norm_eps", source),
        begin=_whole({"bos_token_id": 1, **config}, "bos_token_id", last, source, least=0),
        end=_whole({"eos_token_id": 2, **config}, "eos_token_id", last, source, least=0),
    )


def build(geometry: LlamaGeometry) -> Any:
    """transformers' ``LlamaForCausalLM``.

    Raises:
        AssetMissingError: transformers is not installed.
    """
    try:
        from transformers import LlamaConfig, LlamaForCausalLM
    except ImportError as error:
        raise AssetMissingError("jpeg-lm needs transformers", install_extra("hub")) from error
    factory: Any = LlamaConfig  # the rotation's base moved within it: either version takes the older name
    config = factory(
        vocab_size=geometry.vocabulary,
        hidden_size=geometry.width,
        intermediate_size=geometry.hidden,
        num_hidden_layers=geometry.depth,
        num_attention_heads=geometry.heads,
        num_key_value_heads=geometry.kv_heads,
        rope_theta=geometry.theta,
        rms_norm_eps=geometry.eps,
        bos_token_id=geometry.begin,
        eos_token_id=geometry.end,
    )
    return LlamaForCausalLM(config)


def move(network: Any, device: torch.device | str | None, dtype: torch.dtype | None) -> Any:
    """The network on a device and in a precision; the frequencies of its rotation stay in float32, as the library keeps
    them when it loads a checkpoint, since position 12,000 is no number of half precision."""
    moved = network.to(device=device, dtype=dtype)
    rotation = moved.model.rotary_emb
    made = type(rotation)(config=moved.config)
    moved.model.rotary_emb = made.to(device=moved.lm_head.weight.device)
    return moved


class LlamaHost:
    """Predicts the token behind those of a cache; see :mod:`vtbench.generators.sampling.until_end`.

    Args:
        network: of :func:`build`.
        geometry: its sizes.
    """

    def __init__(self, network: Any, geometry: LlamaGeometry) -> None:
        self._network = network
        self.end = geometry.end
        weight: Tensor = network.lm_head.weight
        self.device = weight.device
        channels = geometry.width // geometry.heads * geometry.kv_heads
        self.bytes_a_position = 2 * geometry.depth * channels * weight.element_size()
        self._cache_name = cache_argument(network.model)

    def make_cache(self) -> Any:
        """An empty cache, the library's own, which grows: all positions of an image would take 6 GB at 16 bits."""
        from transformers import DynamicCache

        return DynamicCache()

    def step(self, tokens: Tensor, cache: Any) -> Tensor:
        """The next T tokens of each sequence, ``int64 [B,T]``, to ``float32 [B,V]``: logits of the one after them."""
        held = {self._cache_name: cache}
        hidden = self._network.model(input_ids=tokens, use_cache=True, **held).last_hidden_state
        logits: Tensor = self._network.lm_head(hidden[:, -1])
        return logits.float()

    def keep(self, cache: Any, rows: Tensor) -> None:
        """Go on with those sequences alone, ``int64 [A]``."""
        cache.batch_select_indices(rows)


def _heads(config: Mapping[str, Any], width: int, source: str) -> tuple[int, int]:
    """Those of queries, and those of keys and values."""
    heads = _whole(config, "num_attention_heads", width, source)
    kv_heads = _whole({"num_key_value_heads": heads, **config}, "num_key_value_heads", heads, source)
    channels = config.get("head_dim") or width // heads
    if width % (2 * heads) or heads % kv_heads or channels * heads != width:
        raise AdapterError(f"{source}: {heads} heads, {kv_heads} of keys, do not divide {width} channels")
    return heads, kv_heads


def _theta(config: Mapping[str, Any], source: str) -> float:
    """The rotation's base; configurations of transformers 5 hold it one level deeper."""
    nested = config.get("rope_parameters")
    parameters = nested if isinstance(nested, Mapping) else {}
    if config.get("rope_scaling") is not None or parameters.get("rope_type", "default") != "default":
        raise AdapterError(f"{source}: its rotation is scaled, a plain one is expected", "is it JPEG-LM's?")
    return _positive({"rope_theta": 10000.0, **config, **parameters}, "rope_theta", source)


def _whole(config: Mapping[str, Any], name: str, most: int, source: str, least: int = 1) -> int:
    value = config.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise AdapterError(f"{source}: {name} is {value!r}, a whole number from {least} to {most} is expected")
    return value


def _positive(config: Mapping[str, Any], name: str, source: str) -> float:
    value = config.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e12:
        raise AdapterError(f"{source}: {name} is {value!r}, a number above 0 is expected")
    return float(value)
