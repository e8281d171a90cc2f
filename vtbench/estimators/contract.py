"""What a map estimator is, and how those of vtbench run: an image at a time on a CPU, whatever stands beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

MapKind = Literal["edges", "depth", "labels"]
"""What a map holds.

``edges``: ``float32``, how likely an edge is, in [0, 1]; 0 and 1 of a detector that decides. ``depth``: ``float32``,
inverse depth up to scale and shift, the larger the nearer. ``labels``: ``int64``, a class a pixel.
"""


class MapEstimator(Protocol):
    """Images to maps of them; deterministic, and a map depends on its own image alone.

    Attributes:
        id: network, preparation and a fingerprint of its weights: two maps compare only where ids are equal.
        gives: what its maps hold.

    Optional, on the class: ``required_assets`` (names of assets); ``check_available()``, which raises
    ``AssetMissingError`` where weights from elsewhere cannot be had. On the object: ``labels``, the names of classes.
    """

    id: str
    gives: MapKind

    def __call__(self, images: Tensor) -> Tensor:
        """``uint8 [B,3,H,W]`` RGB of any size to ``[B,H,W]`` on the same device."""

    def to(self, *, device: torch.device) -> MapEstimator:
        """Move the network; returns itself."""


class OwnMapEstimator(ABC):
    """Base of vtbench's own: checks images and cuts batches.

    On a CPU every image is run by itself on one thread (:mod:`vtbench.core.threads.lanes`); elsewhere as many at once
    as ``pixels`` allows, in float32 without TF32.

    Args:
        identity: the estimator's id.
        network: moved by :meth:`to`, if it has one.
    """

    gives: ClassVar[MapKind]
    pixels: ClassVar[int] = 1 << 20
    """Of images at once, which bounds memory."""

    def __init__(self, identity: str, network: Any = None) -> None:
        self.id = identity
        self._network = network

    def to(self, *, device: torch.device) -> Self:
        """Move the network; returns itself."""
        if self._network is not None:
            self._network = self._network.to(device)
        return self

    def __call__(self, images: Tensor) -> Tensor:
        """``uint8 [B,3,H,W]`` RGB of any size to ``[B,H,W]`` on the same device.

        Raises:
            ValueError: another dtype or shape.
        """
        import torch

        from vtbench.core.threads.lanes import by_image
        from vtbench.features.network import exact_float32

        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or not images.numel():
            raise ValueError(f"a map estimator takes uint8 [B,3,H,W], got {images.dtype} {tuple(images.shape)}")
        at_once = max(1, self.pixels // (images.shape[-2] * images.shape[-1]))
        with torch.inference_mode(), exact_float32():
            if images.device.type == "cpu":
                parts = by_image(self._estimate, images, most=at_once)
            else:
                parts = [self._estimate(part) for part in torch.split(images, at_once)]
        return torch.cat(parts).clone()  # an ordinary tensor, which callers may change in place

    @abstractmethod
    def _estimate(self, images: Tensor) -> Tensor:
        """``uint8 [b,3,H,W]`` to ``[b,H,W]``."""
