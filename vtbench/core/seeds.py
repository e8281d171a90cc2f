"""Randomness is seeded per sample, never per batch, so a number cannot depend on batch size, worker or resume."""

from __future__ import annotations

import hashlib


def sample_seed(seed: int, sample_id: str) -> int:
    """A non-negative 63-bit seed from the run's seed and a sample id (BLAKE2b, so it is the same on every machine)."""
    digest = hashlib.blake2b(f"{seed}\x00{sample_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
