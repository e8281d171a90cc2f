"""``sr-mini``: crops of ``photos-mini``, a quarter as large by averaging, as they are, as JPEG, or with noise."""

from __future__ import annotations

import hashlib
import io
from functools import partial
from typing import TYPE_CHECKING, Literal

from vtbench.core.contracts import Condition
from vtbench.data.condition_sources.made_images import MadeImage, made_digest
from vtbench.data.condition_sources.of_images import DatasetImage
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.data.decode import decode_image
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.data.pixels import to_pillow

if TYPE_CHECKING:
    from torch import Tensor

Degradation = Literal["none", "jpeg", "noise"]
DEGRADATIONS: tuple[Degradation, ...] = ("none", "jpeg", "noise")
FACTOR = 4
_RULE = "sr-mini@1"
_QUALITY, _SIGMA = 40, 8.0


class SrMini:
    """Every crop once a degradation. Images: ``source`` (64×64) and ``truth`` (256×256). Beside: ``degradation``.

    Args:
        count: crops, evenly spaced over those of ``photos-mini``.

    Raises:
        UsageError: more crops than there are.
    """

    def __init__(self, count: int = 16) -> None:
        crops = PhotosMini(count=count)
        samples = [_sample(crops, index, degradation) for index in range(count) for degradation in DEGRADATIONS]
        self.conditions = ConditionSet(samples, {"of": "sr-mini", "count": len(samples)})


def _sample(crops: PhotosMini, index: int, degradation: Degradation) -> ConditionSample:
    name, digest = f"{crops.ids[index]}/{degradation}", crops.content_digest(index)
    source = MadeImage(made_digest(_RULE, digest, degradation), partial(_source, crops, index, degradation))
    images = {"source": source, "truth": DatasetImage(crops, index, digest)}
    return ConditionSample(name, Condition(images=images, metadata={"degradation": degradation}))


def _source(crops: PhotosMini, index: int, degradation: Degradation) -> Tensor:
    return degraded(averaged(crops[index].image), degradation, crops.ids[index])


def averaged(image: Tensor, factor: int = FACTOR) -> Tensor:
    """Means of ``factor`` × ``factor`` pixels, rounded half to even: ``uint8 [3,H,W]`` to ``[3,H/factor,W/factor]``."""
    import torch
    import torch.nn.functional as F

    return F.avg_pool2d(image.double()[None], factor)[0].round().to(torch.uint8)


def degraded(image: Tensor, degradation: Degradation, seed: str) -> Tensor:
    """``uint8 [3,H,W]`` as it is, through JPEG of quality 40, or with Gaussian noise of 8 levels, from a seed."""
    if degradation == "none":
        return image
    if degradation == "jpeg":
        stream = io.BytesIO()
        to_pillow(image).save(stream, "JPEG", quality=_QUALITY)
        return decode_image(stream.getvalue(), seed)
    import numpy as np
    import torch

    drawn = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
    noise = torch.from_numpy(drawn.normal(0.0, _SIGMA, tuple(image.shape)))
    return (image.double() + noise).round().clamp(0, 255).to(torch.uint8)
