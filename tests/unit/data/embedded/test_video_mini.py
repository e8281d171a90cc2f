from __future__ import annotations

import numpy as np
import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.data.embedded.drawing.moving_pictures import SIDE, Shape, Window, at_rest, seen, with_shape
from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.data.embedded.video_mini import VideoMini


@pytest.fixture(scope="module")
def clips() -> dict[str, torch.Tensor]:
    dataset = VideoMini()
    return {name: dataset[index].image for index, name in enumerate(dataset.ids)}


def test_there_are_24_clips_of_six_motions() -> None:
    dataset = VideoMini()
    assert len(dataset) == 24 and dataset.frames == 16
    motions = [dataset.target(index)["motion"] for index in range(24)]
    assert {motion: motions.count(motion) for motion in motions} == {
        "static": 2, "pan": 6, "zoom": 5, "shapes": 7, "cut": 2, "fade": 2,
    }  # fmt: skip
    assert dataset.fingerprint == "c9a7683e67b1bef018757705f076fd664899b963eafac9d84d89aa682aa60634"
    assert list(VideoMini(count=3).ids) == ["static/0", "zoom/0", "shapes/3"]
    with pytest.raises(UsageError, match="24 clips, not 25"):
        VideoMini(count=25)


def test_what_moves_is_what_the_target_says(clips: dict[str, torch.Tensor]) -> None:
    for name, clip in clips.items():
        assert clip.shape == (16, 3, 128, 128) and clip.dtype == torch.uint8
        change = (clip[1:].float() - clip[:-1].float()).abs().mean(dim=(1, 2, 3))
        motion = name.partition("/")[0]
        assert bool((change == 0).all()) == (motion == "static")
        if motion == "cut":
            assert int(change.argmax()) == 7 and change[7] > 3 * change[:7].max()


def test_a_window_on_whole_pixels_is_a_crop_and_between_them_a_mean() -> None:
    photograph = load_photograph("coffee").permute(1, 2, 0).numpy()
    crop = photograph[7 : 7 + SIDE, 30 : 30 + SIDE]
    assert np.array_equal(at_rest(seen(photograph, Window(30.0, 7.0))), crop)
    beside = photograph[7 : 7 + SIDE, 31 : 31 + SIDE].astype(np.float64)
    assert np.array_equal(seen(photograph, Window(30.5, 7.0)), (crop + beside) / 2)
    assert np.array_equal(seen(photograph, Window(30.0, 7.0, 2.0))[:60, :60], photograph[7:127:2, 30:150:2])


def test_a_disc_has_the_area_of_a_disc() -> None:
    black = np.zeros((SIDE, SIDE, 3))
    disc = with_shape(black, Shape(True, 20.0, (255, 0, 0), 0, (50.0, 60.0), (80.0, 60.0)), 0)
    assert disc[..., 0].sum() / 255 == pytest.approx(np.pi * 400, rel=2e-3)
    assert np.average(np.arange(SIDE), weights=disc[..., 0].sum(0)) == pytest.approx(50.0)
    last = with_shape(black, Shape(True, 20.0, (255, 0, 0), 0, (50.0, 60.0), (80.0, 60.0)), 15)
    assert np.average(np.arange(SIDE), weights=last[..., 0].sum(0)) == pytest.approx(80.0)
