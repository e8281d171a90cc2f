"""Whether a run still scores every sample that its baseline scored."""

from __future__ import annotations

import numpy as np

from vtbench.results.comparing.measurement import Measurement
from vtbench.results.comparing.statistics import stratum_mask
from vtbench.results.comparing.verdict import CHANGED, OK, REGRESSION, Verdict
from vtbench.results.records.samples import Samples

_MOST_NAMED = 3


def coverage(baseline: Measurement, candidate: Measurement) -> Verdict:
    """A sample lost or a failure more is a regression, whatever the values of the others."""
    lost = _lost(baseline.rows, candidate.rows)
    before, after = baseline.n_scored or 0, candidate.n_scored or 0
    change = float(after - before)
    if lost:
        named = ", ".join(lost[:_MOST_NAMED]) + (" …" if len(lost) > _MOST_NAMED else "")
        return Verdict(REGRESSION, f"{len(lost)} no longer scored: {named}", change, tolerance=0.0)
    if after < before:
        return Verdict(REGRESSION, f"{before - after} no longer scored", change, tolerance=0.0)
    failures = (candidate.n_failed or 0) - (baseline.n_failed or 0)
    if failures > 0:
        return Verdict(REGRESSION, f"{failures} more failed", change, tolerance=0.0)
    if after > before:
        return Verdict(CHANGED, f"{after - before} more than the baseline covers", change, tolerance=0.0)
    return Verdict(OK, "every sample of the baseline", change, tolerance=0.0)


def _lost(before: Samples | None, after: Samples | None) -> list[str]:
    if before is None or after is None:
        return []
    now = set(_scored(after))
    return [name for name in _scored(before) if name not in now]


def _scored(samples: Samples) -> list[str]:
    return [samples.ids[row] for row in np.flatnonzero(stratum_mask(samples, "all")).tolist()]
