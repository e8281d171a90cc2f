"""``check``: set runs against a baseline and say whether anything got worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vtbench.core.errors import NotComparableError, UsageError, VtbenchError
from vtbench.results.comparing.baseline import read_baseline
from vtbench.results.comparing.coverage import coverage
from vtbench.results.comparing.differences import direction
from vtbench.results.comparing.measurement import Key, Measurement, not_comparable
from vtbench.results.comparing.sources import load_measurements, matched
from vtbench.results.comparing.verdict import NEW, NOT_COMPARABLE, REGRESSION, Verdict, judge
from vtbench.results.records.record import RECORD_FILE

COVERAGE, PROTOCOL = "coverage", "protocol"
FALSE_ALARMS = 0.05
"""Of the whole check, both directions together; a direction has half of it, shared by all tests (Bonferroni)."""
_Pair = tuple[Measurement, Measurement]


@dataclass(frozen=True)
class Finding:
    """One metric of one job; ``coverage`` and ``protocol`` are findings on the job itself."""

    task: str
    model: str
    metric: str
    stratum: str
    baseline: float | None
    value: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    tolerance: float | None
    verdict: str
    why: str


@dataclass(frozen=True)
class CheckReport:
    """Every finding, and what else changed in a job with a regression."""

    findings: tuple[Finding, ...]
    changes: tuple[str, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """1 where something got worse, else 3 where something does not compare, else 0."""
        verdicts = {finding.verdict for finding in self.findings}
        return 1 if REGRESSION in verdicts else (3 if NOT_COMPARABLE in verdicts else 0)

    def count(self, verdict: str) -> int:
        """Number of findings of a verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)


def check(
    runs: Sequence[Path], baseline: Path, strata: bool = False, tolerances: Mapping[str, float] | None = None
) -> CheckReport:
    """Check every run that has a counterpart in the baseline; one without is reported as new.

    A job of the baseline that was not measured is lost coverage, unless single runs were named; so is a record, on
    either side, that cannot be read.

    Args:
        runs: run folders, records, or folders above runs.
        baseline: a file that ``--update`` wrote, a run, or a folder above runs.
        strata: parts of the samples too; more tests, each the stricter.
        tolerances: by metric, before those of the task.

    Raises:
        UsageError: nothing is there, or a tolerance for a metric that nobody measured.
        NotComparableError: no run has a counterpart.
    """
    if not baseline.exists():
        read_baseline(baseline)  # which says how to make one
    lost: list[VtbenchError] = []
    before = load_measurements(baseline, lost.append)
    after = [found for run in runs for found in load_measurements(run, lost.append)]
    jobs = matched([before, after], [str(baseline), " and ".join(map(str, runs))])
    pairs = [(old, new) for old, new in jobs if old is not None and new is not None]
    if not pairs:
        raise NotComparableError(
            f"nothing in {baseline} has a counterpart in {', '.join(map(str, runs))}",
            f"it holds {_names(before)}; the runs are {_names(after)}",
        )
    _require_known(tolerances or {}, pairs)
    alpha = FALSE_ALARMS / 2.0 / max(1, sum(_tests(old, new, strata) for old, new in pairs))
    findings = [_unreadable(problem) for problem in lost]
    for old, new in jobs:
        if old is not None and new is not None:
            findings += _job(old, new, strata, alpha, dict(tolerances or {}))
        elif new is not None:
            findings.append(_finding(new, COVERAGE, Verdict(NEW, "not in the baseline: add it with --update")))
        elif old is not None and any(_is_above_runs(run) for run in runs):
            findings.append(_finding(old, COVERAGE, Verdict(REGRESSION, "in the baseline, and not measured now")))
    return CheckReport(tuple(findings), tuple(_changes(pairs, findings)))


def _job(
    baseline: Measurement, candidate: Measurement, strata: bool, alpha: float, tolerances: dict[str, float]
) -> Iterator[Finding]:
    refused = not_comparable(baseline, candidate)
    if refused:
        yield _finding(candidate, PROTOCOL, Verdict(NOT_COMPARABLE, refused))
        return
    yield _finding(candidate, COVERAGE, coverage(baseline, candidate), values=(baseline.n_scored, candidate.n_scored))
    for key in _keys(baseline, candidate, strata):
        before, after = baseline.results.get(key), candidate.results.get(key)
        values = (None if before is None else before.value, None if after is None else after.value)
        yield _finding(candidate, key[0], judge(baseline, candidate, key, alpha, tolerances), key[1], values)


def _finding(
    job: Measurement,
    metric: str,
    found: Verdict,
    stratum: str = "all",
    values: tuple[float | None, float | None] = (None, None),
) -> Finding:
    low, high = found.interval if found.interval is not None else (None, None)
    return Finding(
        task=job.task,
        model=job.label,
        metric=metric,
        stratum=stratum,
        baseline=values[0],
        value=values[1],
        difference=found.difference,
        ci_low=low,
        ci_high=high,
        tolerance=found.tolerance,
        verdict=found.verdict,
        why=found.why,
    )


def _unreadable(problem: VtbenchError) -> Finding:
    """A record that cannot be read is coverage lost: nobody knows what it would have shown."""
    why = " ".join(str(problem).split())
    return Finding("?", "?", COVERAGE, "all", None, None, None, None, None, None, REGRESSION, why)


def _keys(baseline: Measurement, candidate: Measurement, strata: bool) -> list[Key]:
    return [key for key in dict.fromkeys([*baseline.results, *candidate.results]) if strata or key[1] == "all"]


def _tests(baseline: Measurement, candidate: Measurement, strata: bool) -> int:
    """Metrics that a regression can be found in by a test."""
    if not_comparable(baseline, candidate):
        return 0
    shared = (key for key in _keys(baseline, candidate, strata) if key in baseline.results and key in candidate.results)
    return sum(direction(baseline.results[key], candidate.results[key]) is not None for key in shared)


def _require_known(tolerances: Mapping[str, float], pairs: Sequence[_Pair]) -> None:
    known = {metric for pair in pairs for side in pair for metric, _ in side.results}
    strange = sorted(set(tolerances) - known)
    if strange:
        raise UsageError(
            f"a tolerance for {strange[0]}, which nobody measured", f"measured: {', '.join(sorted(known))}"
        )


def _is_above_runs(path: Path) -> bool:
    return path.is_dir() and not (path / RECORD_FILE).is_file()


def _names(found: Sequence[Measurement], most: int = 4) -> str:
    names = [f"{entry.label} on {entry.task}" for entry in found]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _changes(pairs: Sequence[_Pair], findings: Sequence[Finding]) -> Iterator[str]:
    """Beside a regression: packages, device, seed, weights that are not those of the baseline."""
    worse = {(found.task, found.model) for found in findings if found.verdict == REGRESSION}
    for old, new in pairs:
        if (new.task, new.label) in worse and old.context and new.context:
            names = list(dict.fromkeys([*old.context, *new.context]))
            changed = [
                f"{name} {old.context.get(name) or 'none'} → {new.context.get(name) or 'none'}"
                for name in names
                if old.context.get(name) != new.context.get(name)
            ]
            if changed:
                yield f"{new.label} on {new.task}: {', '.join(changed)}"
