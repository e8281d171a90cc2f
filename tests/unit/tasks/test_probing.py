"""Tasks of probing: what is held out is part of the protocol, and what makes no sense is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from vtbench.tasks import TaskSpec, load_task

TASK: dict[str, Any] = {
    "name": "told",
    "version": 1,
    "kind": "probing",
    "summary": "Labels.",
    "preprocess": {"preset": "adm-center-crop@1", "size": 64},
    "image_metrics": ["psnr"],
    "probing_metrics": ["linear_probe_top1", "knn_top1"],
    "probing": {"label": "species", "group": "video"},
}


def task(**changes: Any) -> TaskSpec:
    return TaskSpec.model_validate({**TASK, **changes})


@pytest.mark.parametrize("name", ["probing-mini", "probing-folder", "probing-splits", "imagenet256-probing"])
def test_shipped_tasks_keep_codes_and_labels(name: str) -> None:
    shipped = load_task(name)
    assert shipped.keeps_codes and shipped.probing is not None and shipped.probing.label in shipped.kept_fields
    assert len(shipped.probing_metrics) == 3 and {"linear_probe_top1", "knn_top1"} <= set(shipped.table)


def test_labels_and_groups_stay_in_the_rows() -> None:
    assert task().kept_fields == ("species", "video")
    assert task(strata=["species"]).kept_fields == ("species", "video")


@pytest.mark.parametrize(
    "changes",
    [
        {"probing": {"label": "genus", "group": "video"}},
        {"probing": {"label": "species"}},
        {"probing": {"label": "species", "group": "video", "held_out": 0.3}},
        {"probing": {"label": "species", "group": "video", "held_out": ["a"]}},
        {"probing": {"label": "species", "group": "video", "split_seed": 1}},
        {"probing": {"label": "species", "group": "video", "validation": 0.1}},
        {"probing_metrics": ["linear_probe_top1", {"name": "knn_top1", "params": {"k": 10}}]},
    ],
)
def test_whatever_moves_a_number_is_in_the_protocol_id(changes: dict[str, Any]) -> None:
    assert task(**changes).protocol_id != task().protocol_id


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"probing": None}, "says under probing what is told and held out"),
        ({"probing_metrics": []}, "probing_metrics belong to tasks of probing"),
        ({"kind": "reconstruction"}, "no other task does"),
        ({"probing_metrics": ["psnr"]}, "psnr is a metric of kind image"),
        ({"image_metrics": ["knn_top1"]}, "knn_top1 is a metric of kind probing"),
        ({"preprocess": {"preset": "native@1"}}, "images of one size"),
        ({"probing": {"validation": 0.0}}, "greater than 0"),
        ({"probing": {"held_out": 1.0}}, "a share between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        task(**changes)
