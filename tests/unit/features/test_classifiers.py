"""EfficientNet-Lite0 and VGG16 with their real weights on real photographs."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image, ImageFilter
from torch import Tensor
from torchvision.models import vgg16
from torchvision.transforms.functional import normalize

from vtbench import assets
from vtbench.features import EXTRACTORS, WITH_LOGITS
from vtbench.features.efflite0 import EfficientNetLite0
from vtbench.features.network import NetworkExtractor
from vtbench.features.resizing import antialiased_bicubic
from vtbench.features.vgg16 import Vgg16
from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.metrics.sets.frechet import FrechetDistance
from vtbench.metrics.sets.kernel import KernelDistance

Extractors = Mapping[str, NetworkExtractor]
EGYPTIAN_CAT, TABBY, TIGER_CAT, ESPRESSO = 285, 281, 282, 967


@pytest.fixture(scope="module")
def extractors() -> Extractors:
    return {"efflite0": EfficientNetLite0(), "vgg16": Vgg16()}


def each(images: Tensor, change: Callable[[Image.Image], Image.Image]) -> Tensor:
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]
    return torch.stack([torch.from_numpy(np.array(change(picture))).permute(2, 0, 1) for picture in pictures])


def jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    def compress(picture: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return compress


def blur(radius: float) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(radius))


def relative(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


def test_the_classifier_recognises_photographs(photographs: dict[str, Tensor], extractors: Extractors) -> None:
    tops = {
        name: extractors["efflite0"](photographs[name][None])["logits"].softmax(dim=1)[0].topk(3)
        for name in ("chelsea", "coffee")
    }
    assert set(tops["chelsea"].indices.tolist()) == {EGYPTIAN_CAT, TABBY, TIGER_CAT}
    assert tops["coffee"].indices[0] == ESPRESSO and tops["coffee"].values[0] > 0.5


def test_the_stem_sees_what_it_was_trained_on(crops: Tensor) -> None:
    """The variance behind the first convolution fits its batch norm for (x - 127) / 128, and for no other rule."""
    state = assets.load_tensors("efflite0")
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(state)
    pixels = antialiased_bicubic(crops, 224)
    imagenet = normalize(pixels / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    misfit = []
    with torch.inference_mode():
        for images in ((pixels - 127) / 128, imagenet):
            variance = network.eval()._conv_stem(images).var(dim=(0, 2, 3))
            misfit.append(float((variance / state["_bn0.running_var"]).log().median().abs()))
    assert misfit[0] < 0.5 < 1.0 < misfit[1]


def test_efflite0_is_the_packages_network(crops: Tensor, extractors: Extractors) -> None:
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(assets.load_tensors("efflite0"))
    with torch.inference_mode():
        inputs = (antialiased_bicubic(crops[:3], 224) - 127) / 128
        logits, maps = network.eval()(inputs), network.extract_features(inputs)
    ours = extractors["efflite0"](crops[:3])
    assert ours["logits"].shape == (3, 1000) and ours["pool"].shape == (3, 1280)
    assert relative(ours["logits"], logits) < 1e-5
    assert relative(ours["pool"], maps.mean(dim=(2, 3))) < 1e-5


def test_vgg16_is_torchvisions_network_up_to_relu5_3(crops: Tensor, extractors: Extractors) -> None:
    layers = vgg16(weights=None).features.eval()
    weights = {n.removeprefix("features."): t for n, t in assets.load_tensors("lpips_vgg").items() if "heads" not in n}
    layers.load_state_dict(weights)
    inputs = normalize(antialiased_bicubic(crops[:1], 224) / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.inference_mode():
        maps = layers[:30](inputs)
    ours = extractors["vgg16"](crops[:1])
    assert maps.shape == (1, 512, 14, 14) and list(ours) == ["pool"]
    assert relative(ours["pool"], maps.mean(dim=(2, 3))) < 1e-5


@pytest.mark.parametrize("name", ["efflite0", "vgg16"])
def test_batches_and_layouts_do_not_matter(crops: Tensor, extractors: Extractors, name: str) -> None:
    extract = extractors[name]
    together = extract(crops[:2])["pool"]
    alone = torch.cat([extract(crops[index : index + 1])["pool"] for index in range(2)])
    assert relative(alone, together) < 1e-5
    other_layout = crops[:2].contiguous(memory_format=torch.channels_last)
    assert relative(extract(other_layout)["pool"], together) < 1e-5
    assert torch.equal(extract(crops[:2])["pool"], together)


@pytest.mark.parametrize("name", ["efflite0", pytest.param("vgg16", marks=pytest.mark.slow)])
def test_both_distances_grow_with_each_distortion(crops: Tensor, extractors: Extractors, name: str) -> None:
    extract = extractors[name]
    crops = crops[:: 1 if name == "efflite0" else 2]
    originals = ArrayFeatures(extract(crops)["pool"].numpy())
    chains = (
        [each(crops, change) for change in (jpeg(90), jpeg(30), jpeg(5))],
        [each(crops, change) for change in (blur(1), blur(3))],
    )
    for distorted in chains:
        features = [ArrayFeatures(extract(images)["pool"].numpy()) for images in distorted]
        frechet = [FrechetDistance(jackknife=0)(one, originals)["fd"].value for one in features]
        kernel = [KernelDistance(subset_size=len(crops), subsets=1)(one, originals)["kid"].value for one in features]
        assert frechet == sorted(frechet) and frechet[0] > 0
        assert kernel == sorted(kernel)


def test_identity_holds_the_fingerprint_of_the_asset(extractors: Extractors) -> None:
    assert extractors["efflite0"].id == f"efflite0-bicubic224-{assets.fingerprint('efflite0')[:12]}-float32"
    given = EfficientNetLite0(assets.load_tensors("efflite0"))
    assert given.id == extractors["efflite0"].id


def test_the_registry_and_what_extractors_say_agree() -> None:
    offered = {name: EXTRACTORS.load(name) for name in EXTRACTORS.builtin}
    assert all("logits" in offered[name].features for name in WITH_LOGITS)
    assert "logits" not in offered["vgg16"].features
    assert {asset for extractor in offered.values() for asset in extractor.required_assets} <= set(assets.names())


def test_only_uint8_images_are_taken(crops: Tensor, extractors: Extractors) -> None:
    for wrong in (crops.float(), crops[0], crops[:, :1]):
        with pytest.raises(ValueError, match=r"uint8 \[B,3,H,W\]"):
            extractors["efflite0"](wrong)


def test_process_wide_precision_is_left_as_it_was(crops: Tensor, extractors: Extractors) -> None:
    torch.set_float32_matmul_precision("high")
    try:
        extractors["efflite0"](crops[:1])
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_moving_returns_the_extractor(extractors: Extractors) -> None:
    assert extractors["efflite0"].to(device=torch.device("cpu")) is extractors["efflite0"]


@pytest.mark.parametrize("name", ["efflite0", "vgg16"])
def test_no_bit_depends_on_the_threads_nor_on_the_batch(name: str, extractors: Extractors, crops: Tensor) -> None:
    before, found = torch.get_num_threads(), []
    try:
        for threads, cut in ((1, (3,)), (3, (3,)), (2, (2, 1))):
            torch.set_num_threads(threads)
            parts = [extractors[name](part) for part in crops[:3].split(cut)]
            found.append(
                {feature: torch.cat([part[feature] for part in parts]) for feature in extractors[name].features}
            )
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(found[0][feature], other[feature]) for other in found[1:] for feature in other)
