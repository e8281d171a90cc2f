"""Which labelled images are fitted, choose, and are tried: of each label its share, in whole groups."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from vtbench.core.errors import UsageError
from vtbench.run.probing.labelled import LabelledSplit
from vtbench.tasks.sections import ProbingSpec

IDS = [f"image-{number}" for number in range(60)]
LABELS = [f"label-{number % 3}" for number in range(60)]
GROUPS = [f"label-{number % 3}/{number // 3 // 4}" for number in range(60)]
ALONE = [""] * 60


def spec(**changes: object) -> ProbingSpec:
    return ProbingSpec.model_validate(changes)


def shares(mask: np.ndarray, labels: list[str]) -> Counter[str]:
    return Counter(label for label, chosen in zip(labels, mask, strict=True) if chosen)


def test_of_each_label_its_share_is_held_out() -> None:
    found = LabelledSplit.of(IDS, LABELS, ALONE, spec(held_out=0.25, validation=0.2))
    assert set(shares(found.held_out, LABELS).values()) == {5}
    assert set(shares(found.validation, LABELS).values()) == {3}
    assert not (found.held_out & found.validation).any()
    assert found.labels.tolist() == [number % 3 for number in range(60)]


def test_groups_are_on_one_side() -> None:
    found = LabelledSplit.of(IDS, LABELS, GROUPS, spec(held_out=0.2, group="quarter", validation=0.25))
    parts = [np.array(GROUPS)[mask] for mask in (found.held_out, found.validation, ~found.held_out & ~found.validation)]
    first, second, third = map(set, parts)
    assert len(first) == 3 and len(second) == 3 and len(third) == 9
    assert not first & second and not first & third and not second & third


def test_the_order_of_images_decides_nothing_and_the_seed_does() -> None:
    found, turned = (LabelledSplit.of(IDS[::s], LABELS[::s], GROUPS[::s], spec(group="quarter")) for s in (1, -1))
    assert np.array_equal(turned.held_out[::-1], found.held_out)
    assert np.array_equal(turned.validation[::-1], found.validation)
    other = LabelledSplit.of(IDS, LABELS, GROUPS, spec(group="quarter", split_seed=1))
    assert not np.array_equal(other.held_out, found.held_out)


def test_named_groups_are_held_out_and_choose_by_image() -> None:
    splits = ["train"] * 45 + ["val"] * 15
    found = LabelledSplit.of(IDS, LABELS, splits, spec(held_out=["val"], group="split", validation=0.2))
    assert found.held_out.tolist() == [False] * 45 + [True] * 15
    assert set(shares(found.validation, LABELS).values()) == {3}


def test_images_without_a_label_take_no_part() -> None:
    labels = ["" if number % 4 == 0 else label for number, label in enumerate(LABELS)]
    found = LabelledSplit.of(IDS, labels, ALONE, spec())
    assert found.places.tolist() == [number for number in range(60) if number % 4]
    assert len(found.labels) == len(found.held_out) == len(found.validation) == 45


def test_a_label_of_one_image_is_fitted() -> None:
    found = LabelledSplit.of([*IDS, "one"], [*LABELS, "rare"], [*ALONE, ""], spec())
    assert not found.held_out[-1] and not found.validation[-1]


@pytest.mark.parametrize(
    ("labels", "groups", "changes", "words"),
    [
        ([""] * 60, ALONE, {}, "no image has a 'label'"),
        (["a"] * 60, ALONE, {}, "have one label alone, a"),
        (IDS, ALONE, {}, "none is left to be tried"),
        (LABELS, ["one"] * 60, {"group": "g"}, "images of one have labels label-0 and label-1"),
        (LABELS, ["a"] * 60, {"group": "g", "held_out": ["b"]}, "none would be held out"),
        (LABELS, ["a"] * 60, {"group": "g", "held_out": ["a"]}, "all would be held out"),
        (["a", "b"] * 30, ["train"] * 2 + ["val"] * 58, {"group": "g", "held_out": ["val"]}, "has one image to fit"),
    ],
)
def test_what_cannot_be_split_is_refused(
    labels: list[str], groups: list[str], changes: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        LabelledSplit.of(IDS, labels, groups, spec(**changes))
