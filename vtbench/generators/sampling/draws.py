"""From logits to a token: temperature, top-k, top-p, and a draw that no other sample can change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SamplerSettings:
    """How tokens are drawn: temperature first, then top-k, then top-p, then the draw, as LlamaGen orders them.

    Attributes:
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all. Ties with the k-th stay too.
        top_p: only the likeliest tokens that together first exceed p stay, the one that crosses it included; 1 for all.
        cfg_scale: classifier-free guidance s in ``u + s (c - u)``; 1 for none.

    Raises:
        UsageError: a value out of range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    cfg_scale: float = 1.0

    def __post_init__(self) -> None:
        for name, good, wanted in (
            ("temperature", self.temperature > 0, "above 0"),
            ("top_k", self.top_k >= 0 and int(self.top_k) == self.top_k, "a whole number, 0 or more"),
            ("top_p", 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("cfg_scale", self.cfg_scale >= 0, "0 or more"),
        ):
            if not good:
                raise UsageError(f"{name}={getattr(self, name)}: must be {wanted}")

    @property
    def guided(self) -> bool:
        """Whether the unconditional logits are needed."""
        return self.cfg_scale != 1.0

    def as_recorded(self) -> dict[str, Any]:
        """Every setting, with the formula of the guidance and the order of the filters in words."""
        return {
            **asdict(self),
            "cfg_formula": "u + s (c - u), logits",
            "filter_order": "temperature, top-k, top-p",
            "draw": "inverse CDF in float64, one uniform number a token from the sample's own generator",
        }


def guide(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """Classifier-free guidance on logits (Ho and Salimans 2022, in the form of eq. 6 with s = 1 + w)."""
    return unconditional + scale * (conditional - unconditional)


def probabilities(logits: Tensor, settings: SamplerSettings) -> Tensor:
    """``[B,V]`` logits to ``float64 [B,V]`` probabilities of what is left after top-k (Fan et al. 2018) and top-p
    (Holtzman et al. 2020)."""
    import torch

    scaled = logits.double() / settings.temperature
    if 0 < settings.top_k < scaled.shape[-1]:
        least = scaled.topk(int(settings.top_k), dim=-1).values[:, -1:]
        scaled = scaled.masked_fill(scaled < least, -torch.inf)
    found = scaled.softmax(dim=-1)
    if settings.top_p < 1.0:
        ordered, order = found.sort(dim=-1, descending=True, stable=True)
        # what came before a token already exceeds p: the token itself is not needed any more
        before = ordered.cumsum(dim=-1) - ordered
        kept = ordered.masked_fill(before > settings.top_p, 0.0)
        found = torch.zeros_like(found).scatter(-1, order, kept)
        found = found / found.sum(dim=-1, keepdim=True)
    return found


def draw(found: Tensor, uniform: Tensor) -> Tensor:
    """The token at which the cumulative probability first exceeds a uniform number.

    Args:
        found: ``float64 [B,V]`` probabilities.
        uniform: ``float64 [B]`` in [0, 1).

    Returns:
        ``int64 [B]``; never a token of probability 0.
    """
    import torch

    cumulative = found.cumsum(dim=-1)
    reached = torch.searchsorted(cumulative, (uniform.to(found) * cumulative[:, -1])[:, None], right=True)[:, 0]
    last = found.shape[-1] - 1 - (found.flip(-1) > 0).int().argmax(dim=-1)
    return torch.minimum(reached, last)


def uniforms(seeds: Tensor, count: int) -> Tensor:
    """``float64 [B,count]`` in [0, 1): each row from its own seed, so that no batch can change it."""
    import torch

    rows = []
    for seed in seeds.tolist():
        generator = torch.Generator().manual_seed(int(seed))
        rows.append(torch.rand(count, generator=generator, dtype=torch.float64))
    return torch.stack(rows)
