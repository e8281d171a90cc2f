"""Both Inception extractors against torch-fidelity and clean-fid, with the same seeded weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from cleanfid.inception_torchscript import InceptionV3W
from cleanfid.resize import build_resizer
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

from vtbench.features.inception import InceptionClean, InceptionPytorch, InceptionTF
from vtbench.features.resizing import pillow_bicubic_float, tf1_bilinear
from vtbench.metrics.feature_matrix import ArrayFeatures
from vtbench.metrics.sets.frechet import FrechetDistance

State = dict[str, Tensor]


def relative(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


def clean_fid_resize(images: Tensor) -> Tensor:
    resize = build_resizer("clean")
    return torch.stack([torch.from_numpy(resize(image.permute(1, 2, 0).numpy())).permute(2, 0, 1) for image in images])


class _Exported(nn.Module):
    """The network after its normalisation, laid out as the archive clean-fid loads."""

    def __init__(self, network: FeatureExtractorInceptionV3) -> None:
        super().__init__()
        blocks = [module for name, module in network.named_children() if name != "fc"]
        self.layers = torch.jit.trace(nn.Sequential(*blocks), torch.zeros(1, 3, 299, 299))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def test_features_are_torch_fidelitys(
    crops: Tensor, inception_state: State, torch_fidelity_inception: FeatureExtractorInceptionV3
) -> None:
    images = crops[:4]
    ours = InceptionTF(inception_state)(images)
    pool, logits = torch_fidelity_inception(images)
    assert ours["pool"].shape == (4, 2048) and ours["logits"].shape == (4, 1008)
    assert ours["pool"].dtype == ours["logits"].dtype == torch.float32
    assert relative(ours["pool"], pool) < 1e-5
    assert relative(ours["logits"], logits) < 1e-5
    # The weights tell pictures apart, so agreeing is not agreeing on a constant.
    assert relative(pool[0], pool[1]) > 0.01


def test_spatial_features_are_seven_channels_of_the_first_branch_of_mixed_6(
    crops: Tensor, inception_state: State, torch_fidelity_inception: FeatureExtractorInceptionV3
) -> None:
    """ADM's ``mixed_6/conv``, read by a hook on torch-fidelity's own network."""
    seen: list[Tensor] = []
    hook = torch_fidelity_inception.Mixed_6d.branch1x1.register_forward_hook(lambda *call: seen.append(call[2]))
    torch_fidelity_inception(crops[:2])
    hook.remove()
    found = InceptionTF(inception_state)(crops[:2])["spatial"]
    assert found.shape == (2, 2023)
    assert relative(found, seen[0][:, :7].flatten(1)) < 1e-5


def test_fid_is_torch_fidelitys(
    crops: Tensor, inception_state: State, torch_fidelity_inception: FeatureExtractorInceptionV3
) -> None:
    halves = crops[0::4], crops[1::4].flip(-1)
    # 200 of the features: torch-fidelity takes eigenvalues of a D×D product, however few the samples.
    ours = [ArrayFeatures(InceptionTF(inception_state)(half)["pool"][:, :200].numpy()) for half in halves]
    theirs = [torch_fidelity_inception(half)[0].double()[:, :200] for half in halves]
    expected = fid_statistics_to_metric(*map(fid_features_to_statistics, theirs), verbose=False)[KEY_METRIC_FID]
    assert expected > 0
    assert FrechetDistance(jackknife=0)(*ours)["fd"].value == pytest.approx(expected, rel=1e-5)


def test_clean_resize_is_clean_fids_bit_for_bit(photographs: dict[str, Tensor], crops: Tensor) -> None:
    for images in (crops[:3], photographs["china"][None], photographs["flower"][None, :, :100, :80]):
        assert torch.equal(pillow_bicubic_float(images, 299), clean_fid_resize(images))


def test_tf1_resize_is_the_formula(crops: Tensor) -> None:
    """Output pixel i reads position i · (input / output), between floor and floor + 1, in float64 for reference."""
    images = crops[:1, :, :100, :77]
    rows, columns = (np.arange(299) * (size / 299) for size in images.shape[-2:])
    y, x = np.floor(rows).astype(int), np.floor(columns).astype(int)
    y1, x1 = np.minimum(y + 1, 99), np.minimum(x + 1, 76)
    dy, dx = (rows - y)[:, None], columns - x
    pixels = images[0].double().numpy()
    top = pixels[:, y][:, :, x] * (1 - dx) + pixels[:, y][:, :, x1] * dx
    bottom = pixels[:, y1][:, :, x] * (1 - dx) + pixels[:, y1][:, :, x1] * dx
    ours = tf1_bilinear(images, 299)
    np.testing.assert_allclose(ours[0].numpy(), top * (1 - dy) + bottom * dy, atol=2e-2)


def test_tf1_resize_is_torch_fidelitys_bit_for_bit(photographs: dict[str, Tensor], crops: Tensor) -> None:
    for images in (crops[:3], photographs["china"][None], photographs["flower"][None, :, :100, :80]):
        theirs = interpolate_bilinear_2d_like_tensorflow1x(images.float(), size=(299, 299), align_corners=False)
        assert torch.equal(tf1_bilinear(images, 299), theirs)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning")
def test_clean_features_are_those_of_clean_fids_own_wrapper(
    crops: Tensor, inception_state: State, torch_fidelity_inception: FeatureExtractorInceptionV3, tmp_path: Path
) -> None:
    """clean-fid's forward, with its own normalisation, around an archive that holds the same weights."""
    torch.jit.script(_Exported(torch_fidelity_inception)).save(str(tmp_path / "inception-2015-12-05.pt"))
    theirs = InceptionV3W(str(tmp_path), download=False, resize_inside=False)
    with torch.inference_mode():
        expected = theirs(clean_fid_resize(crops[:1]))
    assert relative(InceptionClean(inception_state)(crops[:1])["pool"], expected) < 1e-5
    assert relative(InceptionTF(inception_state)(crops[:1])["pool"], expected) > 1e-3


def test_batches_do_not_matter(crops: Tensor, inception_state: State) -> None:
    for extractor in (InceptionTF, InceptionClean):
        extract = extractor(inception_state)
        together = extract(crops[:3])
        alone = torch.cat([extract(crops[index : index + 1])["pool"] for index in range(3)])
        assert relative(alone, together["pool"]) < 1e-5


def test_identity_names_resize_and_weights(inception_state: State) -> None:
    other = inception_state | {"fc.bias": inception_state["fc.bias"] + 1}
    ids = [InceptionTF(inception_state).id, InceptionTF(other).id, InceptionClean(inception_state).id]
    assert len(set(ids)) == 3
    assert ids[0].startswith("inception_tf-tf1bilinear299-") and ids[0].endswith("-float32")
    assert ids[0].split("-")[2] == ids[2].split("-")[2]


def test_incomplete_weights_are_refused(inception_state: State) -> None:
    with pytest.raises(RuntimeError, match=r"Mixed_6c\.branch1x1\.conv\.weight"):
        InceptionTF({name: tensor for name, tensor in inception_state.items() if "Mixed_6c.branch1x1" not in name})


def test_pytorch_features_are_those_of_pytorch_fids_forward(
    crops: Tensor, inception_state: State, torch_fidelity_inception: FeatureExtractorInceptionV3
) -> None:
    """pytorch-fid's forward: values in [0, 1], plain bilinear, ``2 x - 1``, then the blocks; the same weights."""
    blocks = nn.Sequential(*(module for name, module in torch_fidelity_inception.named_children() if name != "fc"))
    resized = nn.functional.interpolate(crops[:2] / 255, (299, 299), mode="bilinear", align_corners=False)
    with torch.inference_mode():
        expected = blocks(2 * resized - 1).flatten(1)
    found = InceptionPytorch(inception_state)(crops[:2])["pool"]
    assert relative(found, expected) < 1e-5
    assert relative(InceptionTF(inception_state)(crops[:2])["pool"], expected) > 1e-4
