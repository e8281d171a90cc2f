"""``jpeg``, ``webp``, ``avif``: image codecs through Pillow, with the exact size of what they store."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.core.info import TokenizerInfo
from vtbench.core.pixels import to_uint8, to_unit
from vtbench.core.threads.lanes import in_lanes
from vtbench.tokenizers.codecs.jpeg_tables import join_tables

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")


class PillowCodec:
    """What the three codecs share: round to 8 bits, store each image alone, count its bytes.

    Images of a batch are coded in parallel threads, as many as torch may use; each is coded by one thread with no
    shared state, so bytes and pixels do not depend on it. Decoded images are on the CPU.

    Args:
        name: registered name.
        format: Pillow's name of the format.
        libraries: the coding library by the names :func:`PIL.features.version` knows; the first present is recorded.
        citation: the standard.
        options: keyword arguments of ``Image.save``.
    """

    def __init__(
        self, name: str, format: str, libraries: tuple[str, ...], citation: str, options: dict[str, Any]
    ) -> None:
        self._format = format
        self._options = options
        self.info = TokenizerInfo(
            name=name, kind="codec", family=name, revision=_library_version(name, libraries), citation=citation
        )

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to one byte string an image.

        Raises:
            AdapterError: the codec refuses an image, for instance because a side is longer than its limit.
        """
        import torch

        payload = tuple(in_lanes(self._store, _to_pillow(images)))
        bits = torch.tensor([8 * len(data) for data in payload], dtype=torch.float64)
        return Codes(payload=payload, bits_per_image=bits, image_size=(images.shape[-2], images.shape[-1]))

    def decode(self, codes: Codes) -> Tensor:
        """Byte strings to ``float32 [B,3,H,W]``, on the 8-bit grid."""
        import torch

        return to_unit(torch.stack(in_lanes(self._load, codes.payload)))

    def _store(self, image: Image) -> bytes:
        return _save(image, self._format, self._options)

    def _load(self, data: bytes) -> Tensor:
        import numpy as np
        import torch
        from PIL import Image

        with Image.open(BytesIO(data), formats=[self._format]) as image:
            pixels = np.array(image.convert("RGB"))
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


class Jpeg(PillowCodec):
    """JPEG by libjpeg-turbo.

    Args:
        quality: 1 to 100, libjpeg's scale.
        subsampling: ``"4:4:4"``, ``"4:2:2"`` or ``"4:2:0"``.
        restart_marker_blocks: MCU blocks between restart markers; none by default.
        optimize: Huffman tables fitted to each image instead of the fixed ones of Annex K.
        progressive: progressive scans; their Huffman tables are always fitted.
        count_header: ``True`` stores a complete file. ``False`` keeps the quantisation and Huffman tables, equal for
            every image, in the tokenizer and stores the *abbreviated format for compressed image data* (ITU-T T.81,
            B.5): frame and scan headers, and entropy-coded data. Its tables must be fixed, so neither ``optimize`` nor
            ``progressive`` can be combined with it.

    Raises:
        UsageError: an argument out of range, or a combination without shared tables.
    """

    def __init__(
        self,
        quality: int = 75,
        subsampling: str = "4:2:0",
        restart_marker_blocks: int | None = None,
        optimize: bool = False,
        progressive: bool = False,
        count_header: bool = True,
    ) -> None:
        _check_quality("jpeg", quality, lowest=1)
        _check_subsampling("jpeg", subsampling)
        _check_flags("jpeg", optimize=optimize, progressive=progressive, count_header=count_header)
        if not count_header and (optimize or progressive):
            raise UsageError(
                "jpeg: count_header=false needs Huffman tables that every image shares",
                "leave out optimize and progressive, or count the header",
            )
        options: dict[str, Any] = {"quality": quality, "subsampling": subsampling}
        options |= {"optimize": optimize, "progressive": progressive}
        if restart_marker_blocks is not None:
            _check_whole("jpeg", "restart_marker_blocks", restart_marker_blocks, 1, 65535)
            options["restart_marker_blocks"] = restart_marker_blocks
        super().__init__("jpeg", "JPEG", ("libjpeg_turbo", "jpg"), "ITU-T T.81", options)
        self._tables = b"" if count_header else self._shared_tables()

    def _shared_tables(self) -> bytes:
        from PIL import Image

        return _save(Image.new("RGB", (16, 16)), "JPEG", self._options | {"streamtype": 1})

    def _store(self, image: Image) -> bytes:
        streamtype = 2 if self._tables else 0
        return _save(image, "JPEG", self._options | {"streamtype": streamtype})

    def _load(self, data: bytes) -> Tensor:
        return super()._load(join_tables(self._tables, data) if self._tables else data)


class Webp(PillowCodec):
    """WebP by libwebp; lossy WebP is always 4:2:0.

    Args:
        quality: 0 to 100.
        method: effort, 0 (fast) to 6.
        lossless: exact pixels; ``quality`` is then effort.

    Raises:
        UsageError: an argument out of range.
    """

    def __init__(self, quality: int = 75, method: int = 4, lossless: bool = False) -> None:
        _check_quality("webp", quality, lowest=0)
        _check_whole("webp", "method", method, 0, 6)
        _check_flags("webp", lossless=lossless)
        options = {"quality": quality, "method": method, "lossless": lossless}
        super().__init__("webp", "WEBP", ("webp",), "RFC 9649", options)


class Avif(PillowCodec):
    """AVIF (AV1 still picture) by libavif, one thread an image so that its bytes are repeatable.

    Args:
        quality: 0 to 100.
        subsampling: ``"4:4:4"``, ``"4:2:2"`` or ``"4:2:0"``.
        speed: 0 (slowest, smallest) to 10.

    Raises:
        UsageError: an argument out of range.
        AssetMissingError: this Pillow was built without AVIF.
    """

    def __init__(self, quality: int = 60, subsampling: str = "4:2:0", speed: int = 6) -> None:
        _check_quality("avif", quality, lowest=0)
        _check_subsampling("avif", subsampling)
        _check_whole("avif", "speed", speed, 0, 10)
        options = {"quality": quality, "subsampling": subsampling, "speed": speed, "max_threads": 1}
        super().__init__("avif", "AVIF", ("avif",), "AV1 Image File Format (AVIF) v1.1", options)


def _library_version(name: str, libraries: tuple[str, ...]) -> str:
    from PIL import features

    for library in libraries:
        version = features.version(library)
        if version is not None:
            return f"{library} {version}"
    raise AssetMissingError(f"this Pillow has no {libraries[-1]}, which {name} needs", "pip install 'pillow>=11.3'")


def _to_pillow(images: Tensor) -> list[Image]:
    from PIL import Image

    pixels = to_uint8(images).permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return [Image.fromarray(picture) for picture in pixels]


def _save(image: Image, format: str, options: dict[str, Any]) -> bytes:
    stream = BytesIO()
    try:
        image.save(stream, format, **options)
    except (OSError, ValueError) as error:
        width, height = image.size
        raise AdapterError(f"{format} cannot store an image of {height}x{width} pixels: {error}") from error
    return stream.getvalue()


def _check_quality(name: str, quality: int, lowest: int) -> None:
    _check_whole(name, "quality", quality, lowest, 100)


def _check_whole(name: str, argument: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UsageError(f"{name}: {argument} must be a whole number from {low} to {high}, got {value!r}")


def _check_flags(name: str, **flags: bool) -> None:
    for argument, value in flags.items():
        if not isinstance(value, bool):
            raise UsageError(f"{name}: {argument} must be true or false, got {value!r}")


def _check_subsampling(name: str, subsampling: str) -> None:
    if subsampling not in SUBSAMPLINGS:
        raise UsageError(f"{name}: unknown subsampling {subsampling!r}", f"known: {', '.join(SUBSAMPLINGS)}")
