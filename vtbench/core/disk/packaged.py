"""Files of a Python package that holds data and no code: found without importing it."""

from __future__ import annotations

from importlib.machinery import PathFinder
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3] / "zoo"
"""Where such a package lies beside this one, in a checkout."""
ZOO = "vtbench_zoo"
"""The package of the reference zoo: weights, and ``statistics/NAME.safetensors``."""


def packaged_file(package: str, file: str) -> Path | None:
    """A file below a package; ``None`` where the package is not installed, or does not hold it.

    In a checkout the package that lies there is the one; else it is looked for as an import would look.

    Args:
        package: as it would be imported, e.g. ``vtbench_zoo``.
        file: path below it.
    """
    return next((path for folder in _folders(package) if (path := folder / file).is_file()), None)


def distribution_of(package: str) -> str:
    """What pip calls a package of data: ``vtbench_zoo`` is in ``vtbench-zoo``."""
    return package.replace("_", "-")


def _folders(package: str) -> list[Path]:
    if (CHECKOUT / package).is_dir():
        return [CHECKOUT / package]
    found = PathFinder.find_spec(package)
    return [Path(place) for place in (found and found.submodule_search_locations) or ()]
