"""The background of edits: exact where nothing but the mask changed, whatever the mask's area; and PIE-Bench's own."""

from __future__ import annotations

import math

import lpips
import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from vtbench.assets.conversion import SQUEEZE_HEADS, installed_lpips_heads
from vtbench.core.contracts import Condition, ConditionMetric
from vtbench.data.condition_sources.embedded.edit_mini import EditMini
from vtbench.metrics.conditioned.editing.background import MseBackground, PsnrBackground, SsimBackground
from vtbench.metrics.conditioned.editing.compat_pie import (
    CompatPieLpips,
    CompatPieMse,
    CompatPiePsnr,
    CompatPieSsim,
)
from vtbench.metrics.conditioned.editing.distances import L1, L2
from vtbench.metrics.conditioned.editing.perceptual import LpipsAlexBackground, LpipsSqueezeBackground
from vtbench.metrics.images.lpips import LpipsAlex


def noise(*shape: int, seed: int = 0, high: int = 256) -> Tensor:
    return torch.randint(0, high, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def rectangle(top: int, bottom: int, left: int, right: int, side: int = 64) -> Tensor:
    mask = torch.zeros(3, side, side, dtype=torch.uint8)
    mask[:, top:bottom, left:right] = 255
    return mask


def scored(metric: ConditionMetric, image: Tensor, source: Tensor, mask: Tensor) -> float:
    values = metric(image[None], [Condition(images={"source": source, "mask": mask})])
    assert isinstance(values, Tensor)
    return float(values[0])


def squeeze_tensors() -> tuple[dict[str, Tensor], lpips.LPIPS]:
    """LPIPS' own network over a SqueezeNet of seeded weights, its heads the published ones, and the same as tensors."""
    torch.manual_seed(0)
    theirs = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False).eval()
    tensors = {}
    for piece in range(1, 8):
        for name, value in getattr(theirs.net, f"slice{piece}").state_dict().items():
            tensors[f"features.{name}"] = value
    heads = {name: torch.from_numpy(value) for name, value in installed_lpips_heads("squeeze", SQUEEZE_HEADS).items()}
    return {**tensors, **heads}, theirs


def test_an_edit_inside_its_mask_leaves_a_perfect_background() -> None:
    perfect = {
        PsnrBackground(): math.inf,
        SsimBackground(): 1.0,
        MseBackground(): 0.0,
        LpipsAlexBackground(): 0.0,
        CompatPiePsnr(): math.inf,
        CompatPieMse(): 0.0,
    }
    for sample in EditMini(count=6).conditions.samples:
        condition = sample.condition
        truth, source = condition.image("truth"), condition.image("source")
        assert (truth != source).any(), sample.id
        found = {metric: float(metric(truth[None], [condition])[0]) for metric in perfect}
        assert found == perfect, sample.id
        assert float(PsnrBackground()(torch.roll(source, 1, 2)[None], [condition])[0]) < 60


def test_values_do_not_depend_on_the_area_of_the_mask_where_the_fault_is_even() -> None:
    tile, off = noise(3, 16, 16, seed=1), noise(3, 16, 16, seed=2, high=30)
    source = (tile // 2).repeat(1, 10, 10)
    image = (tile // 2 + off).repeat(1, 10, 10)
    masks = [rectangle(32, 64, 32, 64, side=160), rectangle(16, 144, 16, 112, side=160)]
    shares = [1 - float(mask[0].float().mean()) / 255 for mask in masks]
    right = {metric: [scored(metric, image, source, mask) for mask in masks] for metric in _right()}
    for metric, (small, large) in right.items():
        # SSIM and LPIPS look at windows: where those begin in the tile is not quite even
        assert large == pytest.approx(small, rel=1e-12 if "mse" in metric.info.name else 0.04), metric.info.name
    compat = [scored(CompatPieMse(), image, source, mask) for mask in masks]
    assert compat == pytest.approx(
        [right_value * share for right_value, share in zip(right[_MSE], shares, strict=True)]
    )
    assert compat[0] > 1.8 * compat[1]
    psnrs = [scored(CompatPiePsnr(), image, source, mask) for mask in masks]
    assert psnrs[1] - psnrs[0] == pytest.approx(10 * math.log10(shares[0] / shares[1]))
    ssims = [scored(CompatPieSsim(), image, source, mask) for mask in masks]
    lost = [1 - value for value in ssims]
    assert lost[1] < 0.7 * lost[0]


_MSE = MseBackground()


def _right() -> list[ConditionMetric]:
    return [_MSE, SsimBackground(), LpipsAlexBackground()]


def test_against_masked_arrays_and_scikit_image() -> None:
    image, source, mask = noise(3, 64, 64, seed=3), noise(3, 64, 64, seed=4), rectangle(10, 30, 22, 50)
    kept = (mask == 0).numpy()
    difference = image.numpy().astype(np.float64)[kept] - source.numpy()[kept]
    error = float(np.mean((difference / 255) ** 2))
    assert scored(MseBackground(), image, source, mask) == pytest.approx(error, rel=1e-12)
    assert scored(PsnrBackground(), image, source, mask) == pytest.approx(-10 * math.log10(error), rel=1e-12)
    _, full = structural_similarity(
        image.numpy(),
        source.numpy(),
        full=True,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=0,
    )
    centres = [
        full[:, y, x].mean() for y in range(5, 59) for x in range(5, 59) if kept[0, y - 5 : y + 6, x - 5 : x + 6].all()
    ]
    assert scored(SsimBackground(), image, source, mask) == pytest.approx(float(np.mean(centres)), rel=1e-9)


def test_lpips_of_an_empty_mask_is_lpips_and_what_is_masked_does_not_count() -> None:
    image, source = noise(3, 64, 64, seed=5), noise(3, 64, 64, seed=6)
    metric = LpipsAlexBackground()
    nothing = torch.zeros(3, 64, 64, dtype=torch.uint8)
    assert scored(metric, image, source, nothing) == pytest.approx(float(LpipsAlex()(image[None], source[None])))
    mask = rectangle(8, 40, 8, 40)
    changed = torch.where(mask > 0, 255 - image, image)
    assert scored(metric, image, source, mask) == scored(metric, changed, source, mask)


def test_compat_values_are_those_of_torchmetrics_and_lpips_on_blackened_images() -> None:
    image, source, mask = noise(3, 64, 64, seed=7), noise(3, 64, 64, seed=8), rectangle(5, 33, 7, 60)
    dark = [(one * (mask == 0)).float()[None] / 255 for one in (image, source)]
    expected = float(peak_signal_noise_ratio(*dark, data_range=1.0))
    assert scored(CompatPiePsnr(), image, source, mask) == pytest.approx(expected, rel=1e-6)
    expected = float(structural_similarity_index_measure(*dark, data_range=1.0))
    assert scored(CompatPieSsim(), image, source, mask) == pytest.approx(expected, rel=1e-4)
    tensors, theirs = squeeze_tensors()
    with torch.inference_mode():
        expected = float(theirs(*(one * 2 - 1 for one in dark)))
    assert scored(CompatPieLpips(tensors), image, source, mask) == pytest.approx(expected, rel=1e-5)
    assert scored(LpipsSqueezeBackground(tensors), image, source, mask) > 0


def test_squeeze_nets_shortest_side() -> None:
    tensors, _ = squeeze_tensors()
    metric = CompatPieLpips(tensors)
    black = torch.zeros(3, 17, 17, dtype=torch.uint8)
    assert scored(metric, noise(3, 17, 17), noise(3, 17, 17, seed=1), black) > 0
    assert math.isnan(scored(metric, noise(3, 16, 17), noise(3, 16, 17, seed=1), black[:, :16]))


def test_a_mask_of_everything_leaves_nothing_to_score() -> None:
    image, source = noise(3, 40, 40, seed=9), noise(3, 40, 40, seed=10)
    full = torch.full((3, 40, 40), 255, dtype=torch.uint8)
    metrics = (PsnrBackground(), MseBackground(), SsimBackground(), LpipsAlexBackground(), CompatPiePsnr())
    for metric in (*metrics, CompatPieMse(), CompatPieSsim()):
        assert math.isnan(scored(metric, image, source, full)), metric.info.name


def test_distances_of_whole_images_and_batches_that_change_nothing() -> None:
    images, truths = noise(3, 3, 40, 40, seed=11), noise(3, 3, 40, 40, seed=12)
    conditions = [Condition(images={"truth": one, "source": two}) for one, two in zip(truths, images, strict=True)]
    difference = (images.double() - truths.double()) / 255
    torch.testing.assert_close(L1()(images, conditions), difference.abs().mean((1, 2, 3)))
    torch.testing.assert_close(L2()(images, conditions), difference.square().mean((1, 2, 3)))
    assert L1("source")(images, conditions).tolist() == [0.0] * 3
    masked = [Condition(images={"source": one, "mask": rectangle(4, 20, 4, 30, 40)}) for one in truths]
    for metric in (SsimBackground(), LpipsAlexBackground(), MseBackground()):
        alone = [float(metric(images[i : i + 1], masked[i : i + 1])[0]) for i in range(3)]
        assert metric(images, masked).tolist() == alone
