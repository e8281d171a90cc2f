"""I3D against its definition written down a second time, and FVD against the values of the original network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from i3d_weights import random_state
from skimage import data
from torch import Tensor

from vtbench.core.errors import AssetMissingError
from vtbench.features.i3d import I3dKinetics400
from vtbench.features.i3d_layers import FEWEST_FRAMES
from vtbench.metrics.catalog.lookup import metric_info, metric_names, set_metric
from vtbench.metrics.catalog.robustness import perturbed_base
from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.metrics.sets.frechet import FrechetDistance

GOLDEN = {30: 151.39244, 16: 152.90183, 10: 569.77074}
"""All black against all white, by number of frames: of 30 the original in TensorFlow, the others in float64."""


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return random_state()


@pytest.fixture(scope="module")
def videos() -> Tensor:
    """Two of nine frames, a window moving over a photograph: ``uint8 [2,9,3,60,80]``."""
    photo = torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1)
    starts = ((50, 150, 1), (200, 20, 5))
    return torch.stack(
        [torch.stack([photo[:, y : y + 60, x + v * t : x + v * t + 80] for t in range(9)]) for y, x, v in starts]
    )


@pytest.fixture(scope="module")
def together(state: dict[str, Tensor], videos: Tensor) -> Tensor:
    """Logits of both, on two threads."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        return I3dKinetics400(state)(videos)["logits"]
    finally:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def extractor() -> I3dKinetics400:
    """With the published weights, where they are at hand."""
    try:
        return I3dKinetics400()
    except AssetMissingError:
        pytest.skip("i3d_kinetics400 is not at hand: make assets-all")


def of_the_paper(videos: Tensor, state: Mapping[str, Tensor]) -> Tensor:
    """Figure 3 of the paper in float64, term by term: "same" padding, batch norm behind each convolution, ReLU."""

    def same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], fill: float) -> Tensor:
        for axis, (k, s) in enumerate(zip(kernel, stride, strict=True), start=2):
            size = x.shape[axis]
            total = max((int(np.ceil(size / s)) - 1) * s + k - size, 0)
            edges = [list(x.shape), list(x.shape)]
            edges[0][axis], edges[1][axis] = total // 2, total - total // 2
            x = torch.cat([x.new_full(edges[0], fill), x, x.new_full(edges[1], fill)], axis)
        return x

    def unit(x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = state[f"{name}.weight"].double()
        x = F.conv3d(same(x, weight.shape[2:], (stride,) * 3, 0.0), weight, stride=stride)
        stats = (state[f"{name}.{part}"].double() for part in ("mean", "var"))
        return F.batch_norm(x, *stats, bias=state[f"{name}.bias"].double(), eps=1e-3).relu()

    def pool(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
        return F.max_pool3d(same(x, kernel, stride, -torch.inf), kernel, stride)

    def mixed(x: Tensor, name: str) -> Tensor:
        first, second, third, fourth = (f"{name}.Branch_{branch}.Conv3d_0" for branch in range(4))
        by_three = [unit(unit(x, f"{one}a_1x1"), f"{one}b_3x3") for one in (second, third)]
        return torch.cat([unit(x, f"{first}a_1x1"), *by_three, unit(pool(x, (3,) * 3, (1,) * 3), f"{fourth}b_1x1")], 1)

    small = F.interpolate(videos.flatten(0, 1).float(), (224, 224), mode="bilinear", align_corners=False)
    x = (small / 127.5 - 1).double().unflatten(0, videos.shape[:2]).transpose(1, 2)
    x = pool(unit(x, "Conv3d_1a_7x7", stride=2), (1, 3, 3), (1, 2, 2))
    x = pool(unit(unit(x, "Conv3d_2b_1x1"), "Conv3d_2c_3x3"), (1, 3, 3), (1, 2, 2))
    for stage, (letters, kernel) in {3: ("bc", 3), 4: ("bcdef", 2), 5: ("bc", 0)}.items():
        for letter in letters:
            x = mixed(x, f"Mixed_{stage}{letter}")
        x = pool(x, (kernel,) * 3, (2, 2, 2)) if kernel else x
    x = F.avg_pool3d(x, (2, 7, 7), stride=1)
    return F.conv3d(x, state["Logits.weight"].double(), state["Logits.bias"].double()).mean((2, 3, 4))


def test_the_network_is_the_papers(state: dict[str, Tensor], videos: Tensor, together: Tensor) -> None:
    found, expected = together[:1].double(), of_the_paper(videos[:1], state)
    assert found.shape == (1, 400) and expected.std() > 0.05
    assert float((found - expected).norm() / expected.norm()) < 1e-5


def test_no_bit_depends_on_threads_or_on_the_videos_beside(
    state: dict[str, Tensor], videos: Tensor, together: Tensor
) -> None:
    extract = I3dKinetics400(state)
    assert torch.equal(extract(videos[1:])["logits"], together[1:])
    assert extract.id.startswith("i3d_kinetics400-bilinear224-") and extract.to(device=torch.device("cpu")) is extract


def test_what_is_no_video_is_refused(state: dict[str, Tensor], videos: Tensor) -> None:
    extract = I3dKinetics400(state)
    for wrong in (videos[0], videos.float(), videos.transpose(1, 2)):
        with pytest.raises(ValueError, match=r"uint8 \[B,T,3,H,W\]"):
            extract(wrong)
    with pytest.raises(ValueError, match=f"{FEWEST_FRAMES} frames or more, these have 8"):
        extract(videos[:, :8])


@pytest.mark.parametrize("frames", GOLDEN)
def test_black_against_white_is_what_the_original_network_says(extractor: I3dKinetics400, frames: int) -> None:
    """Published for 30 frames (the README of JunyaoHu/common_metrics_on_video_quality, 5f75173)."""
    levels = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1, 1)
    logits = extractor(levels.expand(2, frames, 3, 224, 224))["logits"].numpy()
    black, white = (ArrayFeatures(np.repeat(row[None], 3, axis=0)) for row in logits)
    fvd = FrechetDistance(jackknife=0)
    assert fvd(black, white)["fd"].value == pytest.approx(GOLDEN[frames], rel=1e-5)
    assert fvd(black, black)["fd"].value == pytest.approx(0.0, abs=1e-9)


def test_distances_of_videos_have_names_of_their_own() -> None:
    assert {"fvd", "kvd"} <= set(metric_names())
    for name, estimator, output in (("fvd", "frechet", "fd"), ("kvd", "kernel", "kid")):
        entry = set_metric(name)
        assert entry is not None and entry.of_videos
        assert (entry.estimator, entry.extractor, entry.feature, entry.output) == (
            estimator, "i3d_kinetics400", "logits", output,
        )  # fmt: skip
        assert metric_info(name).higher_is_better is False
    for name in ("fd_i3d_kinetics400", "kid_i3d_kinetics400", "is_i3d_kinetics400", "fvd_efflite0", "kvd_dinov2"):
        assert set_metric(name) is None  # images and videos are not mixed
    assert perturbed_base("fvd_perturbed") is None
    plain = set_metric("fd_efflite0")
    assert plain is not None and not plain.of_videos
