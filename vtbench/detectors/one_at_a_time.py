"""How detectors run: an image at a time, on a CPU on one thread each, so that nothing beside it moves what is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from typing_extensions import Self

from vtbench.core.threads.lanes import by_image

Found = TypeVar("Found")


class OneAtATime(Generic[Found]):
    """Base of detectors around one network.

    Args:
        network: that is moved.
        found: what it finds in one image, ``uint8 [1,3,H,W]`` on the network's device.
    """

    def __init__(self, network: nn.Module, found: Callable[[Tensor], Found]) -> None:
        self._network, self._found_in = network, found
        self._device = torch.device("cpu")

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._device = torch.device(device)
        self._network.to(self._device)
        return self

    def each(self, images: Tensor) -> list[Found]:
        """What is found in each of ``uint8 [B,3,H,W]``."""
        with torch.inference_mode():
            if self._device.type == "cpu":
                return by_image(self._found_in, images.cpu())
            return [self._found_in(image[None]) for image in images.to(self._device)]
