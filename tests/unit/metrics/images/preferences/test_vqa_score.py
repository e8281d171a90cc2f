"""What ``vqa_score`` asks of its package, which stands in here: the package itself asks for a GPU of 40 GB."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.metrics.images.preferences.vqa import VqaScore

PROMPTS = ["a cup {0}", 'a "red" rocket']
IMAGES = torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


class Asked:
    """The package's scorer: a row an image, a column a text."""

    made: list[tuple[str, str]]
    asked: list[str]

    def __init__(self, model: str, device: str, cache_dir: str) -> None:
        if model == "clip-flant5-xl":
            raise OSError("no such repository")
        self.made.append((model, device))

    def __call__(self, images: list[str], texts: list[str], **said: str) -> torch.Tensor:
        self.asked += [said["question_template"].format(text) for text in texts]
        assert said["answer_template"].format("x") == "Yes" and len(images) == len(texts) == 1
        level = np.asarray(Image.open(images[0]).convert("RGB")).astype(float).mean() / 255
        return torch.tensor([[level]])


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> type[Asked]:
    Asked.made, Asked.asked = [], []
    names = ["clip-flant5-xxl", "clip-flant5-xl"]
    module: Any = SimpleNamespace(VQAScore=Asked, list_all_vqascore_models=lambda: names)
    monkeypatch.setitem(sys.modules, "t2v_metrics", module)
    return Asked


def test_the_question_is_the_papers_of_one_image_at_a_time(package: type[Asked]) -> None:
    metric = VqaScore()
    assert package.made == []
    found = metric.to(device="cpu")(IMAGES, PROMPTS)
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx((IMAGES.double().mean((1, 2, 3)) / 255).tolist(), rel=1e-6)
    assert package.made == [("clip-flant5-xxl", "cpu")]
    shown = 'Does this figure show "{}"? Please answer yes or no.'
    assert package.asked == [shown.replace("{}", prompt) for prompt in PROMPTS]
    assert metric(IMAGES[1:], PROMPTS[1:]).tolist() == found[1:].tolist()
    assert VqaScore()(IMAGES[:0], []).tolist() == []
    assert not hasattr(metric, "cut")


def test_what_cannot_be_had_is_told(package: type[Asked], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no network 'clip'"):
        VqaScore(model="clip")
    with pytest.raises(AssetMissingError, match="no such repository"):
        VqaScore(model="clip-flant5-xl").to(device="cpu")
    monkeypatch.setitem(sys.modules, "t2v_metrics", None)
    with pytest.raises(AssetMissingError, match="needs the package t2v_metrics") as raised:
        VqaScore()
    assert "t2v-metrics==3.0" in str(raised.value.hint)
