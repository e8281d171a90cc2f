"""LPIPS v0.1: distance of unit-normalised convolutional features, weighted by learned heads.

Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018, equation 1:

    d(x, y) = Σ_l mean_{h,w} Σ_c w_lc (f̂_lc(x) - f̂_lc(y))²        f̂ = f / (|f|_2 + 1e-10) along the channels

Images enter in [-1, 1] at their own size, and are shifted and scaled to the backbone's ImageNet statistics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench import assets
from vtbench.core.info import MetricInfo
from vtbench.metrics.catalog.lookup import IMAGE_INFOS
from vtbench.metrics.images.pixel import check_pair, scored

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from typing_extensions import Self

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
EPSILON = 1e-10


class _Lpips:
    """What the two networks share.

    Args:
        tensors: canonical tensors (see :mod:`vtbench.assets.conversion`); without them the asset's.
    """

    info: ClassVar[MetricInfo]
    required_assets: ClassVar[tuple[str, ...]]
    network: ClassVar[str]
    stages: ClassVar[tuple[int, ...]]
    smallest_side: ClassVar[int]
    pixels: ClassVar[int]
    """Pixels of predictions at once, for which the first layers then take about 2 GB at most."""

    def __init__(self, tensors: Mapping[str, Tensor] | None = None) -> None:
        import torch

        tensors = assets.load_tensors(self.required_assets[0]) if tensors is None else tensors
        self._stages = backbone(self.network, self.stages, tensors)
        self._heads = [tensors[f"heads.{k}.weight"].float().flatten() for k in range(len(self.stages))]
        scale = torch.tensor(SCALE).view(1, 3, 1, 1)
        # one pass from 8-bit levels to the backbone's input: ((v / 127.5 - 1) - shift) / scale
        self._gain = 1.0 / (127.5 * scale)
        self._offset = -(1.0 + torch.tensor(SHIFT).view(1, 3, 1, 1)) / scale

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._stages = [stage.to(device) for stage in self._stages]
        self._heads = [head.to(device) for head in self._heads]
        self._gain, self._offset = self._gain.to(device), self._offset.to(device)
        return self

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``; NaN where a side is too short for the network."""
        import torch

        check_pair(self.info.name, prediction, reference)
        if min(prediction.shape[-2:]) < self.smallest_side:
            return torch.full((len(prediction),), torch.nan, dtype=torch.float64, device=prediction.device)
        with torch.inference_mode():
            scores = scored(self._score, prediction, reference, self.pixels)
        return scores.clone()  # an ordinary tensor, which callers may change in place

    def _score(self, prediction: Tensor, reference: Tensor) -> Tensor:
        """``float64 [B]``."""
        import torch

        total = torch.zeros(len(prediction), dtype=torch.float64, device=prediction.device)
        for distances in self.layer_maps(prediction, reference):
            total += distances.flatten(1).mean(1, dtype=torch.float64)
        return total

    def layer_maps(self, prediction: Tensor, reference: Tensor) -> Iterator[Tensor]:
        """Each layer's term by place, ``float32 [B,h,w]``, of ``uint8 [B,3,H,W]`` twice; the score sums their means.

        Both images go through the backbone as one batch.
        """
        import torch

        images = torch.cat([prediction, reference]).to(torch.float32, memory_format=torch.channels_last)
        features = torch.addcmul(self._offset, images, self._gain)
        for stage, head in zip(self._stages, self._heads, strict=True):
            features = stage(features)
            yield _distances(features[: len(prediction)], features[len(prediction) :], head)


class LpipsAlex(_Lpips):
    """LPIPS with AlexNet. NaN below 31 pixels a side, where the last pooling has no window left."""

    info = IMAGE_INFOS["lpips_alex"]
    required_assets = ("lpips_alex",)
    network = "alexnet"
    stages = (2, 5, 8, 10, 12)
    smallest_side = 31
    pixels = 1 << 23


class LpipsVgg(_Lpips):
    """LPIPS with VGG16. NaN below 16 pixels a side, where the last pooling has no window left."""

    info = IMAGE_INFOS["lpips_vgg"]
    required_assets = ("lpips_vgg",)
    network = "vgg16"
    stages = (4, 9, 16, 23, 30)
    smallest_side = 16
    pixels = 1 << 21


class LpipsSqueeze(_Lpips):
    """LPIPS with SqueezeNet 1.1: for metrics of conditions that are defined on it. NaN below 17 pixels a side."""

    info = IMAGE_INFOS["lpips_alex"]
    required_assets = ("lpips_squeeze",)
    network = "squeezenet1_1"
    stages = (2, 5, 8, 10, 11, 12, 13)
    smallest_side = 17
    pixels = 1 << 22


def backbone(network: str, ends: tuple[int, ...], tensors: Mapping[str, Tensor]) -> list[nn.Sequential]:
    """torchvision's layers with our tensors, cut after the layers whose output is compared."""
    import torch
    import torchvision

    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
        layers = getattr(torchvision.models, network)(weights=None).features
    prefix = "features."
    weights = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    layers.load_state_dict(weights, assign=True)
    layers = layers.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    starts = (0, *ends[:-1])
    return [layers[start:end] for start, end in zip(starts, ends, strict=True)]


def _distances(x: Tensor, y: Tensor, head: Tensor) -> Tensor:
    """One layer's term by place: ``float32 [B,C,h,w]`` features twice and ``[C]`` weights to ``float32 [B,h,w]``.

    (x/|x| - y/|y|)² is taken as ((y - x |y|/|x|) / |y|)²: one pass over the features instead of three, and exactly 0
    where they are equal.
    """
    import torch

    norm_x, norm_y = (torch.linalg.vector_norm(f, dim=1, keepdim=True).add_(EPSILON) for f in (x, y))
    difference = torch.addcmul(y, x, norm_y / norm_x, value=-1).square_()
    batch, channels, height, width = difference.shape
    rows = difference.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    weighted: Tensor = (rows @ head) / norm_y.reshape(batch, -1).square_()
    return weighted.reshape(batch, height, width)
