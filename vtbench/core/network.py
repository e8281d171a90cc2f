"""Whether the network may be used at all."""

from __future__ import annotations

import os

OFFLINE_VARIABLE = "VTBENCH_OFFLINE"


def offline() -> bool:
    """The network is forbidden."""
    return os.environ.get(OFFLINE_VARIABLE) == "1"
