"""Metrics of another package: of image pairs, of videos, of blocks, and of images against prompts."""

from collections.abc import Sequence
from typing import Any

import torch

from vtbench.core.info import MetricInfo


class MaxError:
    """Largest absolute difference of any sample, in 8-bit levels."""

    info = MetricInfo(name="max_error", version=1, kind="image", unit="levels", higher_is_better=False)

    def __call__(self, prediction: torch.Tensor, reference: torch.Tensor, targets: Sequence[Any]) -> torch.Tensor:
        return (prediction.double() - reference.double()).abs().flatten(1).amax(dim=1)


class WorstFrame:
    """Mean absolute error of the worst frame, in 8-bit levels."""

    info = MetricInfo(name="worst_frame", version=1, kind="video", unit="levels", higher_is_better=False)

    def __call__(self, prediction: torch.Tensor, reference: torch.Tensor, targets: Sequence[Any]) -> torch.Tensor:
        return (prediction.double() - reference.double()).abs().mean(dim=(2, 3, 4)).amax(dim=1)


class Spread:
    """Standard deviation of all errors of the set, in 8-bit levels: two columns an image, folded at the end."""

    info = MetricInfo(name="error_spread", version=1, kind="block", unit="levels", higher_is_better=False)
    columns = ("error_sum", "error_square")

    def __call__(self, prediction, reference, targets):
        error = (prediction.double() - reference.double()).flatten(1)
        return {"error_sum": error.mean(dim=1), "error_square": error.square().mean(dim=1)}

    def rows(self, columns):
        spread = columns["error_square"].mean() - columns["error_sum"].mean() ** 2
        return columns["error_sum"] * 0 + spread**0.5


class Redness:
    """How red an image is whose prompt says so; does not apply to others."""

    info = MetricInfo(name="redness", version=1, kind="prompt", higher_is_better=True)

    def __call__(self, images, prompts):
        share = images.double().mean(dim=(2, 3))
        asked = torch.tensor(["red" in prompt for prompt in prompts])
        return torch.where(asked, share[:, 0] / share.sum(dim=1).clamp_min(1), torch.nan)
