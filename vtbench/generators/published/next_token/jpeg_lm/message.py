"""Fields of a protocol buffer, as far as they are needed: numbers of one level, and bytes.

Source: the encoding of protocol buffers (a key is a field's number and the kind of what follows; groups are not read).
"""

from __future__ import annotations

from collections.abc import Iterator


def nested_number(message: bytes, outer: int, inner: int, default: int) -> int:
    """A number inside a nested message; what the format takes it to be where it is not there."""
    nested = b"".join(fields(message, outer))  # two of one message are one, by the format
    return last_number(nested, inner, default)


def last_number(message: bytes, field: int, default: int) -> int:
    """The last number of a field, which is the one that counts."""
    return next((_varint(part, 0)[0] for part in reversed(list(fields(message, field)))), default)


def fields(message: bytes, wanted: int) -> Iterator[bytes]:
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
