"""One metric by a field of the samples: counts stand beside values where they differ from those of the stratum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vtbench.results.records.record import RunRecord
from vtbench.results.records.strata import by_stratum


def entry(metric: str, stratum: str, value: float, n: int) -> dict[str, Any]:
    return {"metric": metric, "stratum": stratum, "value": value, "n": n}


def test_counts_are_shown_only_where_a_value_rests_on_fewer(make_record: Callable[..., RunRecord]) -> None:
    whole = [entry(name, stratum, 1.0, n) for name in ("psnr", "ssim") for stratum, n in (("all", 64), ("px=8", 32))]
    rows = by_stratum([make_record("whole", results=whole)], "px", "psnr")
    assert rows == [{"model": "whole", "px=8": 1.0, "all": 1.0}]
    part = [*whole[1:], entry("psnr", "all", 2.0, 60)]
    rows = by_stratum([make_record("whole", results=whole), make_record("part", results=part)], "px", "psnr")
    assert rows[0] == {"model": "whole", "px=8": 1.0, "px=8 n": 32, "all": 1.0, "all n": 64}
    assert rows[1] == {"model": "part", "px=8": 1.0, "px=8 n": 32, "all": 2.0, "all n": 60}
