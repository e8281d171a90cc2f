"""Which images are held out: whole groups, whatever their order, some and never all."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from vtbench.core.errors import UsageError
from vtbench.run.probing.holding_out import held_out
from vtbench.tasks.sections import LearnabilitySpec, ProbeSpec

PROBE = ProbeSpec(width=16, blocks=1, heads=2, steps=3, batch=2, warmup=1, learning_rate=0.01, weight_decay=0.0)
IDS = [f"image-{number}" for number in range(40)]
GROUPS = [f"photograph-{number // 4}" for number in range(40)]


def spec(**changes: object) -> LearnabilitySpec:
    return LearnabilitySpec.model_validate({"probe": PROBE, "group": "photograph", **changes})


def test_groups_are_held_out_whole() -> None:
    found = held_out(IDS, GROUPS, spec(held_out=0.3))
    assert sum(found) == 12
    assert len({group for group, out in zip(GROUPS, found, strict=True) if out}) == 3


def test_the_order_of_images_decides_nothing() -> None:
    found = held_out(IDS, GROUPS, spec())
    turned = held_out(IDS[::-1], GROUPS[::-1], spec())
    assert turned[::-1] == found


def test_another_seed_holds_others_out() -> None:
    assert held_out(IDS, GROUPS, spec()) != held_out(IDS, GROUPS, spec(split_seed=1))


def test_images_without_a_group_stand_for_themselves() -> None:
    assert sum(held_out(IDS, [""] * 40, spec(group=None, held_out=0.25))) == 10


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_some_are_held_out_and_never_all(share: float) -> None:
    assert 0 < sum(held_out(IDS, GROUPS, spec(held_out=share))) < 40


def test_named_groups_are_held_out() -> None:
    found = held_out(IDS, GROUPS, spec(held_out=["photograph-3", "photograph-99"]))
    assert [name for name, out in zip(IDS, found, strict=True) if out] == IDS[12:16]


@pytest.mark.parametrize("names", [["photograph-99"], ["photograph-0"]])
def test_nothing_held_out_or_nothing_left_is_refused(names: list[str]) -> None:
    with pytest.raises(UsageError, match="would be held out"):
        held_out(IDS[:4], GROUPS[:4], spec(held_out=names))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"held_out": 1.0}, "a share between 0 and 1"),
        ({"held_out": ["a"], "group": None}, "must be stated"),
        ({"probe": {**PROBE.model_dump(), "heads": 3}}, "does not divide among 3 heads"),
        ({"probe": {**PROBE.model_dump(), "warmup": 3}}, "leave none of 3"),
    ],
)
def test_a_task_that_cannot_be_fitted_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        spec(**change)
