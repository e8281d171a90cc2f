"""The labelled crops behind the embedded generation task."""

import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.data.embedded.photographs.scenes_mini import ScenesMini
from vtbench.data.open import open_data

GOLDEN = "087c908d0565db10d1d830816d3ee8cd8f4e57d7e8724ef01c39276c88d6bca0"


def test_content_is_what_it_always_was():
    assert ScenesMini(count=12).fingerprint == GOLDEN


def test_classes_cycle_and_splits_differ():
    reference, fit = ScenesMini(count=9), ScenesMini(split="fit", count=9)
    assert [reference.target(index)["label"] for index in range(9)] == [0, 1, 2] * 3
    assert reference[4].image.shape == (3, 64, 64) and reference[4].image.dtype == torch.uint8
    assert not torch.equal(reference[0].image, fit[0].image)
    assert len(set(reference.ids)) == 9
    assert ScenesMini(count=3).ids == reference.ids[:3]


def test_it_is_opened_by_name():
    assert len(open_data("scenes-mini,count=5")) == 5


@pytest.mark.parametrize("arguments", [{"split": "train"}, {"count": 0}])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(UsageError, match="scenes-mini"):
        ScenesMini(**arguments)
