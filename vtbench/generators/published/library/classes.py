"""Classes of transformers by name, or what to install."""

from __future__ import annotations

from typing import Any

from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra

NEEDED = "transformers>=5"
"""Its configurations hold rotations under one name, and its caches are made of layers."""


def library_classes(family: str, *names: str) -> tuple[Any, ...]:
    """Those classes.

    Raises:
        AssetMissingError: transformers is not installed, too old, or has one of them not.
    """
    try:
        import transformers
    except ImportError as error:
        raise AssetMissingError(f"{family} needs {NEEDED}", install_extra("hub", NEEDED)) from error
    version = transformers.__version__
    lacking = [name for name in names if not hasattr(transformers, name)]
    if lacking or int(version.partition(".")[0]) < 5:
        has = f" has no {', '.join(lacking)}" if lacking else " is here"
        raise AssetMissingError(f"{family} needs {NEEDED}; transformers {version}{has}", install_extra("hub", NEEDED))
    return tuple(getattr(transformers, name) for name in names)
