"""One fit of a tokenizer: a fixed number of steps, each a function of the recipe's seed and of the step before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vtbench.fitting.batches import Batches
from vtbench.fitting.schedule import share_of_rate
from vtbench.fitting.state import Array, arrays_of, restore
from vtbench.tokenizers import TOKENIZERS
from vtbench.zoo.objectives import OBJECTIVES, Losses

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vtbench.zoo.recipes import TokenizerRecipe

_BETAS = (0.9, 0.99)
_LARGEST_NORM = 1.0
_REVIVED_EVERY = 100
_REVIVED_UNTIL = 0.6
"""Share of the steps after which no entry is moved any more."""


class TokenizerFit:
    """A tokenizer on its way.

    Entries of a codebook that no latent chose for 100 steps are moved onto latents of the batch, drawn at random:
    without that four of five stay unused. What is kept is a running average of the weights.

    Args:
        recipe: what is fitted.
        pixels: ``uint8 [N,3,H,W]``.
        device: of the network.
    """

    def __init__(self, recipe: TokenizerRecipe, pixels: Tensor, device: torch.device) -> None:
        self.recipe, self._pixels, self._device = recipe, pixels, device
        family: Any = TOKENIZERS.load(recipe.family)
        self.network: nn.Module = _trainable(family.random(seed=recipe.seed, **recipe.arguments), device)
        self.average: nn.Module = _trainable(family.random(seed=recipe.seed, **recipe.arguments), device)
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), recipe.learning_rate, _BETAS, weight_decay=recipe.weight_decay
        )
        self._batches = Batches(len(pixels), recipe.batch, recipe.seed)
        self._losses = np.full(recipe.steps, np.nan, dtype=np.float32)
        self._unused = torch.ones(len(self._codebook), dtype=torch.bool) if self._codebook is not None else None
        self.step = 0

    @property
    def done(self) -> bool:
        """Whether every step is taken."""
        return self.step >= self.recipe.steps

    @property
    def losses(self) -> Array:
        """``float32 [steps]``: mean squared error of each step's batch in [-1, 1]; NaN of steps not taken."""
        found: Array = self._losses.copy()
        return found

    @property
    def _codebook(self) -> Tensor | None:
        quantiser = getattr(self.network, "quantize", None)
        return None if quantiser is None else quantiser.embedding.weight

    def advance(self, count: int) -> None:
        """Take that many steps, or what is left."""
        for _ in range(min(count, self.recipe.steps - self.step)):
            self._take_step()

    def _take_step(self) -> None:
        recipe = self.recipe
        draw = torch.Generator().manual_seed((recipe.seed << 32) + self.step)
        chosen = self._pixels[self._batches.at(self.step)]
        mirrored = torch.rand(len(chosen), generator=draw) < 0.5
        images = torch.where(mirrored[:, None, None, None], chosen.flip(-1), chosen)
        for group in self._optimiser.param_groups:
            group["lr"] = recipe.learning_rate * share_of_rate(self.step, recipe.warmup, recipe.steps)
        self._optimiser.zero_grad(set_to_none=True)
        losses = OBJECTIVES[recipe.form](self.network, images.to(self._device).float() / 127.5 - 1, recipe, draw)
        losses.total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_NORM)
        self._optimiser.step()
        self._losses[self.step] = float(losses.reconstruction)
        self.step += 1
        self._revive(losses, draw)
        self._average()

    def _revive(self, losses: Losses, draw: torch.Generator) -> None:
        """Move entries that nothing chose since the last time; what was chosen is counted in between."""
        codebook = self._codebook
        if codebook is None or losses.used is None or losses.latents is None or self._unused is None:
            return
        self._unused[losses.used.cpu()] = False
        if self.step % _REVIVED_EVERY or self.step > _REVIVED_UNTIL * self.recipe.steps:
            return
        idle = self._unused.nonzero().flatten()
        if len(idle):
            taken = torch.randint(len(losses.latents), (len(idle),), generator=draw)
            with torch.no_grad():
                codebook[idle.to(codebook.device)] = losses.latents[taken.to(losses.latents.device)].to(codebook.dtype)
        self._unused[:] = True

    def _average(self) -> None:
        decay = min(self.recipe.averaging, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
                kept.lerp_(now, 1 - decay)

    def reconstruct(self, pixels: Tensor) -> Tensor:
        """``uint8 [B,3,H,W]`` through the averaged weights, as by the family's adapter: ``float32`` around [0, 1]."""
        adapter: Any = TOKENIZERS.load(self.recipe.family).random(seed=self.recipe.seed, **self.recipe.arguments)
        adapter.published_network.load_state_dict(self.average.state_dict())
        found: Tensor = adapter.decode(adapter.encode(pixels.float() / 255))
        return found

    def state(self) -> dict[str, Array]:
        """Everything that decides the steps to come."""
        modules = {"network": self.network, "average": self.average}
        unused = {} if self._unused is None else {"unused": self._unused.numpy().copy()}
        return {
            **arrays_of(modules, self._optimiser),
            **unused,
            "losses": self.losses,
            "step": np.array(self.step),
        }

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on where :meth:`state` was taken."""
        restore({"network": self.network, "average": self.average}, self._optimiser, state)
        self._losses, self.step = np.array(state["losses"]), int(state["step"])
        if self._unused is not None:
            self._unused = torch.from_numpy(np.array(state["unused"]))


def _trainable(adapter: Any, device: torch.device) -> nn.Module:
    network: nn.Module = adapter.published_network
    return network.to(device).requires_grad_(True).train()
