"""Latents as a denoiser sees them: what pipelines do between an autoencoder and the diffusion model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Normalisation:
    """``(fold(z) - mean) / std``, a channel each, where ``fold`` puts ``patch x patch`` positions into channels.

    Attributes:
        mean: ``float32 [C * patch**2]``, or ``[1]`` for all.
        std: of the same shape.
        patch: side of the patches; 1 folds nothing. Channel ``c * patch**2 + y * patch + x`` is position ``(y, x)``.
    """

    mean: Tensor
    std: Tensor
    patch: int = 1

    def apply(self, latents: Tensor) -> Tensor:
        """``[B,C,h,w]`` to ``[B,C p p,h/p,w/p]``; sides must be multiples of ``patch``."""
        import torch.nn.functional as F

        mean, std = self._beside(latents)
        return (F.pixel_unshuffle(latents, self.patch) - mean) / std

    def undo(self, latents: Tensor) -> Tensor:
        """The inverse of :meth:`apply`."""
        import torch.nn.functional as F

        mean, std = self._beside(latents)
        return F.pixel_shuffle(latents * std + mean, self.patch)

    def on(self, device: Any) -> Normalisation:
        """The same with its statistics there, so that no call has to send them."""
        return replace(self, mean=self.mean.to(device), std=self.std.to(device))

    def equals(self, other: Normalisation) -> bool:
        """Whether both do the same to every latent."""
        return (
            self.patch == other.patch
            and _widened(self.mean, other.mean) == _widened(other.mean, self.mean)
            and _widened(self.std, other.std) == _widened(other.std, self.std)
        )

    def _beside(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = (part.to(latents.device, latents.dtype).view(1, -1, 1, 1) for part in (self.mean, self.std))
        return mean, std


def plain(patch: int = 1) -> Normalisation:
    """The one that leaves values as they are."""
    import torch

    return Normalisation(torch.zeros(1), torch.ones(1), patch)


def normalisation_of(network: Any) -> Normalisation:
    """What the library's pipelines do with the latents of this network before they denoise, and undo after.

    Three conventions: ``(z - shift_factor) * scaling_factor``; the same with ``latents_mean`` and ``latents_std`` of
    the configuration or of the weights (Wan, Qwen-Image, LTX); running statistics of a batch normalisation over
    patches of 2x2 (FLUX.2: ``Flux2Pipeline``). Without any of them latents stay as they are.
    """
    import torch

    config, batch_norm = network.config, getattr(network, "bn", None)
    if batch_norm is not None:
        std = torch.sqrt(batch_norm.running_var.detach().cpu() + config["batch_norm_eps"])
        return Normalisation(batch_norm.running_mean.detach().cpu().clone(), std, int(config["patch_size"][0]))
    mean, spread = (_stated(network, name) for name in ("latents_mean", "latents_std"))
    shift = torch.tensor([float(config.get("shift_factor") or 0.0)])
    scale = config.get("scaling_factor") or 1.0
    return Normalisation(shift if mean is None else mean, (torch.ones(1) if spread is None else spread) / scale)


def _stated(network: Any, name: str) -> Tensor | None:
    import torch

    own: Tensor | None = dict(network.named_buffers(recurse=False)).get(name)
    if own is not None:
        return own.detach().float().cpu().clone()
    listed, channels = network.config.get(name), network.config.get("latent_channels")
    if not isinstance(listed, list | tuple) or not listed:
        return None
    values = torch.tensor(listed).float().flatten()
    # Cosmos states its own for each moment of a video, of which an image is the first
    return values.view(channels, -1)[:, 0] if channels and len(values) > channels else values


def _widened(values: Tensor, other: Tensor) -> list[float]:
    listed: list[float] = values.tolist()
    return listed * len(other) if len(listed) == 1 else listed
