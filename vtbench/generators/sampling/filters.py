"""From logits to probabilities: temperature, top-k, top-p. Their order and the precision are data, and recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Precision = Literal["float64", "float32"]
Order = Literal["temperature, top-k, top-p", "top-k, top-p, temperature"]
Boundary = Literal["exceeds", "reaches"]

FIRST: Order = "temperature, top-k, top-p"
LAST: Order = "top-k, top-p, temperature"


@dataclass(frozen=True)
class Filters:
    """Temperature first, then top-k, then top-p, as LlamaGen orders them and most after it, unless told otherwise.

    Attributes:
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all. Ties with the k-th stay too.
        top_p: only the likeliest tokens that together first exceed p stay, the one that crosses it included; 1 for all.
            In which order tokens are summed, VAR's from the least likely on, makes no difference.
        greedy: the likeliest token, the first of equals, instead of a draw.
        precision: in which the softmax is taken.
        order: whether the temperature comes before the others, or behind them (CoDe): they see logits as they are.
        boundary: whether the tokens that stay have to exceed p, or only to reach it (VAR): another set where their sum
            is p exactly.

    Raises:
        UsageError: a value out of range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    greedy: bool = False
    precision: Precision = "float64"
    order: Order = FIRST
    boundary: Boundary = "exceeds"

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
        drawn = {"filter_order": "argmax"} if self.greedy else {"filter_order": self.order}
        return {
            "temperature": self.temperature,
            "top_k": self.top_k,
            "top_p": self.top_p,
            **drawn,
            **({} if self.boundary == "exceeds" else {"top_p_boundary": self.boundary}),
            "softmax_dtype": self.precision,
        }

    def scaled(self, logits: Tensor) -> Tensor:
        """``[…,V]`` logits in the precision of the softmax, divided by the temperature where that comes first; -inf
        where top-k drops."""
        import torch

        dtype: torch.dtype = getattr(torch, self.precision)
        scaled = logits.to(dtype) / self.temperature if self.order == FIRST else logits.to(dtype)
        if 0 < self.top_k < scaled.shape[-1]:
            least = scaled.topk(int(self.top_k), dim=-1).values[..., -1:]
            scaled = scaled.masked_fill(scaled < least, -torch.inf)
        return scaled


def probabilities(logits: Tensor, filters: Filters) -> Tensor:
    """Probabilities ``[…,V]`` of what is left after top-k (Fan et al. 2018) and top-p (Holtzman et al. 2020).

    Args:
        logits: ``[…,V]``.
        filters: what is applied; its precision is the result's dtype.
    """
    scaled = filters.scaled(logits)
    found = scaled.softmax(dim=-1)
    if filters.greedy:
        return _one_hot(found)
    if filters.top_p < 1.0:
        dropped = _dropped(found, filters)
        scaled, kept = scaled.masked_fill(dropped, -math.inf), found.masked_fill(dropped, 0.0)
        found = kept / kept.sum(dim=-1, keepdim=True)
    return (scaled / filters.temperature).softmax(dim=-1) if filters.order == LAST else found


def _one_hot(found: Tensor) -> Tensor:
    import torch

    return torch.zeros_like(found).scatter(-1, found.argmax(dim=-1, keepdim=True), 1.0)


def _dropped(found: Tensor, filters: Filters) -> Tensor:
    """``bool […,V]``: what came before a token, in falling order, already crosses p; the token itself is not needed."""
    import torch

    ordered, order = found.sort(dim=-1, descending=True, stable=True)
    before = ordered.cumsum(dim=-1) - ordered
    crossed = before >= filters.top_p if filters.boundary == "reaches" else before > filters.top_p
    return torch.zeros_like(crossed).scatter(-1, order, crossed)
