"""Image metrics and feature extractors on a fake GPU: nothing on the wrong device; from the second batch on nothing is
sent, and nothing is read back but what is named.

Set and code metrics are NumPy on the host: features and codes come down once a batch, when its rows are stored, and no
metric of theirs ever sees the device. ``edge_f1`` is scikit-image's Canny and reads every image; NumPy takes no fake
tensor.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import timm
import torch
from i3d_weights import random_state
from torch import Tensor
from traffic import GPU, FakeGpu

from vtbench.core.naming.reference import Reference
from vtbench.estimators.hed import Hed, HedBsdsRetrained
from vtbench.features.clip.extractors import ClipL14
from vtbench.features.dinov2 import SIDE, DinoV2
from vtbench.features.efflite0 import EfficientNetLite0
from vtbench.features.i3d import I3dKinetics400
from vtbench.features.inception import InceptionClean, InceptionTF
from vtbench.features.vgg16 import Vgg16
from vtbench.metrics.catalog.images import BLOCK_REGISTRY, IMAGE_REGISTRY
from vtbench.metrics.catalog.videos import VIDEO_REGISTRY
from vtbench.metrics.images.clip_score import ClipScore

ON_THE_HOST = "edge_f1"
IMAGE_METRICS = [name for name in (*IMAGE_REGISTRY.builtin, *BLOCK_REGISTRY.builtin) if name != ON_THE_HOST]
READ_BACK = {
    "band_error": {"metrics/images/band_error.py:__call__": 1},
    "compat_vtbench_ssim": {"metrics/images/compat_vtbench.py:__call__": 1},
}
ARCHITECTURE = "tiny-clip-on-a-fake-gpu"


def images() -> Tensor:
    return torch.zeros(4, 3, 192, 192, dtype=torch.uint8, device=GPU)


def crossed(gpu: FakeGpu, act: Callable[[], Any]) -> tuple[dict[str, int], dict[str, int]]:
    """What the second of two equal calls reads back, and what it sends; constants go there in the first."""
    act()
    gpu.count_anew()
    act()
    return dict(gpu.to_host), dict(gpu.to_device)


@pytest.mark.parametrize("name", IMAGE_METRICS)
def test_image_metrics(name: str) -> None:
    metric: Any = (IMAGE_REGISTRY if name in IMAGE_REGISTRY else BLOCK_REGISTRY).create(Reference(name, {}))
    with FakeGpu() as gpu:
        if hasattr(metric, "to"):
            metric.to(device=GPU)
        prediction, reference = images(), images()
        found = crossed(gpu, lambda: metric(prediction, reference, [None] * 4))
    assert found == (READ_BACK.get(name, {}), {})


@pytest.mark.parametrize("name", VIDEO_REGISTRY.builtin)
def test_video_metrics(name: str) -> None:
    metric: Any = VIDEO_REGISTRY.create(Reference(name, {}))
    with FakeGpu() as gpu:
        if hasattr(metric, "to"):
            metric.to(device=GPU)
        prediction, reference = (images()[..., :64, :64].unflatten(0, (2, 2)) for _ in range(2))
        found = crossed(gpu, lambda: metric(prediction, reference, [None] * 2))
    assert found == ({}, {})


def inception_state() -> dict[str, Tensor]:
    """Zeros of the network's shapes."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Unloaded(FeatureExtractorInceptionV3):
        def load_state_dict(self, *_: object, **__: object) -> None:  # type: ignore[override]
            return None

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    network = Unloaded("unloaded", ["2048"], feature_extractor_weights_path=nothing)
    return {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}


@pytest.fixture
def tiny_clip(tmp_path: Path) -> Any:
    config = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 224, "layers": 2, "width": 32, "patch_size": 56, "head_width": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    file = tmp_path / f"{ARCHITECTURE}.json"
    file.write_text(json.dumps(config))
    open_clip.add_model_config(file)
    return open_clip.create_model(ARCHITECTURE, load_weights=False).eval()


EXTRACTORS: dict[str, Callable[[Any], Any]] = {
    "inception_tf": lambda _: InceptionTF(inception_state()),
    "inception_clean": lambda _: InceptionClean(inception_state()),
    "efflite0": lambda _: EfficientNetLite0(),
    "vgg16": lambda _: Vgg16(),
    "clip": lambda clip: ClipL14(model=clip),
    "dinov2": lambda _: DinoV2(
        model=timm.create_model("vit_small_patch14_dinov2", num_classes=0, img_size=SIDE, depth=2).eval()
    ),
}


@pytest.mark.parametrize("name", EXTRACTORS)
def test_extractors(name: str, tiny_clip: Any) -> None:
    """Their resizes among them: what Pillow does on a CPU is done there, too."""
    extractor = EXTRACTORS[name](tiny_clip)
    with FakeGpu() as gpu:
        extractor.to(device=GPU)
        shown = images()
        assert {features.device for features in extractor(shown).values()} == {GPU}
        found = crossed(gpu, lambda: extractor(shown))
    assert found == ({}, {})


def test_an_extractor_of_videos() -> None:
    extractor = I3dKinetics400(random_state())
    with FakeGpu() as gpu:
        extractor.to(device=GPU)
        shown = torch.zeros(2, 9, 3, 32, 32, dtype=torch.uint8, device=GPU)
        assert extractor(shown)["logits"].device == GPU
        found = crossed(gpu, lambda: extractor(shown))
    assert found == ({}, {})


def test_edges() -> None:
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Hed().state_dict().items()}
    estimator = HedBsdsRetrained({name: torch.zeros(shape) for name, shape in shapes.items()})
    with FakeGpu() as gpu:
        estimator.to(device=GPU)
        shown = images()
        assert estimator(shown).device == GPU
        found = crossed(gpu, lambda: estimator(shown))
    assert found == ({}, {})


def test_prompts_are_sent_once_a_batch(tiny_clip: Any) -> None:
    score = ClipScore(model=tiny_clip, side=224)
    with FakeGpu() as gpu:
        score.to(device=GPU)
        shown = images()
        found = crossed(gpu, lambda: score(shown, ["a cup", "a cat", "", "two words"]))
    assert found == ({}, {"features/clip/directions.py:_each": 1})
