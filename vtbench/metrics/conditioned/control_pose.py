"""``control_pose_movenet_oks``: whether a generated person stands as the person of the photograph does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from vtbench.core.contracts import Condition
from vtbench.metrics.catalog.conditioned import CONDITION_INFOS

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

SIGMAS = (
    *(0.026, 0.025, 0.025, 0.035, 0.035),
    *(0.079, 0.079, 0.072, 0.072, 0.062, 0.062),
    *(0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
)
"""Of COCO's key points: nose, eyes, ears; shoulders, elbows, wrists; hips, knees, ankles."""


class ControlPoseMovenetOks:
    """Object key point similarity (COCO) of MoveNet's pose of the sample to its pose of the photograph, ``truth``.

        OKS = mean over points seen in the photograph of exp(-d² / (2 s² k²)),  k = 2 σ

    d is the distance in pixels, s² the area of the box around the points that were seen, σ COCO's. A point is
    seen where MoveNet's score is ``least`` or more. One person an image. Both poses are estimates, so that a photograph
    scores 1 against itself; COCO's average precision needs a person detector and truths, and is another number.

    NaN where fewer than three points are seen in the photograph.

    Args:
        least: score from which a point of the photograph counts.
        tensors: of MoveNet; the asset's unless given.
    """

    info = CONDITION_INFOS["control_pose_movenet_oks"]
    roles: ClassVar[tuple[str, ...]] = ("truth",)
    required_assets: ClassVar[tuple[str, ...]] = ("movenet_lightning",)

    def __init__(self, least: float = 0.3, tensors: Mapping[str, Tensor] | None = None) -> None:
        from vtbench.detectors.movenet import MoveNet

        self._pose, self._least = MoveNet(tensors), least

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._pose = self._pose.to(device=device)
        return self

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``."""
        import torch

        truths = torch.cat([self._pose(condition.image("truth")[None]) for condition in conditions])
        return similarity(self._pose(images), truths.to(images.device), self._least)


_LEAST_POINTS = 3


def similarity(found: Tensor, truth: Tensor, least: float) -> Tensor:
    """OKS of poses ``float32 [B,17,3]`` (x, y, score) to others, ``float64 [B]``: see the class above."""
    import torch

    seen = truth[..., 2] >= least
    places = truth[..., :2].double()
    low = places.masked_fill(~seen[..., None], float("inf")).amin(1)
    high = places.masked_fill(~seen[..., None], float("-inf")).amax(1)
    area = (high - low).clamp_min(1.0).prod(-1)
    squares = (found[..., :2].double() - places).square().sum(-1)
    spread = 2 * torch.tensor(SIGMAS, dtype=torch.float64, device=truth.device)
    alike = torch.exp(-squares / (2 * area[:, None] * spread.square())) * seen
    counts = seen.sum(1)
    return torch.where(counts >= _LEAST_POINTS, alike.sum(1) / counts, torch.nan)
