"""What each form of code is fitted by: a loss of a batch, through the modules of the family's published network.

All reconstruct by mean squared error in [-1, 1], without an adversary or a perceptual network: these are references
of classes, not the best that classes can do. Codes pass gradients straight through (van den Oord et al. 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from vtbench.networks.binary import to_bits, to_signs
from vtbench.networks.finite_scalar import FiniteScalar
from vtbench.networks.nearest import nearest_codes

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.zoo.recipes import Form, TokenizerRecipe


@dataclass(frozen=True, eq=False)
class Losses:
    """Of one batch.

    Attributes:
        total: what is descended.
        reconstruction: mean squared error in [-1, 1].
        latents: ``[N,C]`` vectors that were quantised, for entries that nothing is near to; ``None`` where there is no
            codebook.
        used: indices that were chosen, of the same codebook.
    """

    total: Tensor
    reconstruction: Tensor
    latents: Tensor | None = None
    used: Tensor | None = None


Objective = Callable[[Any, "Tensor", "TokenizerRecipe", torch.Generator], Losses]


def _of_directions(network: Any, images: Tensor, recipe: TokenizerRecipe, noise: torch.Generator) -> Losses:
    """LlamaGen's: latents and entries on the unit sphere."""
    del noise
    latents = F.normalize(network.quant_conv(network.encoder(images)), dim=1)
    entries = F.normalize(network.quantize.embedding.weight, dim=-1)
    chosen = nearest_codes(latents.detach(), entries.detach())
    quantised = entries[chosen].movedim(-1, 1)
    output = network.decoder(network.post_quant_conv(_straight(latents, quantised)))
    return _with_codebook(images, output, latents, quantised, chosen, recipe)


def _of_distances(network: Any, images: Tensor, recipe: TokenizerRecipe, noise: torch.Generator) -> Losses:
    """TiTok's, one stage: Euclidean distances of one-dimensional tokens, images in [0, 1]."""
    del noise
    latents = network.encode((images + 1) / 2)
    chosen = nearest_codes(latents.detach(), network.quantize.embedding.weight.detach())
    quantised = network.quantize.embedding(chosen).movedim(-1, 1)
    output = network.decode(_straight(latents, quantised)) * 2 - 1
    return _with_codebook(images, output, latents, quantised, chosen, recipe)


def _of_scales(network: Any, images: Tensor, recipe: TokenizerRecipe, noise: torch.Generator) -> Losses:
    """VAR's: each scale quantises what those before it leave (Tian et al. 2024, algorithm 1)."""
    del noise
    latents = network.quant_conv(network.encoder(images))
    target, total = latents.detach(), torch.zeros_like(latents)
    auxiliary, vectors, used = latents.new_zeros(()), [], []
    scales = network.quantize.scales
    for index, side in enumerate(scales):
        rest = target - total.detach()
        small = rest if side == scales[-1] else F.interpolate(rest, size=(side, side), mode="area")
        chosen = network.quantize.codes(small)
        total = total + network.quantize.contribution(chosen, index)
        auxiliary = auxiliary + F.mse_loss(total, target) + recipe.commitment * F.mse_loss(latents, total.detach())
        vectors.append(small.movedim(1, -1).flatten(0, -2))
        used.append(chosen.flatten())
    output = network.decoder(network.post_quant_conv(_straight(latents, total)))
    reconstruction = F.mse_loss(output, images)
    return Losses(reconstruction + auxiliary / len(scales), reconstruction, torch.cat(vectors), torch.cat(used))


def _of_signs(network: Any, images: Tensor, recipe: TokenizerRecipe, noise: torch.Generator) -> Losses:
    """Lookup-free (Yu et al. 2023): signs, with an entropy that is low for an image and high over the batch.

    The entropies are those of independent bits, whose probability is the sigmoid of 4 latents (as in Zhao et al. 2024).
    """
    del noise
    latents = network.encoder(images)
    signs = to_signs(to_bits(latents), latents.dtype)
    output = network.decoder(_straight(latents, signs))
    likely = torch.sigmoid(4 * latents)
    each = _entropy(likely).mean()
    over_batch = _entropy(likely.mean(dim=(0, 2, 3))).mean()
    reconstruction = F.mse_loss(output, images)
    commitment = recipe.commitment * F.mse_loss(latents, signs)
    return Losses(reconstruction + commitment + recipe.entropy * (each - over_batch), reconstruction)


def _of_levels(network: Any, images: Tensor, recipe: TokenizerRecipe, noise: torch.Generator) -> Losses:
    """Finite scalars (Mentzer et al. 2023): nothing but the reconstruction."""
    del noise
    grid = FiniteScalar.of(recipe.arguments["levels"])
    latents = network.encode(images)
    quantised = grid.points(grid.indices(latents.detach()))
    output = network.decode(_straight(grid.bounded(latents), quantised))
    reconstruction = F.mse_loss(output, images)
    return Losses(reconstruction, reconstruction)


def _of_posterior(network: Any, images: Tensor, recipe: TokenizerRecipe, noise: torch.Generator) -> Losses:
    """KL-regularised (Kingma & Welling 2013), as latent diffusion's first stage."""
    posterior = network.encode(images).latent_dist
    drawn = torch.randn(posterior.mean.shape, generator=noise).to(images.device)
    output = network.decode(posterior.mean + posterior.std * drawn).sample
    reconstruction = F.mse_loss(output, images)
    return Losses(reconstruction + recipe.commitment * posterior.kl().mean(), reconstruction)


OBJECTIVES: dict[Form, Objective] = {
    "directions": _of_directions,
    "distances": _of_distances,
    "scales": _of_scales,
    "signs": _of_signs,
    "levels": _of_levels,
    "posterior": _of_posterior,
}


def _straight(latents: Tensor, quantised: Tensor) -> Tensor:
    """The quantised values, with the gradient of what they came from."""
    return latents + (quantised - latents).detach()


def _with_codebook(
    images: Tensor, output: Tensor, latents: Tensor, quantised: Tensor, chosen: Tensor, recipe: TokenizerRecipe
) -> Losses:
    reconstruction = F.mse_loss(output, images)
    moved = F.mse_loss(quantised, latents.detach())
    committed = recipe.commitment * F.mse_loss(latents, quantised.detach())
    vectors = latents.detach().movedim(1, -1).flatten(0, -2)
    return Losses(reconstruction + moved + committed, reconstruction, vectors, chosen.flatten())


def _entropy(likely: Tensor) -> Tensor:
    """Of a bit, in nats."""
    kept = likely.clamp(1e-6, 1 - 1e-6)
    return -(kept * kept.log() + (1 - kept) * (1 - kept).log())
