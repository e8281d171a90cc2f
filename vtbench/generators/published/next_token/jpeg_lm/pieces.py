"""What the tokens of JPEG-LM stand for: runs of bytes, by the table of a SentencePiece model.

Byte b is written as the character U+2800 + b; a token is a piece of such text, found by byte-pair encoding, so that one
token may be several bytes. The table is read from ``tokenizer.model`` (sentencepiece_model.proto) as data: pieces,
their scores, and whether a space is put before a text.

Held against sentencepiece 0.2.3 with three tables of 320 pieces that it made of 40 such files, with and without a space
in front: 64 files, whole and cut, become the same tokens, and tokens the same text.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from vtbench.core.errors import AdapterError
from vtbench.core.outside.parsing import boundary, read_bytes
from vtbench.generators.published.next_token.jpeg_lm.message import fields, last_number, nested_number

MOST_BYTES = 16 << 20
MOST_PIECES = 1 << 20
_FIRST_CHARACTER = 0x2800
_SPACE = "\u2581"
_NO_BYTE = "\ufffd"
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED = 1, 2, 3, 4
_LEAST_BYTES = 200
_BYTE_PAIRS = 2
_PIECES, _TRAINING, _NORMALISATION = 1, 2, 3


@dataclass(frozen=True)
class Pieces:
    """Pieces of text by token.

    Attributes:
        text: of each token; empty where it stands for nothing, as the marks of beginning and end do.
        scores: of each; what is joined has the highest.
        spaced: a space is put before a text.
        by_pairs: the table was made by byte-pair encoding.
    """

    text: tuple[str, ...]
    scores: tuple[float, ...]
    spaced: bool = True
    by_pairs: bool = True

    def joined(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without the space that SentencePiece puts before the first piece.

        A token that has no piece, which a vocabulary rounded up leaves room for, is a character that is no byte.
        """
        pieces = (self.text[token] if token < len(self.text) else _NO_BYTE for token in tokens)
        return "".join(pieces).removeprefix(_SPACE)

    def cut(self, text: str) -> list[int]:
        """The tokens of a text by byte-pair encoding: as long as neighbours make a piece, those that make the one with
        the highest score are joined, from the left.

        Raises:
            ValueError: the table was made otherwise, or a character has no piece.
        """
        if not self.by_pairs:
            raise ValueError("its table of pieces was not made by byte-pair encoding")
        parts = list(_SPACE + text if self.spaced else text)
        while made := {one + other for one, other in pairwise(parts)} & self._tokens.keys():
            parts = _joined(parts, max(made, key=lambda piece: self.scores[self._tokens[piece]]))
        strange = next((part for part in parts if part not in self._tokens), None)
        if strange is not None:
            raise ValueError(f"its table has no piece for {strange!r}")
        return [self._tokens[part] for part in parts]

    @cached_property
    def _tokens(self) -> dict[str, int]:
        return {piece: token for token, piece in enumerate(self.text) if piece not in ("", _NO_BYTE)}


def byte_pieces() -> Pieces:
    """A table for tests: unknown, beginning and end, then the 256 bytes, one a token."""
    return Pieces(("", "", "", *(text_of(bytes([byte])) for byte in range(256))), (0.0,) * 259, spaced=False)


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
        whole = read_bytes(file, MOST_BYTES)
        entries = list(fields(whole, _PIECES))
        if not 0 < len(entries) <= MOST_PIECES:
            raise ValueError(f"it has {len(entries)} pieces")
        found = Pieces(
            tuple(_piece(entry) for entry in entries),
            tuple(_score(entry) for entry in entries),
            spaced=nested_number(whole, _NORMALISATION, 3, 1) != 0,
            by_pairs=nested_number(whole, _TRAINING, 3, 1) == _BYTE_PAIRS,
        )
    known = sum(text_of(bytes([byte])) in found.text for byte in range(256))
    if known < _LEAST_BYTES:
        raise AdapterError(
            f"{file} has pieces for {known} of 256 bytes (U+2800 to U+28FF)",
            "is it the tokenizer.model of another language model?",
        )
    return found


def _joined(parts: Sequence[str], piece: str) -> list[str]:
    """The parts with every two neighbours joined that make the piece."""
    found: list[str] = []
    at = 0
    while at < len(parts):
        both = at + 1 < len(parts) and parts[at] + parts[at + 1] == piece
        found.append(piece if both else parts[at])
        at += 2 if both else 1
    return found


def _piece(entry: bytes) -> str:
    """Of one entry; empty for what is left out when tokens are decoded."""
    kind = last_number(entry, 3, _NORMAL)
    if kind in (_UNKNOWN, _CONTROL):
        return ""
    text = next((part for part in fields(entry, 1)), b"").decode("utf-8")
    return text if kind in (_NORMAL, _USER_DEFINED) else _NO_BYTE


def _score(entry: bytes) -> float:
    found = [part for part in fields(entry, 2) if len(part) == 4]
    value: float = struct.unpack("<f", found[-1])[0] if found else 0.0
    return value
