"""Every way of storing a picture, by the stated rules."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from vtbench.core.errors import SampleError
from vtbench.data.decode import decode_image


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def decoded(data: bytes | Path) -> np.ndarray:
    tensor = decode_image(data)
    assert tensor.dtype == torch.uint8
    assert tensor.is_contiguous()
    assert tensor.shape[0] == 3
    return tensor.permute(1, 2, 0).numpy()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP", "JPEG2000", "QOI"])
def test_lossless_rgb_comes_back_exactly(photo: np.ndarray, kind: str) -> None:
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    if kind == "QOI":
        pytest.importorskip("PIL.QoiImagePlugin")
        if "QOI" not in (Image.init(), Image.SAVE)[1]:
            pytest.skip("this Pillow does not write QOI")
    assert np.array_equal(decoded(encode(Image.fromarray(photo), kind, **options)), photo)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "GIF"])
def test_lossy_rgb_is_what_pillow_decodes(photo: np.ndarray, kind: str) -> None:
    data = encode(Image.fromarray(photo), kind)
    assert np.array_equal(decoded(data), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    assert np.abs(decoded(data).astype(int) - photo).mean() < 12


def test_gray_is_repeated(photo: np.ndarray) -> None:
    gray = photo[..., 0]
    result = decoded(encode(Image.fromarray(gray), "PNG"))
    assert all(np.array_equal(result[..., channel], gray) for channel in range(3))


def test_bilevel_is_0_or_255(photo: np.ndarray) -> None:
    bits = photo[..., 0] > 127
    result = decoded(encode(Image.fromarray(bits), "PNG"))
    assert np.array_equal(result[..., 1], np.where(bits, 255, 0))


def test_palette_gives_its_colours(photo: np.ndarray) -> None:
    palette = Image.fromarray(photo).quantize(16)
    lookup = np.asarray(palette.getpalette("RGB"), np.uint8).reshape(-1, 3)
    assert np.array_equal(decoded(encode(palette, "PNG")), lookup[np.asarray(palette)])


def test_transparent_palette_entry_becomes_white(photo: np.ndarray) -> None:
    palette = Image.fromarray(photo).quantize(16)
    lookup = np.asarray(palette.getpalette("RGB"), np.uint8).reshape(-1, 3).copy()
    lookup[5] = 255
    assert np.array_equal(decoded(encode(palette, "PNG", transparency=5)), lookup[np.asarray(palette)])


def over_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255.0
    return np.rint(colour * share + 255.0 * (1 - share)).astype(np.uint8)


def test_alpha_is_composited_over_white(photo: np.ndarray) -> None:
    alpha = np.arange(photo.shape[0] * photo.shape[1], dtype=np.uint32).astype(np.uint8).reshape(photo.shape[:2])
    result = decoded(encode(Image.fromarray(np.dstack([photo, alpha])), "PNG"))
    assert np.array_equal(result, over_white(photo, alpha))
    assert (result[alpha == 0] == 255).all()


def test_gray_alpha_is_composited_over_white(photo: np.ndarray) -> None:
    alpha = np.ascontiguousarray(photo[..., 2])
    image = Image.merge("LA", (Image.fromarray(photo[..., 0].copy()), Image.fromarray(alpha)))
    expected = over_white(np.repeat(photo[..., :1], 3, axis=2), alpha)
    assert np.array_equal(decoded(encode(image, "PNG")), expected)


def test_transparent_colour_key_becomes_white(photo: np.ndarray) -> None:
    key = tuple(int(v) for v in photo[3, 4])
    expected = photo.copy()
    expected[(photo == photo[3, 4]).all(axis=2)] = 255
    assert np.array_equal(decoded(encode(Image.fromarray(photo), "PNG", transparency=key)), expected)


def test_cmyk_tiff_follows_the_product_rule(photo: np.ndarray) -> None:
    inks = np.dstack([photo, photo[::-1, :, 0]])
    data = encode(Image.frombytes("CMYK", inks.shape[1::-1], inks.tobytes()), "TIFF")
    clear = 255.0 - inks
    expected = clear[..., :3] * clear[..., 3:] / 255.0
    assert np.abs(decoded(data) - expected).max() <= 1.0


def test_adobe_inverted_cmyk_jpeg_is_turned_back() -> None:
    inks = np.zeros((32, 32, 4), np.uint8)
    inks[:, 16:] = (0, 255, 255, 0)  # white | red
    data = encode(Image.frombytes("CMYK", inks.shape[1::-1], inks.tobytes()), "JPEG", quality=95)
    assert b"Adobe" in data
    result = decoded(data)
    assert np.abs(result[:, :8].astype(int) - 255).max() <= 4
    assert np.abs(result[:, 24:].astype(int) - (255, 0, 0)).max() <= 8


def test_ycbcr_tiff_is_jfif() -> None:
    planes = np.full((16, 16, 3), (76, 85, 255), np.uint8)  # red by BT.601, full range
    data = encode(Image.frombytes("YCbCr", (16, 16), planes.tobytes()), "TIFF")
    if Image.open(io.BytesIO(data)).mode != "YCbCr":
        pytest.skip("this Pillow cannot read its own YCbCr TIFF, and says it is truncated")
    result = decoded(data)
    assert np.abs(result.astype(int) - (254, 0, 0)).max() <= 2


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_is_divided_by_257_and_rounded(write_png16: Callable[..., bytes], channels: int) -> None:
    values = np.random.default_rng(channels).integers(0, 65536, (33, 21, channels)).astype(np.uint16)
    eight = np.floor(values / 257.0 + 0.5).astype(np.uint8)
    colour = np.repeat(eight[..., :1], 3, axis=2) if channels < 3 else eight[..., :3]
    expected = over_white(colour, eight[..., -1]) if channels in (2, 4) else colour
    result = decoded(write_png16(values))
    assert np.array_equal(result, expected)
    assert not np.array_equal(eight, values >> 8)


def test_8_bit_content_stored_in_16_bits_is_exact(photo: np.ndarray, write_png16: Callable[..., bytes]) -> None:
    assert np.array_equal(decoded(write_png16(photo.astype(np.uint16) * 257)), photo)


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_colour_key_becomes_white(write_png16: Callable[..., bytes], channels: int) -> None:
    values = np.full((4, 5, channels), 5140, np.uint16)
    values[1, 2] = 5141  # the same byte, another 16-bit value
    result = decoded(write_png16(values, transparent=(5141,) * channels))
    assert (result[1, 2] == 255).all()
    assert (np.delete(result.reshape(-1, 3), 7, axis=0) == 20).all()


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_16_bit_gray_of_any_kind(kind: str) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (9, 7)).astype(np.uint16)
    assert np.array_equal(decoded(encode(Image.fromarray(values), kind))[..., 0], np.floor(values / 257.0 + 0.5))


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (np.float32, "3 float channels of 32 bits"),
        (np.float16, "3 float channels of 16 bits"),
        (np.uint32, "3 whole-number channels of 32 bits"),
    ],
)
def test_a_tiff_that_is_not_read_is_described(kind: type, told: str) -> None:
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.ones((8, 9, 3), kind), photometric="rgb")
    with pytest.raises(SampleError) as caught:
        decode_image(buffer.getvalue(), "x.tif")
    assert f"x.tif: a TIFF of {told} is not read: write 8 or 16 bits a channel" in str(caught.value)


def test_a_tiff_of_nothing_is_just_no_image() -> None:
    with pytest.raises(SampleError, match="not an image that can be read"):
        decode_image(b"II*\x00garbage", "x.tif")


def test_16_bit_colour_tiff_is_within_one_level() -> None:
    tifffile = pytest.importorskip("tifffile")
    values = np.random.default_rng(0).integers(0, 65536, (9, 7, 3)).astype(np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="rgb")
    difference = np.floor(values / 257.0 + 0.5) - decoded(buffer.getvalue())
    assert set(np.unique(difference)) <= {-1.0, 0.0, 1.0}


def test_integer_pixels_are_taken_as_16_bits() -> None:
    values = np.array([[0, 257, 65535]], np.int32)
    assert decoded(encode(Image.fromarray(values), "TIFF"))[0, :, 0].tolist() == [0, 1, 255]


def test_float_pixels_are_taken_as_0_to_1() -> None:
    values = np.array([[0.0, 0.5, 0.2501, 1.0]], np.float32)
    assert decoded(encode(Image.fromarray(values), "TIFF"))[0, :, 2].tolist() == [0, 128, 64, 255]


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(photo: np.ndarray, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    data = encode(Image.fromarray(photo), kind, exif=exif, **options)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    result = decoded(data)
    assert np.array_equal(result, expected)
    assert result.shape[:2] == ((90, 60) if 5 <= orientation <= 8 else (60, 90))


def test_damaged_exif_does_not_cost_the_picture(photo: np.ndarray) -> None:
    data = encode(Image.fromarray(photo), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff rubbish")
    assert np.array_equal(decoded(data), photo)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_of_several_frames_the_first_is_taken(photo: np.ndarray, kind: str) -> None:
    first = Image.fromarray(np.repeat(photo[..., :1] // 128 * 255, 3, axis=2))
    other = Image.fromarray(255 - np.asarray(first))
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    data = encode(first, kind, save_all=True, append_images=[other], **options)
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert np.array_equal(decoded(data), np.asarray(first))


def test_icc_profiles_are_ignored(photo: np.ndarray) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert np.array_equal(decoded(encode(Image.fromarray(photo), "PNG", icc_profile=profile)), photo)


def test_a_path_and_its_bytes_give_the_same(tmp_path: Path, photo: np.ndarray) -> None:
    path = tmp_path / "wrong-suffix.jpg"  # the content counts, not the name
    path.write_bytes(encode(Image.fromarray(photo), "PNG"))
    assert np.array_equal(decoded(path), photo)
