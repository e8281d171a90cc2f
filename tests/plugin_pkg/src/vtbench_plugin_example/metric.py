"""An image metric of another package."""

from collections.abc import Sequence
from typing import Any

import torch

from vtbench.core.info import MetricInfo


class MaxError:
    """Largest absolute difference of any sample, in 8-bit levels."""

    info = MetricInfo(name="max_error", version=1, kind="image", unit="levels", higher_is_better=False)

    def __call__(self, prediction: torch.Tensor, reference: torch.Tensor, targets: Sequence[Any]) -> torch.Tensor:
        return (prediction.double() - reference.double()).abs().flatten(1).amax(dim=1)
