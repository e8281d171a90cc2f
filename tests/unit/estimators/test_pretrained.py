"""Depth and segmentation with networks of transformers, tiny and seeded, saved and loaded as any checkpoint is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor

from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.core.naming.reference import parse_reference
from vtbench.estimators import MAP_ESTIMATORS
from vtbench.estimators.depth import Depth
from vtbench.estimators.segmentation import Segmentation

transformers: Any = pytest.importorskip("transformers", reason="the extra hub")
CLASSES = {0: "sky", 1: "wall", 2: "person"}


@pytest.fixture(scope="module")
def photos() -> Tensor:
    whole = torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1)
    return torch.stack([whole[:, y : y + 60, x : x + 84] for y, x in ((60, 170), (300, 20))])


def dpt() -> tuple[Any, Any]:
    config = transformers.DPTConfig(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=37, image_size=64, patch_size=16,
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[16, 16, 32, 32], fusion_hidden_size=32, is_hybrid=False,
    )  # fmt: skip
    processor = transformers.DPTImageProcessor(size={"height": 64, "width": 64})
    return transformers.DPTForDepthEstimation(config), processor


def mask2former() -> tuple[Any, Any]:
    backbone = transformers.SwinConfig(
        image_size=64, embed_dim=12, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=2,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.Mask2FormerConfig(
        backbone_config=backbone, feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=32,
        encoder_layers=1, decoder_layers=2, num_attention_heads=2, dim_feedforward=32, num_queries=8, id2label=CLASSES,
    )  # fmt: skip
    processor = transformers.Mask2FormerImageProcessor(size={"height": 64, "width": 64})
    return transformers.Mask2FormerForUniversalSegmentation(config), processor


def segformer() -> tuple[Any, Any]:
    config = transformers.SegformerConfig(
        hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 1, 1], decoder_hidden_size=16,
        id2label=CLASSES,
    )  # fmt: skip
    processor = transformers.SegformerImageProcessor(size={"height": 64, "width": 64})
    return transformers.SegformerForSemanticSegmentation(config), processor


MADE = {"dpt": dpt, "mask2former": mask2former, "segformer": segformer}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of ``save_pretrained`` each."""
    found = {}
    for name, make in MADE.items():
        torch.manual_seed(0)
        network, processor = make()
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.ndim > 1:  # initialised too small for maps that vary
                    parameter.normal_(0, (2 / parameter[0].numel()) ** 0.5)
        found[name] = tmp_path_factory.mktemp(name)
        network.save_pretrained(found[name])
        processor.save_pretrained(found[name])
    return found


def by_the_library(folder: Path, auto: str, photos: Tensor) -> tuple[Any, Any]:
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    network = getattr(transformers, auto).from_pretrained(folder).eval()
    with torch.inference_mode():
        return network(**processor(images=list(photos), return_tensors="pt")), processor


def test_depth_is_what_the_library_gives(folders: dict[str, Path], photos: Tensor) -> None:
    estimator = MAP_ESTIMATORS.create(parse_reference(f"depth,model={folders['dpt']}"))
    found = estimator(photos)
    outputs, processor = by_the_library(folders["dpt"], "DPTForDepthEstimation", photos)
    expected = processor.post_process_depth_estimation(outputs, target_sizes=[(60, 84)] * 2)
    assert estimator.gives == "depth" and found.dtype == torch.float32 and found.std() > 1e-3
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs["predicted_depth"], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found[0], F.interpolate(found[1][None, None], (60, 84))[0, 0])


@pytest.mark.parametrize(
    ("name", "auto"),
    [("mask2former", "Mask2FormerForUniversalSegmentation"), ("segformer", "SegformerForSemanticSegmentation")],
)
def test_labels_are_what_the_library_gives(folders: dict[str, Path], photos: Tensor, name: str, auto: str) -> None:
    estimator = Segmentation(str(folders[name]))
    found = estimator(photos)
    outputs, processor = by_the_library(folders[name], auto, photos)
    expected = torch.stack(processor.post_process_semantic_segmentation(outputs, target_sizes=[(60, 84)] * 2))
    assert estimator.gives == "labels" and estimator.labels == ("sky", "wall", "person")
    assert found.dtype == torch.int64 and found.shape == (2, 60, 84) and len(found.unique()) > 1
    assert (found != expected).double().mean() < 0.001


def test_maps_do_not_depend_on_the_images_beside_nor_on_threads(folders: dict[str, Path], photos: Tensor) -> None:
    before = torch.get_num_threads()
    for estimator in (Depth(str(folders["dpt"])), Segmentation(str(folders["mask2former"]))):
        try:
            torch.set_num_threads(2)
            together = estimator(photos)
            torch.set_num_threads(1)
            assert torch.equal(estimator(photos[1:]), together[1:])
        finally:
            torch.set_num_threads(before)


def test_ids_follow_the_files(folders: dict[str, Path], tmp_path: Path) -> None:
    torch.manual_seed(1)
    network, processor = dpt()
    for part in (network, processor):
        part.save_pretrained(tmp_path)
    first, second = Depth(str(folders["dpt"])), Depth(str(tmp_path))
    assert first.id == Depth(str(folders["dpt"])).id != second.id and first.id.startswith("depth-")
    assert str(tmp_path) not in second.id


def test_other_networks_and_missing_files_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="is a segformer"):
        Depth(str(folders["segformer"]))
    with pytest.raises(AdapterError, match=r"does not fit: .* are missing"):
        Segmentation(str(folders["dpt"]))
    with pytest.raises(AssetMissingError, match=r"no config\.json"):
        Depth(str(tmp_path))
    with pytest.raises(AssetMissingError, match="no folder"):
        Segmentation("./nowhere")
