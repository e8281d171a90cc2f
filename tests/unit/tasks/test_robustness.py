"""Tasks of robustness: what their files may say, what moves their protocol, and the metrics' names."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.lookup import is_own, metric_info, metric_names
from vtbench.tasks import TaskSpec, load_task

TASK: dict[str, Any] = {
    "name": "mine",
    "version": 1,
    "kind": "robustness",
    "summary": "As it is.",
    "preprocess": {"preset": "native@1"},
    "image_metrics": ["psnr"],
    "robustness_metrics": ["code_agreement", "psnr_perturbed"],
}


@pytest.mark.parametrize(
    "name", ["robustness-mini", "robustness-folder", "imagenet256-robustness", "precision-mini", "precision-folder"]
)
def test_shipped_ones_are_of_tokenizers(name: str) -> None:
    task = load_task(name)
    assert task.kind == "robustness" and not task.of_generators and task.robustness_metrics


@pytest.mark.parametrize(
    "asked",
    [
        ["code_agreement"],
        ["code_agreement", {"name": "psnr_perturbed", "params": {"rate": 0.1}}],
        ["code_agreement", {"name": "psnr_perturbed", "params": {"strength": 5}}],
    ],
)
def test_what_moves_a_number_moves_the_protocol(asked: list[Any]) -> None:
    changed = TaskSpec.model_validate({**TASK, "robustness_metrics": asked})
    assert changed.protocol_id != TaskSpec.model_validate(TASK).protocol_id


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"robustness_metrics": []}, "robustness_metrics belong to tasks of robustness, which name at least one"),
        ({"kind": "reconstruction"}, "robustness_metrics belong to tasks of robustness"),
        ({"robustness_metrics": ["psnr"]}, "psnr is a metric of kind image, listed under robustness_metrics"),
        ({"image_metrics": ["psnr", "psnr_perturbed"]}, "psnr_perturbed is a metric of kind robustness"),
        ({"robustness_metrics": ["ssim_perturbed"]}, "ssim_perturbed is read beside ssim: ask for that too"),
        ({"robustness_metrics": ["fid_perturbed"]}, "fid_perturbed is read beside fid"),
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TaskSpec.model_validate({**TASK, **changed})


def test_parameters_are_checked_with_the_file() -> None:
    wrong = [{"name": "code_agreement_noise", "params": {"sigma": 999}}]
    with pytest.raises(UsageError, match="sigma must lie between 0 and 255"):
        TaskSpec.model_validate({**TASK, "robustness_metrics": wrong})


def test_a_perturbed_metric_means_what_the_plain_one_does() -> None:
    for name in ("psnr", "lpips_alex", "fid", "kid_efflite0"):
        plain, perturbed = metric_info(name), metric_info(f"{name}_perturbed")
        assert perturbed.kind == "robustness" and is_own(perturbed.name) and perturbed.name in metric_names()
        assert (perturbed.unit, perturbed.higher_is_better, perturbed.aggregation, perturbed.version) == (
            plain.unit,
            plain.higher_is_better,
            plain.aggregation,
            plain.version,
        )
    assert metric_info("psnr_pooled_perturbed").row_column == "mse_perturbed"
    with pytest.raises(UsageError, match="unknown metric"):
        metric_info("nothing_perturbed")
