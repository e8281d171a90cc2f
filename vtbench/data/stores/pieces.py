"""What a store answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """Some bytes of a file, and what came with them.

    Attributes:
        data: the bytes.
        total: size of the whole file; ``None`` where the store does not say.
        tag: its entity tag or checksum; empty where the store does not say.
    """

    data: bytes
    total: int | None
    tag: str = ""
