"""What a detector is, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

COCO = (
    *("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light"),
    *("fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant"),
    *("bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard"),
    *("sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle"),
    *("wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli"),
    *("carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet"),
    *("tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink"),
    *("refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush"),
)
"""The 80 classes of COCO's instances, in the order of a detector's outputs."""


@dataclass(frozen=True, eq=False)
class Detections:
    """Objects of one image.

    Attributes:
        boxes: ``float [N,4]``, ``x0, y0, x1, y1`` in pixels of the image.
        scores: ``float [N]`` in [0, 1].
        classes: ``int [N]``, places in :data:`COCO`.
        masks: ``bool [N,H,W]``, of a detector that gives any.
    """

    boxes: NDArray[Any]
    scores: NDArray[Any]
    classes: NDArray[Any]
    masks: NDArray[Any] | None = None


class Detector(Protocol):
    """Images to objects; deterministic, and what is found in an image depends on that image alone.

    Attributes:
        id: network, preparation and a fingerprint of its weights.

    Optional: ``to(device=)``; ``required_assets`` on the class, names of weights of vtbench's manifest.
    """

    id: str

    def __call__(self, images: Tensor) -> list[Detections]:
        """``uint8 [B,3,H,W]`` RGB of any size to what is in each."""


def moved(detector: Any, device: torch.device | str) -> Any:
    """The detector on a device, where it can be moved."""
    return detector.to(device=device) if hasattr(detector, "to") else detector
