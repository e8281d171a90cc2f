"""What cannot be decoded is a SampleError that names the file and the reason, and nothing else."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from vtbench.core.errors import SampleError
from vtbench.data.decode import decode_image
from vtbench.data.limits import MAX_PIXELS, most_pixels

KINDS = ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "PPM", "JPEG2000"]


def encode(pixels: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated_files_are_refused(photo: np.ndarray, kind: str, share: float) -> None:
    data = encode(photo, kind)
    decode_image(data)
    with pytest.raises(SampleError, match=r"^photo-7: ."):
        decode_image(data[: int(len(data) * share)], "photo-7")


def test_truncation_is_an_error_even_where_pillow_was_told_to_tolerate_it(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encode(photo, "JPEG")
    with pytest.raises(SampleError):
        decode_image(data[: len(data) // 2])
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_a_flipped_byte_in_a_png_is_found_by_its_checksum(photo: np.ndarray) -> None:
    data = bytearray(encode(photo, "PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(SampleError):
        decode_image(bytes(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not an image"),
        (bytes(1000), "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
    ],
)
def test_what_is_not_an_image_says_so(data: bytes, reason: str) -> None:
    with pytest.raises(SampleError, match=reason):
        decode_image(data)


def test_every_short_prefix_and_random_rubbish_is_a_sample_error(photo: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    for kind in KINDS:
        data = encode(photo, kind)
        for length in range(1, 64):
            with pytest.raises(SampleError):
                decode_image(data[:length])
        for _ in range(20):  # damaged headers: decode or refuse, but never anything else
            damaged = bytearray(data)
            for position in rng.integers(0, min(200, len(data)), 8):
                damaged[position] = rng.integers(256)
            try:
                decode_image(bytes(damaged))
            except SampleError:
                continue


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [13_400, 100_000])
def test_decompression_bombs_are_refused_from_the_header(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SampleError, match="pixels"):
        decode_image(png_header(side, side))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # our bound does not hang on Pillow's
    with pytest.raises(SampleError, match="pixels"):
        decode_image(png_header(side, side))


def test_large_honest_images_decode_without_a_warning() -> None:
    data = encode(np.zeros((9500, 9500), np.uint8), "PNG")  # between Pillow's warning and the bound
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_image(data).shape == (3, 9500, 9500)


def test_zero_sized_images_are_refused() -> None:
    with pytest.raises(SampleError):
        decode_image(png_header(0, 5))


@pytest.mark.parametrize(
    "pixels", [np.array([[-1, 3]], np.int32), np.array([[0, 70_000]], np.int32), np.array([[0.0, 1.5]], np.float32)]
)
def test_pixels_without_a_stated_range_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(SampleError, match=r"range|\[0, 1\]"):
        decode_image(encode(pixels, "TIFF"))


def test_nan_pixels_are_refused() -> None:
    with pytest.raises(SampleError):
        decode_image(encode(np.array([[0.5, np.nan]], np.float32), "TIFF"))


def test_unreadable_paths_name_themselves(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match=r"nowhere\.png"):
        decode_image(tmp_path / "nowhere.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(SampleError, match="folder"):
        decode_image(tmp_path / "folder.png")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright_as_pillow_turns_them(photo: np.ndarray, orientation: int) -> None:
    image = Image.fromarray(photo[:50])
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(buffer.getvalue())))
    assert np.array_equal(decode_image(buffer.getvalue()).numpy().transpose(1, 2, 0), np.asarray(upright))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_bands_of_rows_are_converted_as_the_whole_is(
    photo: np.ndarray, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image.fromarray(photo).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 250)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    whole = decode_image(buffer.getvalue())
    monkeypatch.setattr("vtbench.data.decode._BAND_PIXELS", 5 * image.width)
    assert np.array_equal(decode_image(buffer.getvalue()).numpy(), whole.numpy())


def test_a_small_file_decodes_to_no_more_than_memory_holds() -> None:
    for form, pixels in (("PNG", 100_000_000), ("WEBP", 52_941_176), ("JPEG2000", 36_000_000)):
        assert most_pixels(1_000_000, form) == pixels
    assert most_pixels(4_000_000, "JPEG2000") == 128_000_000 and most_pixels(10**8, "JPEG") == MAX_PIXELS
