"""What a reader is: a deterministic function from pixels to text, named so that two readings can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from vtbench.core.digests import digest_json

if TYPE_CHECKING:
    from torch import Tensor

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels; right and bottom lie outside."""

_ID_DIGITS = 16


@dataclass(frozen=True)
class ReadResult:
    """What was read on one image: ``lines`` in reading order, and the whole ``text``.

    Engines that find lines join them by line breaks; a language model's text is what it wrote, blank lines included.
    """

    text: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, lines: Sequence[str]) -> ReadResult:
        """From lines in reading order; empty ones are left out."""
        kept = tuple(line for line in lines if line.strip())
        return cls("\n".join(kept), kept)


@runtime_checkable
class Reader(Protocol):
    """Images to text.

    ``read`` is deterministic, and what it reads on an image does not depend on the images beside it.

    Attributes:
        id: engine, version, and a digest of its model files and settings: part of a task's protocol.
        languages: BCP 47 tags it was made for; ``None`` where that is not known or not limited.
        required_assets: names of assets of the manifest that must be there.

    Optional: ``concurrent = True`` where several threads may call ``read`` at once; ``at_once = N`` where up to N
    images are read faster by one call than by N.
    """

    id: str
    languages: tuple[str, ...] | None
    required_assets: tuple[str, ...]

    def read(self, images: list[Tensor]) -> list[ReadResult]:
        """``uint8 [3,H,W]`` images, of any sizes, to one result each."""


@runtime_checkable
class BoxReader(Protocol):
    """Text of given boxes; nothing is searched for. The attributes are those of :class:`Reader`."""

    id: str
    languages: tuple[str, ...] | None
    required_assets: tuple[str, ...]

    def read_boxes(self, image: Tensor, boxes: Sequence[Box]) -> list[str]:
        """A ``uint8 [3,H,W]`` image and its boxes to one text each, in the order of the boxes."""


@dataclass(frozen=True, kw_only=True)
class ReaderIdentity:
    """Everything that decides what a reader reads.

    Runtimes that only execute it (torch, onnxruntime, OpenCV) belong to a record's environment instead, as they do
    for every other network.

    Attributes:
        files: SHA-256 by name of the model file.
        settings: plain data, canonical in JSON.
    """

    engine: str
    version: str
    files: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """``engine@version+digest``; the digest covers files and settings."""
        content = {"files": dict(self.files), "settings": dict(self.settings)}
        return f"{self.engine}@{self.version}+{digest_json(content, _ID_DIGITS)}"


def check_image(reader: str, image: Tensor) -> None:
    """Refuse anything but ``uint8 [3,H,W]`` with at least one pixel.

    Raises:
        ValueError: another dtype or shape.
    """
    import torch

    if image.dtype != torch.uint8 or image.ndim != 3 or image.shape[0] != 3 or image.numel() == 0:
        raise ValueError(f"{reader} reads uint8 [3,H,W] images, got {image.dtype} {tuple(image.shape)}")
