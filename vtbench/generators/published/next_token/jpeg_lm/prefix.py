"""Images that JPEG-LM goes on from: the beginning of their streams, cut into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtbench.core.errors import UsageError
from vtbench.generators.published.next_token.jpeg_lm.pieces import text_of
from vtbench.generators.published.next_token.jpeg_lm.stream import BLOCKS, SIDE

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.contracts import Condition
    from vtbench.generators.published.next_token.jpeg_lm.pieces import Pieces
    from vtbench.generators.published.next_token.jpeg_lm.stream import CanonicalJpeg

SOURCE = "source"
"""The role of the image that is gone on from."""
_EIGHTHS = BLOCKS // 8
_EIGHTH = re.compile(rb"\xff\xd7")


@dataclass(frozen=True)
class Given:
    """What is given of an image.

    Attributes:
        ratio: of its blocks; 0 where no image is given.
        codec: makes its stream.

    Raises:
        UsageError: a ratio that leaves no marker to cut at, or nothing to draw.
    """

    ratio: float
    codec: CanonicalJpeg

    def __post_init__(self) -> None:
        if self.ratio and not 1 / _EIGHTHS <= self.ratio < 1:
            raise UsageError(f"prefix_ratio={self.ratio}: must be 0, or from 1/{_EIGHTHS} on and below 1")

    @property
    def roles(self) -> tuple[str, ...]:
        """Of the images that a condition must hold."""
        return (SOURCE,) if self.ratio else ()

    def tokens_of(self, condition: Condition, pieces: Pieces, most: int) -> list[int]:
        """The tokens of what is given of a condition's image.

        Args:
            condition: holds the image.
            pieces: of the network.
            most: tokens that leave one to draw.

        Raises:
            SampleError: the condition holds no image, or several.
            ValueError: one of another size, of too many tokens, or one that the table cannot tell.
        """
        image: Tensor = condition.image(SOURCE)
        height, width = image.shape[-2:]
        if (height, width) != (SIDE, SIDE):
            raise ValueError(f"it has {height}x{width} pixels; resize it to {SIDE}x{SIDE}")
        stream: bytes = self.codec.codec.encode(image[None].float() / 255).payload[0]
        found = pieces.cut(text_of(beginning(stream, self.ratio)))
        if len(found) > most:
            raise ValueError(f"it has {len(found)} tokens, of which {most} leave one to draw")
        return found


def beginning(stream: bytes, ratio: float) -> bytes:
    """The bytes of a stream up to a restart marker, as the authors' script cuts what is given.

    Every eighth marker is FF D7, which stands behind half a row of blocks; what is taken ends with the ⌊32 ratio⌋-th.

    Args:
        stream: of the codec, which has 31 of them.
        ratio: of the image that is given, from 1/32 on and below 1.
    """
    ends = [match.end() for match in _EIGHTH.finditer(stream)]
    return stream[: ends[int(_EIGHTHS * ratio) - 1]]
