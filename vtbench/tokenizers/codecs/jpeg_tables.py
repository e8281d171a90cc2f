"""JPEG's abbreviated format: tables in one stream, image data in another (ITU-T T.81, B.4 and B.5)."""

from __future__ import annotations

_START_OF_IMAGE = b"\xff\xd8"
_END_OF_IMAGE = b"\xff\xd9"


def join_tables(tables: bytes, image: bytes) -> bytes:
    """A complete JPEG file from a tables-only stream and abbreviated image data.

    The tables go right after the start-of-image marker, before the segments that refer to them.

    Raises:
        ValueError: one of the two is not a JPEG stream.
    """
    if not (
        tables.startswith(_START_OF_IMAGE) and tables.endswith(_END_OF_IMAGE) and image.startswith(_START_OF_IMAGE)
    ):
        raise ValueError("not a pair of JPEG streams")
    return _START_OF_IMAGE + tables[len(_START_OF_IMAGE) : -len(_END_OF_IMAGE)] + image[len(_START_OF_IMAGE) :]
