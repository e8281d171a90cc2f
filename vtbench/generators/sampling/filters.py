"""From logits to probabilities: temperature, top-k, top-p. Their order and the precision are data, and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Precision = Literal["float64", "float32"]


@dataclass(frozen=True)
class Filters:
    """Temperature first, then top-k, then top-p, as LlamaGen orders them and most after it.

    Attributes:
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all. Ties with the k-th stay too.
        top_p: only the likeliest tokens that together first exceed p stay, the one that crosses it included; 1 for all.
        greedy: the likeliest token, the first of equals, instead of a draw.
        precision: in which the softmax is taken.

    Raises:
        UsageError: a value out of range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    greedy: bool = False
    precision: Precision = "float64"

    def __post_init__(self) -> None:
        for name, good, wanted in (
            ("temperature", self.temperature > 0, "above 0"),
            ("top_k", self.top_k >= 0 and int(self.top_k) == self.top_k, "a whole number, 0 or more"),
            ("top_p", 0 < self.top_p <= 1, "above 0 and at most 1"),
        ):
            if not good:
                raise UsageError(f"{name}={getattr(self, name)}: must be {wanted}")

    def as_recorded(self) -> dict[str, Any]:
        """Every setting, and their order in words."""
        drawn = {"filter_order": "argmax"} if self.greedy else {"filter_order": "temperature, top-k, top-p"}
        return {
            "temperature": self.temperature,
            "top_k": self.top_k,
            "top_p": self.top_p,
            **drawn,
            "softmax_dtype": self.precision,
        }

    def scaled(self, logits: Tensor) -> Tensor:
        """``[B,V]`` logits in the precision of the softmax, divided by the temperature; -inf where top-k drops."""
        import torch

        dtype: torch.dtype = getattr(torch, self.precision)
        scaled = logits.to(dtype) / self.temperature
        if 0 < self.top_k < scaled.shape[-1]:
            least = scaled.topk(int(self.top_k), dim=-1).values[..., -1:]
            scaled = scaled.masked_fill(scaled < least, -torch.inf)
        return scaled


def probabilities(logits: Tensor, filters: Filters) -> Tensor:
    """Probabilities ``[B,V]`` of what is left after top-k (Fan et al. 2018) and top-p (Holtzman et al. 2020).

    Args:
        logits: ``[B,V]``.
        filters: what is applied; its precision is the result's dtype.
    """
    found = filters.scaled(logits).softmax(dim=-1)
    if filters.greedy:
        return _one_hot(found)
    return found if filters.top_p >= 1.0 else _nucleus(found, filters.top_p)


def _one_hot(found: Tensor) -> Tensor:
    import torch

    return torch.zeros_like(found).scatter(-1, found.argmax(dim=-1, keepdim=True), 1.0)


def _nucleus(found: Tensor, top_p: float) -> Tensor:
    import torch

    ordered, order = found.sort(dim=-1, descending=True, stable=True)
    # what came before a token already exceeds p: the token itself is not needed any more
    before = ordered.cumsum(dim=-1) - ordered
    kept = ordered.masked_fill(before > top_p, 0.0)
    kept_in_place = torch.zeros_like(found).scatter(-1, order, kept)
    return kept_in_place / kept_in_place.sum(dim=-1, keepdim=True)
