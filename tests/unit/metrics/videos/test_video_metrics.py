"""Metrics of videos against scikit-image frame by frame, the image metrics themselves, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

import vtbench
from vtbench.core.errors import AdapterError, UsageError
from vtbench.metrics.catalog.lookup import VIDEO_INFOS, VIDEO_REGISTRY, metric_info, metric_names
from vtbench.metrics.images.lpips import LpipsAlex, LpipsVgg

Pair = tuple[Tensor, Tensor]
NAMES = sorted(VIDEO_INFOS)


def scores(name: str, prediction: Tensor, reference: Tensor) -> Tensor:
    found: Tensor = VIDEO_REGISTRY.load(name)()(prediction, reference, [None] * len(prediction))
    return found


def arrays(videos: Tensor) -> np.ndarray:
    return videos.permute(0, 1, 3, 4, 2).numpy()


def test_psnr_of_a_video_and_of_its_frames_equal_scikit_images(pair: Pair) -> None:
    whole = [peak_signal_noise_ratio(r, p) for p, r in zip(*map(arrays, pair), strict=True)]
    by_frame = [
        np.mean([peak_signal_noise_ratio(r, p) for p, r in zip(*both, strict=True)])
        for both in zip(*map(arrays, pair), strict=True)
    ]
    assert scores("video_psnr", *pair).tolist() == pytest.approx(whole, abs=1e-9)
    assert scores("frame_psnr", *pair).tolist() == pytest.approx(by_frame, abs=1e-9)
    assert (scores("frame_psnr", *pair) > scores("video_psnr", *pair) + 1).all()  # one frame is far worse


def test_ssim_of_frames_equals_scikit_images(pair: Pair) -> None:
    expected = [
        np.mean(
            [
                structural_similarity(
                    r, p, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2
                )
                for p, r in zip(*both, strict=True)
            ]
        )
        for both in zip(*map(arrays, pair), strict=True)
    ]
    assert scores("frame_ssim", *pair).tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("name", "of_images"), [("frame_lpips_alex", LpipsAlex), ("frame_lpips_vgg", LpipsVgg)])
def test_lpips_of_frames_is_that_of_images(name: str, of_images: type, pair: Pair) -> None:
    metric = of_images()
    expected = [
        np.mean([metric(p[None], r[None]).item() for p, r in zip(*both, strict=True)])
        for both in zip(*pair, strict=True)
    ]
    assert scores(name, *pair).tolist() == pytest.approx(expected, abs=1e-12)


def test_flicker_is_the_mean_change_that_the_reference_does_not_have(pair: Pair) -> None:
    changes = [np.diff(arrays(videos).astype(np.float64), axis=1) for videos in pair]
    expected = np.abs(changes[0] - changes[1]).mean(axis=(1, 2, 3, 4))
    assert scores("temporal_flicker", *pair).tolist() == pytest.approx(expected.tolist(), abs=1e-9)


def test_an_error_that_stands_still_does_not_flicker_and_one_that_alternates_does() -> None:
    reference = torch.full((2, 4, 3, 12, 12), 100, dtype=torch.uint8)
    still, blinking = reference.clone(), reference.clone()
    still += 50
    blinking[:, ::2] += 3
    assert scores("temporal_flicker", still, reference).tolist() == [0.0, 0.0]
    assert scores("temporal_flicker", blinking, reference).tolist() == [3.0, 3.0]
    extremes = torch.tensor([0, 255], dtype=torch.uint8).view(1, 2, 1, 1, 1).expand(1, 2, 3, 12, 12)
    assert scores("temporal_flicker", extremes, extremes.flip(1)).item() == 510.0
    assert scores("temporal_flicker", reference[:, :1], reference[:, :1]).isnan().all()


def test_equal_frames_are_left_out_of_a_videos_mean(pair: Pair) -> None:
    prediction, reference = (videos.clone() for videos in pair)
    rest = scores("frame_psnr", prediction[:1, 1:], reference[:1, 1:])
    prediction[0, 0], prediction[1] = reference[0, 0], reference[1]
    found = scores("frame_psnr", prediction, reference)
    assert found[0].item() == pytest.approx(rest.item(), abs=1e-9) and found[1].item() == float("inf")
    assert scores("video_psnr", prediction, reference).isinf().tolist() == [False, True, False]


@pytest.mark.parametrize("name", NAMES)
def test_no_bit_depends_on_threads_or_on_the_videos_beside(name: str, pair: Pair) -> None:
    metric, before, found = VIDEO_REGISTRY.load(name)(), torch.get_num_threads(), []
    try:
        for threads, cut in ((1, (3,)), (3, (1, 2))):
            torch.set_num_threads(threads)
            parts = zip(*(videos.split(list(cut)) for videos in pair), strict=True)
            found.append(torch.cat([metric(*both, [None] * len(both[0])) for both in parts]))
    finally:
        torch.set_num_threads(before)
    assert found[0].dtype == torch.float64 and found[0].isfinite().all() and torch.equal(*found)


@pytest.mark.parametrize("name", NAMES)
def test_other_shapes_are_refused_and_small_sides_have_no_value(name: str, pair: Pair) -> None:
    metric, (prediction, reference) = VIDEO_REGISTRY.load(name)(), pair
    for wrong in (prediction[0], prediction.float(), prediction[:, :4], prediction[:, :, :1], prediction[:, :0]):
        with pytest.raises(AdapterError, match=rf"{name} needs .* \[B,T,3,H,W\]"):
            metric(wrong, wrong if wrong.shape[1:2] == (0,) else reference, [None] * 3)
    least = VIDEO_INFOS[name].least_side
    if least:
        short = [videos[..., : least - 1, :] for videos in pair]
        fits = [videos[..., :least, :] for videos in pair]
        assert metric(*short, [None] * 3).isnan().all() and metric(*fits, [None] * 3).isfinite().all()


def test_they_are_listed_and_called_from_python(pair: Pair) -> None:
    assert set(NAMES) <= set(metric_names()) and metric_info("frame_ssim").kind == "video"
    metric = vtbench.metric("frame_ssim")
    assert torch.equal(metric(*pair), scores("frame_ssim", *pair))
    metric.update(pair[0][:2].float() / 255, pair[1][:2].numpy())
    metric.update(pair[0][2:], pair[1][2:])
    found = metric.compute()
    assert found.value == pytest.approx(scores("frame_ssim", *pair).mean().item()) and found.n == 3
    for wrong, said in ((pair[0].transpose(1, 2), "transpose"), (pair[0][0], r"\[None\]")):
        with pytest.raises(UsageError, match=r"not \[B,T,3,H,W\]") as refused:
            metric(wrong, wrong)
        assert said.replace("\\", "") in str(refused.value.hint)
