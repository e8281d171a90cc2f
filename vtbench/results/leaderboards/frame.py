"""A leaderboard as a pandas frame, with fixed columns and dtypes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.core.errors import UsageError
from vtbench.results.leaderboards.columns import COUNT, ENDS, FAMILIES, METRIC_COLUMNS, columns_of
from vtbench.results.tables.frames import INTEGER, REAL, TEXT

if TYPE_CHECKING:
    import pandas as pd

_COUNTS = ("n_expected", "n_scored", "n_failed")
_RATES = ("tokens_per_image", "bits_per_pixel")


def leaderboard_columns(family: str) -> dict[str, str]:
    """Column to dtype, in the order of the CSV: text, ``Int64`` counts (``<metric>_n`` too), ``float64`` else.

    Raises:
        UsageError: no such family.
    """
    if family not in FAMILIES:
        raise UsageError(f"no leaderboard {family!r}", f"known: {', '.join(FAMILIES)}")
    measured = {f"{name}{end}": INTEGER if end == COUNT else REAL for name in METRIC_COLUMNS[family] for end in ENDS}
    kinds = {**dict.fromkeys(_COUNTS, INTEGER), **dict.fromkeys(_RATES, REAL), **measured}
    return {name: kinds.get(name, TEXT) for name in columns_of(family)}


def leaderboard_frame(path: Path | str) -> pd.DataFrame:
    """Rows of one leaderboard CSV, named after its family; infinities are floats, what is missing is NaN or ``<NA>``.

    Raises:
        UsageError: no such file, or none of a leaderboard.
    """
    import pandas as pd

    file = Path(path)
    columns = leaderboard_columns(file.stem)
    if not file.is_file():
        raise UsageError(f"there is no {file}", "build it with: vtbench leaderboard build")
    missing = {name: ["", "nan"] if kind == REAL else [""] for name, kind in columns.items()}
    frame = pd.read_csv(file, dtype=columns, keep_default_na=False, na_values=missing)
    if list(frame.columns) != list(columns):
        raise UsageError(f"{file} has other columns than a leaderboard", "build it with: vtbench leaderboard build")
    return frame
