"""From what JPEG-LM wrote to an image: its JPEG stream cut out, held against the frame of such files, and decoded.

Files of the training set are canonical: 256 x 256 pixels, quality 25, 4:2:0, a restart marker after every block of
16 x 16 pixels, and no tables, which are the same for all and are put back before decoding (ITU-T T.81, B.5).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from vtbench.core.codes import Codes
from vtbench.core.outside.parsing import reason
from vtbench.generators.published.next_token.jpeg_lm.pieces import bytes_of, text_of

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 256
TOKENIZER = "jpeg-lm"
"""The codec's card among the tokenizers."""
Incomplete = Literal["decode", "fail"]

_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"
_APPLICATION, _SCAN = 0xE0, 0xDA
BLOCKS = (SIDE // 16) ** 2
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")


def stream_of(text: str) -> bytes:
    """The stream in what was written, as the authors' script cuts it.

    What begins with the marker FF D8 ends with the first FF D9, whatever follows. Where one of the two is missing, it
    is added.

    Args:
        text: a character a byte, as :func:`~vtbench.generators.published.next_token.jpeg_lm.pieces.text_of` writes it.

    Raises:
        ValueError: a character in it stands for no byte.
    """
    begin, end = text_of(_BEGIN), text_of(_END)
    stop = text.find(end, len(begin)) if text.startswith(begin) else -1
    if stop >= 0:
        return bytes_of(text[: stop + len(end)])
    closed = text if text.endswith(end) else text + end
    return bytes_of(closed if closed.startswith(begin) else begin + closed)


class CanonicalJpeg:
    """The codec of JPEG-LM.

    Args:
        incomplete: of a stream whose blocks are not all there and in order: ``decode`` takes what libjpeg makes of it,
            as whoever opens the authors' files does; ``fail`` takes it for a failure.
    """

    def __init__(self, incomplete: Incomplete = "decode") -> None:
        self._strict = incomplete == "fail"

    @cached_property
    def codec(self) -> Any:
        """The tokenizer that :data:`TOKENIZER` names."""
        from vtbench.tokenizers.resolve import resolve_tokenizer

        return resolve_tokenizer(TOKENIZER)

    def decoded(self, stream: bytes) -> Tensor:
        """``float32 [3,256,256]``, on the 8-bit grid.

        Nothing is decoded before the stream's own frame is known to be that of the training files: its sizes decide
        how much memory is asked for.

        Raises:
            ValueError: another frame, or what libjpeg refuses; told.
        """
        head, scan = _split(stream)
        wanted = _split(self._blank)[0]
        if head != wanted:
            other = next((marker for marker in (*head, *wanted) if head.get(marker) != wanted.get(marker)), 0)
            raise ValueError(f"its segment FF {other:02X} is not that of 256 x 256 pixels in blocks of 16 x 16")
        if self._strict:
            _require_whole(scan)
        try:
            image: Tensor = self.codec.decode(Codes(payload=(stream,), image_size=(SIDE, SIDE)))[0]
        except Exception as error:  # Pillow raises many kinds for what libjpeg and its own parser refuse
            raise ValueError(f"libjpeg cannot decode it: {reason(error)}") from error
        return image

    @cached_property
    def _blank(self) -> bytes:
        """A stream as the coder writes it."""
        import torch

        stream: bytes = self.codec.encode(torch.zeros(1, 3, SIDE, SIDE)).payload[0]
        return stream


def _split(stream: bytes) -> tuple[dict[int, bytes], bytes]:
    """Segments before the scan by marker, that of JFIF left out; and the scan with its end marker.

    Raises:
        ValueError: no marker where one must be, a segment twice, or the end before a scan.
    """
    found: dict[int, bytes] = {}
    at = len(_BEGIN)
    while _SCAN not in found:
        if len(stream) < at + 4 or stream[at] != 0xFF:
            raise ValueError(f"byte {at} of {len(stream)} begins no segment, and no scan has come")
        marker, length = stream[at + 1], int.from_bytes(stream[at + 2 : at + 4], "big")
        if marker in found:
            raise ValueError(f"it has two segments FF {marker:02X}")
        found[marker] = stream[at + 4 : at + 2 + length]
        at += 2 + length
    found.pop(_APPLICATION, None)  # JFIF's: version and density, which move no pixel
    return found, stream[at:]


def _require_whole(scan: bytes) -> None:
    """Every block has to be there: as many restart markers as stand between them, counted from 0 to 7 over and over.

    Raises:
        ValueError: they are not.
    """
    markers = [match[1][0] - 0xD0 for match in _RESTART.finditer(scan)]
    if markers != [number % 8 for number in range(BLOCKS - 1)]:
        raise ValueError(f"it is not whole: {len(markers)} restart markers, {BLOCKS - 1} in order are expected")
