"""The catalog states the shortest side a metric takes; the metric itself decides it."""

from __future__ import annotations

import pytest
import torch

from vtbench.metrics.catalog.images import IMAGE_INFOS, IMAGE_REGISTRY


@pytest.mark.parametrize("name", [name for name, info in IMAGE_INFOS.items() if info.least_side])
def test_a_pixel_less_than_stated_has_no_value(name: str) -> None:
    metric, least = IMAGE_REGISTRY.load(name)(), IMAGE_INFOS[name].least_side
    for side, has_value in ((least, True), (least - 1, False)):
        images = torch.randint(0, 256, (2, 1, 3, side, least + 3), dtype=torch.uint8)
        assert bool(torch.isfinite(metric(*images)).all()) is has_value, side


def test_every_other_metric_takes_the_smallest_images() -> None:
    images = torch.randint(0, 256, (2, 1, 3, 8, 8), dtype=torch.uint8)
    for name in (name for name, info in IMAGE_INFOS.items() if not info.least_side):
        assert not torch.isnan(IMAGE_REGISTRY.load(name)()(*images)).any(), name
