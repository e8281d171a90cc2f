"""Classes of transformers by name, or what to install."""

from __future__ import annotations

from typing import Any

from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra

NEEDED = "transformers>=4.57"


def library_classes(family: str, *names: str) -> tuple[Any, ...]:
    """Those classes.

    Raises:
        AssetMissingError: transformers is not installed, or has one of them not.
    """
    try:
        import transformers
    except ImportError as error:
        raise AssetMissingError(f"{family} needs {NEEDED}", install_extra("hub", NEEDED)) from error
    lacking = [name for name in names if not hasattr(transformers, name)]
    if lacking:
        raise AssetMissingError(
            f"{family} needs {NEEDED}; transformers {transformers.__version__} has no {', '.join(lacking)}",
            install_extra("hub", NEEDED),
        )
    return tuple(getattr(transformers, name) for name in names)
