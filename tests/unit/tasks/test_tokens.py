"""Tasks of tokens: what their files may say, and what moves their protocol."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from vtbench.tasks import TaskSpec, load_task

TOKENS: dict[str, Any] = {
    "name": "mine",
    "version": 1,
    "kind": "tokens",
    "summary": "As it is.",
    "preprocess": {"preset": "native@1"},
    "likelihood": {"given": "label"},
    "likelihood_metrics": ["code_nll_bits"],
}


def test_it_is_a_task_of_generators_on_images() -> None:
    task = TaskSpec.model_validate(TOKENS)
    assert task.of_generators and not task.of_pixels
    assert TaskSpec.model_validate({**TOKENS, "likelihood_metrics": ["bits_per_dim"]}).of_pixels
    assert not load_task("photos-mini").of_generators and load_task("generation-mini").of_generators


@pytest.mark.parametrize(
    "changed",
    [
        {"likelihood": {"given": "nothing"}},
        {"likelihood_metrics": ["code_nll_bits_per_pixel"]},
        {"preprocess": {"preset": "adm-center-crop@1", "size": 64}},
    ],
)
def test_what_moves_a_number_moves_the_protocol(changed: dict[str, Any]) -> None:
    assert TaskSpec.model_validate({**TOKENS, **changed}).protocol_id != TaskSpec.model_validate(TOKENS).protocol_id


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"likelihood": None}, "says under likelihood what is given"),
        ({"kind": "reconstruction", "image_metrics": ["psnr"]}, "says under likelihood what is given"),
        ({"likelihood_metrics": []}, "likelihood_metrics belong to tasks of tokens, which name at least one"),
        ({"likelihood_metrics": ["psnr"]}, "psnr is a metric of kind image, listed under likelihood_metrics"),
        ({"image_metrics": ["psnr"]}, "psnr needs a model's images, and nothing is decoded here"),
        ({"set_metrics": ["fid"]}, "fid needs a model's images"),
        ({"code_metrics": ["code_js_divergence"]}, "nothing is sampled here"),
        ({"code_metrics": ["bits_per_pixel"], "likelihood_metrics": ["bits_per_dim"]}, "give it a task of its own"),
        ({"conditions": {"of": "none", "count": 4}}, "a generation task has conditions, and no other task has"),
        ({"likelihood": {"given": "class"}}, "Input should be 'label', 'text' or 'nothing'"),
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TaskSpec.model_validate({**TOKENS, **changed})
