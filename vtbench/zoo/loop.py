"""One fit of any network: a fixed number of steps, each a function of the recipe's seed and of the step before."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vtbench.fitting.batches import Batches
from vtbench.fitting.schedule import share_of_rate
from vtbench.fitting.state import Array, arrays_of, restore

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vtbench.zoo.recipe import Recipe

_LARGEST_NORM = 1.0


class Fit(ABC):
    """A network on its way, and a running average of its weights, which is what is kept.

    Args:
        recipe: what is fitted.
        network: as it begins, on its device; it is fitted.
        count: samples there are.
    """

    measured: str
    """What :attr:`losses` are, for the card."""

    def __init__(self, recipe: Recipe, network: nn.Module, count: int) -> None:
        self.plan = recipe
        self.network, self.average = network, copy.deepcopy(network)
        self._optimiser = torch.optim.AdamW(
            network.parameters(), recipe.learning_rate, recipe.betas, weight_decay=recipe.weight_decay
        )
        self._batches = Batches(count, recipe.batch, recipe.seed)
        self._losses = np.full(recipe.steps, np.nan, dtype=np.float32)
        self.step = 0

    @property
    def done(self) -> bool:
        """Whether every step is taken."""
        return self.step >= self.plan.steps

    @property
    def losses(self) -> Array:
        """``float32 [steps]``: :attr:`measured` of each step's batch; NaN of steps not taken."""
        found: Array = self._losses.copy()
        return found

    def advance(self, count: int) -> None:
        """Take that many steps, or what is left."""
        for _ in range(min(count, self.plan.steps - self.step)):
            self._take_step()

    def _take_step(self) -> None:
        plan = self.plan
        draw = torch.Generator().manual_seed((plan.seed << 32) + self.step)
        for group in self._optimiser.param_groups:
            group["lr"] = plan.learning_rate * share_of_rate(self.step, plan.warmup, plan.steps)
        self._optimiser.zero_grad(set_to_none=True)
        total, told = self._loss(self._batches.at(self.step), draw)
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_NORM)
        self._optimiser.step()
        self._losses[self.step] = float(told)
        self.step += 1
        self._stepped(draw)
        self._average()

    @abstractmethod
    def _loss(self, chosen: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
        """What is descended, and what is told of it, of the samples ``int64 [B]``."""

    def _stepped(self, draw: torch.Generator) -> None:  # noqa: B027 - may stay empty
        """What else moves weights, behind a step; nothing unless a fit says so."""

    @abstractmethod
    def picture(self) -> Tensor:
        """What the averaged weights make, ``uint8 [3,H,W]``: how far the fit is, at a glance."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What its card says beside recipe, data, time and loss."""

    def _average(self) -> None:
        decay = min(self.plan.averaging, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
                kept.lerp_(now, 1 - decay)

    def state(self) -> dict[str, Array]:
        """Everything that decides the steps to come."""
        modules = {"network": self.network, "average": self.average}
        return {**arrays_of(modules, self._optimiser), "losses": self.losses, "step": np.array(self.step)}

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on where :meth:`state` was taken."""
        restore({"network": self.network, "average": self.average}, self._optimiser, state)
        self._losses, self.step = np.array(state["losses"]), int(state["step"])


def trainable(adapter: Any, device: torch.device) -> nn.Module:
    """The network of an adapter, ready to be fitted on a device."""
    network: nn.Module = adapter.published_network
    return network.to(device).requires_grad_(True).train()
