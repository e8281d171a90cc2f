"""The arithmetic that a model runs in, against the one that its numbers are defined in."""

from __future__ import annotations


class InFloat32:
    """The same tokenizer is made once more, in float32 and not compiled, and gets the same images and seeds in the same
    batches; nothing about it can be chosen."""
