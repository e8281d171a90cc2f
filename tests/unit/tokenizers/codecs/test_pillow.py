"""``jpeg``, ``webp``, ``avif`` against Pillow used directly."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.pixels import to_uint8
from vtbench.tokenizers.codecs.jpeg_tables import join_tables
from vtbench.tokenizers.codecs.pillow import Avif, Jpeg, PillowCodec, Webp
from vtbench.tokenizers.resolve import resolve_tokenizer

CODECS: dict[str, type[PillowCodec]] = {"JPEG": Jpeg, "WEBP": Webp, "AVIF": Avif}


def store(image: Tensor, format: str, **options: Any) -> bytes:
    stream = BytesIO()
    Image.fromarray(to_uint8(image).permute(1, 2, 0).numpy()).save(stream, format, **options)
    return stream.getvalue()


def read(data: bytes) -> np.ndarray:
    return np.array(Image.open(BytesIO(data)).convert("RGB"))


def pixels(images: Tensor) -> np.ndarray:
    return to_uint8(images).permute(0, 2, 3, 1).numpy()


def psnr(first: Tensor, second: Tensor) -> float:
    return float(-10 * torch.log10((first - second).square().mean()))


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {"quality": 50, "subsampling": "4:4:4"}),
        ("JPEG", {"quality": 50, "subsampling": "4:2:2", "optimize": True}),
        ("JPEG", {"quality": 50, "subsampling": "4:2:0", "progressive": True}),
        ("JPEG", {"quality": 50, "subsampling": "4:2:0", "restart_marker_blocks": 4}),
        ("WEBP", {"quality": 50, "method": 2}),
        ("AVIF", {"quality": 50, "subsampling": "4:2:0", "speed": 9}),
    ],
)
def test_bytes_bits_and_pixels_are_pillows(photos: Tensor, format: str, options: dict[str, Any]) -> None:
    images = photos[:3, :, :131, :90]
    tokenizer = CODECS[format](**options)
    codes = tokenizer.encode(images)
    expected = tuple(store(image, format, **options) for image in images)
    assert codes.payload == expected
    assert codes.total_bits(tokenizer.info).tolist() == [8.0 * len(data) for data in expected]
    np.testing.assert_array_equal(pixels(tokenizer.decode(codes)), np.stack([read(data) for data in expected]))


def test_lossless_webp_is_exact(photos: Tensor) -> None:
    tokenizer = Webp(lossless=True, method=0)
    assert torch.equal(tokenizer.decode(tokenizer.encode(photos[:2])), photos[:2])


@pytest.mark.parametrize("codec", [Jpeg, Webp, Avif])
def test_quality_orders_rate_and_distortion(photos: Tensor, codec: type[PillowCodec]) -> None:
    rows = []
    for quality in (10, 50, 90):
        tokenizer = codec(quality=quality)
        codes = tokenizer.encode(photos[:2])
        rows.append((float(codes.total_bits(tokenizer.info).mean()), psnr(tokenizer.decode(codes), photos[:2])))
    bits, quality_reached = zip(*rows, strict=True)
    assert list(bits) == sorted(bits) and list(quality_reached) == sorted(quality_reached)
    assert bits[0] < bits[-1] / 3 and quality_reached[0] < quality_reached[-1] - 4


def test_threads_change_nothing(photos: Tensor) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        threaded = Avif(speed=9).encode(photos).payload
        torch.set_num_threads(1)
        assert Avif(speed=9).encode(photos).payload == threaded
    finally:
        torch.set_num_threads(before)


def test_tables_that_are_not_counted_are_the_only_difference(photos: Tensor) -> None:
    image = photos[:1]
    whole, shared = Jpeg(quality=25), Jpeg(quality=25, count_header=False)
    full, short = whole.encode(image), shared.encode(image)
    tables = store(image[0], "JPEG", quality=25, subsampling="4:2:0", streamtype=1)
    # a tables-only stream has a start and an end marker of its own
    assert len(full.payload[0]) - len(short.payload[0]) == len(tables) - 4
    assert join_tables(tables, short.payload[0]).count(b"\xff\xc4") == 4
    assert torch.equal(shared.decode(short), whole.decode(full))


def test_jpeg_lm_card_is_the_canonical_setting(photos: Tensor) -> None:
    images = photos[:2]
    tokenizer = resolve_tokenizer("jpeg-lm")
    codes = tokenizer.encode(images)
    setting = {"quality": 25, "subsampling": "4:2:0", "restart_marker_blocks": 1}
    assert codes.payload == tuple(store(image, "JPEG", streamtype=2, **setting) for image in images)
    # 4:2:0 has blocks of 16x16 pixels: 256 of them, and a restart marker between any two
    assert len(re.findall(rb"\xff[\xd0-\xd7]", codes.payload[0])) == 255
    decoded = np.stack([read(store(image, "JPEG", **setting)) for image in images])
    np.testing.assert_array_equal(pixels(tokenizer.decode(codes)), decoded)
    assert codes.tokens_per_image().tolist() == [len(data) for data in codes.payload]


@pytest.mark.parametrize("flag", ["optimize", "progressive"])
def test_fitted_huffman_tables_cannot_be_shared(flag: str) -> None:
    with pytest.raises(UsageError, match="shares"):
        Jpeg(count_header=False, **{flag: True})


@pytest.mark.parametrize("text", ["4:4:4", "4:2:2", "4:2:0"])
def test_subsampling_without_quotes(photos: Tensor, text: str) -> None:
    typed = resolve_tokenizer(f"jpeg,subsampling={text}")
    assert typed.encode(photos[:1]).payload == Jpeg(subsampling=text).encode(photos[:1]).payload


@pytest.mark.parametrize(
    ("codec", "arguments"),
    [
        (Jpeg, {"quality": 0}),
        (Jpeg, {"quality": 101}),
        (Jpeg, {"quality": 50.5}),
        (Jpeg, {"subsampling": "4:1:1"}),
        (Jpeg, {"restart_marker_blocks": 0}),
        (Jpeg, {"optimize": "yes"}),
        (Webp, {"quality": -1}),
        (Webp, {"method": 7}),
        (Avif, {"speed": 11}),
    ],
)
def test_refused_arguments(codec: type[PillowCodec], arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(arguments))):
        codec(**arguments)


def test_an_image_beyond_the_format_is_told() -> None:
    with pytest.raises(AdapterError, match="WEBP cannot store an image of 8x16384 pixels"):
        Webp().encode(torch.zeros(1, 3, 8, 16384))


def test_join_tables_refuses_other_bytes() -> None:
    with pytest.raises(ValueError, match="not a pair"):
        join_tables(b"\xff\xd8\xff\xd9", b"RIFF")
