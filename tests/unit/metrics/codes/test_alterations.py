"""What is done to images before they are encoded again."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.metrics.catalog.robustness import robustness_rule
from vtbench.metrics.codes.alterations import Brightness, Flip, Jpeg, Noise, Shift
from vtbench.metrics.codes.rounds import Generations

GREY = torch.full((2, 3, 64, 64), 128, dtype=torch.uint8)


def test_noise_has_its_deviation_and_is_of_the_seed_alone() -> None:
    (found,) = Noise(2.0).altered(GREY, [1, 2])
    difference = found.double() - 128
    assert float(difference.std()) == pytest.approx((2.0**2 + 1 / 12) ** 0.5, rel=0.02)  # rounding adds 1/12
    assert float(difference.mean()) == pytest.approx(0.0, abs=0.05)
    (alone,) = Noise(2.0).altered(GREY[1:], [2])
    assert torch.equal(alone, found[1:]) and not torch.equal(found[0], found[1])


def test_a_shift_goes_right_and_down() -> None:
    image = torch.zeros(1, 3, 4, 5, dtype=torch.uint8)
    image[..., 3, 4] = 9
    (found,) = Shift().altered(image, [0])
    assert found[0, 0, 0, 0] == 9 and int((found > 0).sum()) == 3


def test_jpeg_is_pillows() -> None:
    image = PhotosMini(count=1)[0].image
    (found,) = Jpeg(75).altered(image[None], [0])
    stream = BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(stream, "JPEG", quality=75)
    assert np.array_equal(found[0].permute(1, 2, 0).numpy(), np.array(Image.open(stream)))


def test_brightness_is_darker_then_brighter_and_clamped() -> None:
    levels = torch.tensor([0, 100, 250], dtype=torch.uint8).expand(1, 3, 1, 3)
    darker, brighter = Brightness(0.1).altered(levels, [0])
    assert darker[0, 0, 0].tolist() == [0, 90, 225] and brighter[0, 0, 0].tolist() == [0, 110, 255]


def test_a_flip_is_undone_on_grids_alone() -> None:
    grid, bits = torch.arange(6).reshape(1, 2, 3), torch.rand(1, 2, 3, 4) > 0.5
    undone = Flip().undone(Codes(levels=(grid,)))
    assert undone is not None and undone.levels[0].tolist() == [[[2, 1, 0], [5, 4, 3]]]
    undone = Flip().undone(Codes(bits=(bits,)))
    assert undone is not None and torch.equal(undone.bits[0], bits.flip(2))
    assert Flip().undone(Codes(levels=(torch.zeros(1, 8, dtype=torch.int64),))) is None


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("code_agreement_noise", {"sigma": -1}),
        ("code_agreement_jpeg", {"quality": 0}),
        ("code_agreement_shift", {"pixels": 0}),
        ("code_agreement", {"rounds": 2}),
        ("psnr_generation", {"rounds": [2, 1]}),
        ("psnr_perturbed", {"rate": 2.0}),
        ("psnr_perturbed", {"alpha": 0.5}),
    ],
)
def test_parameters_out_of_range_are_refused(name: str, params: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        robustness_rule(name, params)


def test_the_last_round_bears_the_metrics_name() -> None:
    assert Generations((1, 3)).columns == ("psnr_generation_1", "psnr_generation")
