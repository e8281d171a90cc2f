"""One fit of a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vtbench.core.pixels import to_uint8
from vtbench.fitting.state import Array
from vtbench.tokenizers import TOKENIZERS
from vtbench.zoo.keeping import rows_of
from vtbench.zoo.loop import Fit, trainable
from vtbench.zoo.objectives import OBJECTIVES, Losses

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.zoo.recipes import TokenizerRecipe

_REVIVED_EVERY = 100
_REVIVED_UNTIL = 0.6
"""Share of the steps after which no entry is moved any more."""
_SHOWN = 16


class TokenizerFit(Fit):
    """A tokenizer on its way.

    Entries of a codebook that no latent chose for 100 steps are moved onto latents of the batch, drawn at random:
    without that four of five stay unused.

    Args:
        recipe: what is fitted.
        pixels: ``uint8 [N,3,H,W]``.
        device: of the network.
    """

    measured = "mean squared error in [-1, 1]"

    def __init__(self, recipe: TokenizerRecipe, pixels: Tensor, device: torch.device) -> None:
        self.recipe, self._pixels, self._device = recipe, pixels, device
        family: Any = TOKENIZERS.load(recipe.family)
        network = trainable(family.random(seed=recipe.seed, **recipe.arguments), device)
        super().__init__(recipe, network, len(pixels))
        self._unused = torch.ones(len(self._codebook), dtype=torch.bool) if self._codebook is not None else None
        self._found: Losses | None = None

    @property
    def _codebook(self) -> Tensor | None:
        quantiser = getattr(self.network, "quantize", None)
        return None if quantiser is None else quantiser.embedding.weight

    def _loss(self, chosen: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
        images = self._pixels[chosen]
        mirrored = torch.rand(len(images), generator=draw) < 0.5
        images = torch.where(mirrored[:, None, None, None], images.flip(-1), images).to(self._device)
        self._found = OBJECTIVES[self.recipe.form](self.network, images.float() / 127.5 - 1, self.recipe, draw)
        return self._found.total, self._found.reconstruction

    def _stepped(self, draw: torch.Generator) -> None:
        """Move entries that nothing chose since the last time; what was chosen is counted in between."""
        codebook, losses = self._codebook, self._found
        if codebook is None or losses is None or losses.used is None or losses.latents is None or self._unused is None:
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

    def reconstruct(self, pixels: Tensor) -> Tensor:
        """``uint8 [B,3,H,W]`` through the averaged weights, as by the family's adapter: ``float32`` around [0, 1]."""
        adapter: Any = TOKENIZERS.load(self.recipe.family).random(seed=self.recipe.seed, **self.recipe.arguments)
        adapter.published_network.load_state_dict(self.average.state_dict())
        found: Tensor = adapter.decode(adapter.encode(pixels.float() / 255))
        return found

    def picture(self) -> Tensor:
        """Sixteen images over what is made of them."""
        shown = self._pixels[:_SHOWN]
        return rows_of(shown, to_uint8(self.reconstruct(shown)))

    def facts(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def state(self) -> dict[str, Array]:
        """As of any fit, and which entries were not chosen."""
        unused = {} if self._unused is None else {"unused": self._unused.numpy().copy()}
        return {**super().state(), **unused}

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on where :meth:`state` was taken."""
        super().load(state)
        if self._unused is not None:
            self._unused = torch.from_numpy(np.array(state["unused"]))
