"""What the tokens of JPEG-LM stand for: runs of bytes, by the table of a SentencePiece model.

Byte b is written as the character U+2800 + b; a token is a piece of such text, found by byte-pair encoding, so that one
token may be several bytes. The table is the first field of ``tokenizer.model`` (sentencepiece_model.proto): it is read
here as data, since nothing else of the library is needed to turn tokens into bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.errors import AdapterError
from vtbench.core.outside.parsing import boundary, read_bytes

MOST_BYTES = 16 << 20
MOST_PIECES = 1 << 20
_FIRST_CHARACTER = 0x2800
_SPACE = "\u2581"
_NO_BYTE = "\ufffd"
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED = 1, 2, 3, 4
_LEAST_BYTES = 200


@dataclass(frozen=True)
class Pieces:
    """Pieces of text by token.

    Attributes:
        text: of each token; empty where it stands for nothing, as the marks of beginning and end do.
    """

    text: tuple[str, ...]

    def joined(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without the space that SentencePiece puts before the first piece.

        A token that has no piece, which a vocabulary rounded up leaves room for, is a character that is no byte.
        """
        pieces = (self.text[token] if token < len(self.text) else _NO_BYTE for token in tokens)
        return "".join(pieces).removeprefix(_SPACE)


def byte_pieces() -> Pieces:
    """A table for tests: unknown, beginning and end, then the 256 bytes, one a token."""
    return Pieces(("", "", "", *(text_of(bytes([byte])) for byte in range(256))))


def text_of(data: bytes) -> str:
    """Bytes as characters."""
    return "".join(chr(_FIRST_CHARACTER + byte) for byte in data)


def bytes_of(text: str) -> bytes:
    """Characters as bytes.

    Raises:
        ValueError: one is none; with its place.
    """
    found = [ord(character) - _FIRST_CHARACTER for character in text]
    wrong = next((at for at, value in enumerate(found) if not 0 <= value < 256), None)
    if wrong is not None:
        raise ValueError(f"character {wrong} of {len(text)}, {text[wrong]!r}, stands for no byte")
    return bytes(found)


def read_pieces(file: Path) -> Pieces:
    """The table of a SentencePiece model.

    Raises:
        AdapterError: no such model, or one of ordinary text.
    """
    with boundary(f"{file} is no SentencePiece model", "copy or download it again", AdapterError):
        found = tuple(_piece(part) for part in _fields(read_bytes(file, MOST_BYTES), 1))
        if not 0 < len(found) <= MOST_PIECES:
            raise ValueError(f"it has {len(found)} pieces")
    single = {piece for piece in found if len(piece) == 1}
    known = sum(text_of(bytes([byte])) in single for byte in range(256))
    if known < _LEAST_BYTES:
        raise AdapterError(
            f"{file} has pieces for {known} of 256 bytes (U+2800 to U+28FF)",
            "is it the tokenizer.model of another language model?",
        )
    return Pieces(found)


def _piece(message: bytes) -> str:
    """Of one entry, whose fields are piece, score and kind; empty for what is left out when tokens are decoded."""
    text = next((part for part in _fields(message, 1)), b"").decode("utf-8")
    kinds = [int(part[0]) for part in _fields(message, 3) if part]
    kind = kinds[-1] if kinds else _NORMAL
    if kind in (_UNKNOWN, _CONTROL):
        return ""
    return text if kind in (_NORMAL, _USER_DEFINED) else _NO_BYTE


def _fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """The fields of one number in a protocol buffer: their bytes, of a number its own.

    Raises:
        ValueError: it ends in the middle of a field, or is no protocol buffer.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            begin = at
            _, at = _varint(message, at)
        elif wire == 2:
            length, begin = _varint(message, at)
            at = begin + length
        elif wire in (1, 5):
            begin, at = at, at + (8 if wire == 1 else 4)
        else:
            raise ValueError(f"byte {at} begins a field of kind {wire}")
        if at > len(message):
            raise ValueError("it ends in the middle of a field")
        if number == wanted:
            yield message[begin:at]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("it ends in the middle of a number")
