"""DISTS: structure and texture of VGG16's feature maps, compared through their global statistics.

Ding, Ma, Wang and Simoncelli, Image Quality Assessment: Unifying Structure and Texture Similarity, IEEE TPAMI 2022,
equations 5 to 7. Over the channels c of six stages, the image itself in [0, 1] the first, with means m, variances v and
covariance of the two images' maps, and learned weights α, β ≥ 0 that add up to one:

    DISTS = 1 - Σ_c α_c (2 m_x m_y + C) / (m_x² + m_y² + C) - Σ_c β_c (2 cov + C) / (v_x + v_y + C),   C = 1e-6
          = Σ_c α_c (m_x - m_y)² / (m_x² + m_y² + C) + Σ_c β_c var(x - y) / (v_x + v_y + C)

The second line is the first rearranged: no difference of large numbers, and exactly 0 for equal images. Poolings of the
network are L2: squares, a 3 × 3 Hann window of stride 2, the root.

Images are compared at their own size, as the authors' package does by default; their command-line scripts shrink the
shorter side to 256 pixels first. On the authors' example (``images/r0.png``, ``r1.png`` of dingkeyan93/DISTS, 1267d8c)
this gives 0.334673; they state 0.3347.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vtbench import assets
from vtbench.metrics.catalog.lookup import IMAGE_INFOS
from vtbench.metrics.images.lpips import backbone
from vtbench.metrics.images.pixel import PEAK, check_pair, scored

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from typing_extensions import Self

CHANNELS = [3, 64, 128, 256, 512, 512]
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_ENDS = (4, 9, 16, 23, 30)
_C = 1e-6
_PIXELS = 1 << 20
"""Pixels of predictions at once; maps of the first layers and their squares then take about 3 GB."""


class Dists:
    """DISTS with the authors' weights; 0 for equal images.

    Args:
        network: canonical tensors of VGG16; without them those of the asset ``lpips_vgg``.
        weights: ``alpha`` and ``beta``, ``[1,1475,1,1]``; without them the asset's.

    Raises:
        AssetMissingError: weights that are neither here nor to be had.
    """

    info = IMAGE_INFOS["dists"]
    required_assets = ("lpips_vgg", "dists")

    def __init__(
        self, network: Mapping[str, Tensor] | None = None, weights: Mapping[str, Tensor] | None = None
    ) -> None:
        import torch

        network = assets.load_tensors(self.required_assets[0]) if network is None else network
        weights = assets.load_tensors(self.required_assets[1]) if weights is None else weights
        self._stages = _stages(network)
        alpha, beta = (weights[name].double().flatten() for name in ("alpha", "beta"))
        total = alpha.sum() + beta.sum()
        self._alpha, self._beta = torch.split(alpha / total, CHANNELS), torch.split(beta / total, CHANNELS)
        mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
        self._gain, self._offset = 1.0 / deviation, -mean / deviation

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._stages = [stage.to(device) for stage in self._stages]
        self._alpha = tuple(part.to(device) for part in self._alpha)
        self._beta = tuple(part.to(device) for part in self._beta)
        self._gain, self._offset = self._gain.to(device), self._offset.to(device)
        return self

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        import torch

        check_pair(self.info.name, prediction, reference)
        with torch.inference_mode():
            scores = scored(self._score, prediction, reference, _PIXELS)
        return scores.clone()  # an ordinary tensor, which callers may change in place

    def _score(self, prediction: Tensor, reference: Tensor) -> Tensor:
        """Both images go through the network as one batch; ``float64 [B]``."""
        import torch

        images = torch.cat([prediction, reference]).to(torch.float32, memory_format=torch.channels_last) / PEAK
        maps, total = images, _distance(images, self._alpha[0], self._beta[0])
        features = torch.addcmul(self._offset, images, self._gain)
        for stage, alpha, beta in zip(self._stages, self._alpha[1:], self._beta[1:], strict=True):
            maps = features = stage(features)
            total = total + _distance(maps, alpha, beta)
        return total


def _stages(network: Mapping[str, Tensor]) -> list[nn.Sequential]:
    """VGG16 cut before its poolings, which are L2 here."""
    from torch import nn

    first, *others = backbone("vgg16", _ENDS, network)
    return [first, *(nn.Sequential(_l2_pooling(), *list(stage)[1:]) for stage in others)]


def _l2_pooling() -> nn.Module:
    import torch
    import torch.nn.functional as F
    from torch import nn

    class L2Pooling(nn.Module):
        """Root of the weighted mean of squares, stride 2: ``[B,C,H,W]`` to ``[B,C,ceil(H/2),ceil(W/2)]``."""

        window: Tensor

        def __init__(self) -> None:
            super().__init__()
            taps = torch.tensor([0.25, 0.5, 0.25])  # a Hann window of five, without its zeros
            self.register_buffer("window", taps[:, None] * taps[None, :])

        def forward(self, maps: Tensor) -> Tensor:
            channels = maps.shape[1]
            window = self.window.expand(channels, 1, 3, 3)
            return F.conv2d(maps.square(), window, stride=2, padding=1, groups=channels).add_(1e-12).sqrt_()

    return L2Pooling()


def _distance(maps: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """One stage's term: ``float32 [2B,C,H,W]``, predictions first, and ``float64 [C]`` weights to ``float64 [B]``."""
    means = _over_pixels(maps)
    centred = maps - means[:, :, None, None].float()
    variances = _over_pixels(centred.square())
    half = len(maps) // 2
    spread = _over_pixels(centred[:half].sub_(centred[half:]).square_())
    gap = (means[:half] - means[half:]).square()
    texture = gap / (means[:half].square() + means[half:].square() + _C)
    structure = spread / (variances[:half] + variances[half:] + _C)
    total: Tensor = (alpha * texture + beta * structure).sum(1)
    return total


def _over_pixels(maps: Tensor) -> Tensor:
    """Means of ``float32 [B,C,H,W]`` over the pixels: sums of rows, then their sum in ``float64 [B,C]``."""
    import torch

    height, width = maps.shape[-2:]
    return maps.sum(3).sum(2, dtype=torch.float64) / (height * width)
