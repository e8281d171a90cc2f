"""Tokens of which fewer may be kept: tokenizers whose first tokens are a coarser code of the same image."""

from __future__ import annotations

from vtbench.core.errors import UsageError


def kept_of(capacity: int, tokens: int, family: str) -> int:
    """How many of the first tokens are kept.

    Args:
        capacity: tokens that the network makes of an image.
        tokens: how many are asked for.
        family: named in the message.

    Raises:
        UsageError: none, or more than there are.
    """
    if not 1 <= tokens <= capacity:
        raise UsageError(f"{family}: tokens={tokens}", f"it keeps 1 to {capacity} tokens of an image")
    return tokens
