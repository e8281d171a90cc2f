"""The loss of a denoiser of values: the noise by squared error, its spread by the variational bound.

Source: Nichol and Dhariwal, Improved Denoising Diffusion Probabilistic Models, 2102.09672, section 3.1; as the
"diffusion loss" of a token in Li et al., Autoregressive Image Generation without Vector Quantization, 2406.11838.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from vtbench.generators.sampling.diffusion.process import ALL_STEPS, Process

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Noised:
    """Values with noise on them.

    Attributes:
        values: ``float32 [N,C]``.
        noise: that is in them, ``float32 [N,C]``.
        times: of the thousand, ``int64 [N]``.
    """

    values: Tensor
    noise: Tensor
    times: Tensor


def noised(clean: Tensor, draw: torch.Generator) -> Noised:
    """Values ``float32 [N,C]`` with as much noise as a time says that is drawn for each."""
    times = torch.randint(ALL_STEPS, (len(clean),), generator=draw).to(clean.device)
    noise = torch.randn(clean.shape, generator=draw).to(clean.device)
    steps = _table(str(clean.device))[times]
    return Noised(steps[:, :1] * clean + steps[:, 1:2] * noise, noise, times)


def diffusion_loss(found: Tensor, of: Noised) -> Tensor:
    """Of each value, ``[N,C]``: squared error of the noise, and in bits what the spread costs.

    The divergence of the step back from the one that knows the clean values teaches the spread alone: the noise is held
    in it. At time 0 nothing is drawn behind a step, so that the spread is not asked for, and costs nothing.

    Args:
        found: noise, then spread, of a denoiser, ``[N,2C]``.
        of: what it was given.
    """
    noise, spread = found.chunk(2, dim=-1)
    _, _, shifted, least, most = _table(str(found.device))[of.times, :, None].unbind(1)
    share = (spread + 1) / 2
    width = share * most + (1 - share) * least
    apart = (shifted * (noise.detach() - of.noise)).square()
    divergence = 0.5 * (width - least - 1 + (least - width).exp() + apart * (-width).exp()) / math.log(2)
    asked = (of.times > 0).to(found)[:, None]
    loss: Tensor = F.mse_loss(noise, of.noise, reduction="none") + asked * divergence
    return loss


@cache
def _table(device: str) -> Tensor:
    """``float32 [1000,5]`` of the times: signal and scatter; how far the mean of a step back is shifted by a wrong unit
    of noise; logarithms of the narrowest and of the widest variance."""
    rows = [
        (step.signal, step.scatter, step.mean_of_clean * step.clean_of_noise, step.least, step.most)
        for step in reversed(Process(ALL_STEPS).course)
    ]
    return torch.tensor(rows, device=device)
