"""Keep a baseline up to date: replace jobs that were measured again, and learn how far repeats of one job differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from vtbench.core.errors import NotComparableError, UsageError
from vtbench.results.comparing.baseline import Baseline, BaselineJob, is_baseline, job_of, measurement_of, read_baseline
from vtbench.results.comparing.intervals import pair
from vtbench.results.comparing.measurement import Key, Measurement, not_comparable

_LEAST_REPEATS = 2


def opened(path: Path) -> Baseline:
    """The baseline at ``path``, or an empty one to be written there.

    Raises:
        UsageError: something else is there.
    """
    if not path.exists():
        return Baseline()
    if not is_baseline(path):
        raise UsageError(f"{path} is no baseline", "name a file that `vtbench check --update` wrote, or a new one")
    return read_baseline(path)


def updated(baseline: Baseline, found: Sequence[Measurement]) -> Baseline:
    """Measurements in the place of jobs of the same task and model, and beside all others.

    Repeats stay with a job as long as its protocol and data do.

    Raises:
        UsageError: one job twice.
    """
    table = {_key(job): job for job in baseline.jobs}
    seen: dict[Key, Measurement] = {}
    for measurement in found:
        key = (measurement.task, measurement.label)
        if key in seen:
            raise UsageError(
                f"{measurement.label} on {measurement.task} is there more than once: "
                f"{seen[key].source} and {measurement.source}",
                "name one of them; with --calibrate they are repeats of one job",
            )
        seen[key] = measurement
        table[key] = job_of(replace(measurement, repeats=_kept(table.get(key), measurement)))
    return baseline.model_copy(update={"jobs": tuple(table.values())})


def calibrated(baseline: Baseline, found: Sequence[Measurement]) -> Baseline:
    """Repeats of the baseline's jobs, stored with them; a job that is not there yet enters with its first repeat.

    Only metrics without rows need them: the others are tested on the samples of the run itself.

    Raises:
        UsageError: a single repeat of a job.
        NotComparableError: a repeat under another protocol or on other data.
    """
    groups: dict[Key, list[Measurement]] = {}
    for measurement in found:
        groups.setdefault((measurement.task, measurement.label), []).append(measurement)
    table = {_key(job): job for job in baseline.jobs}
    for key, repeats in groups.items():
        job = table.get(key)
        first = repeats[0] if job is None else measurement_of(job, "the baseline")
        _require_repeats(first, repeats)
        table[key] = job_of(replace(first, repeats=_values(repeats)))
    return baseline.model_copy(update={"jobs": tuple(table.values())})


def _key(job: BaselineJob) -> Key:
    return job.task, job.model


def _kept(job: BaselineJob | None, measurement: Measurement) -> dict[Key, tuple[float, ...]]:
    if job is None or not_comparable(measurement_of(job, ""), measurement):
        return {}
    return {(entry.metric, entry.stratum): entry.values for entry in job.repeats}


def _require_repeats(first: Measurement, repeats: Sequence[Measurement]) -> None:
    name = f"{first.label} on {first.task}"
    if len(repeats) < _LEAST_REPEATS:
        raise UsageError(
            f"{name}: {len(repeats)} run, and a spread needs {_LEAST_REPEATS} or more",
            "repeat it with another --seed, --workers or --batch-size into another --out, and name them all",
        )
    for repeat in repeats:
        why = not_comparable(first, repeat)
        if not why and (first.n_expected, first.n_scored) != (repeat.n_expected, repeat.n_scored):
            why = f"{first.n_scored} of {first.n_expected} samples, now {repeat.n_scored} of {repeat.n_expected}"
        if why:
            raise NotComparableError(f"{repeat.source} is no repeat of {name}: {why}", "calibrate on one job at a time")


def _values(repeats: Sequence[Measurement]) -> dict[Key, tuple[float, ...]]:
    shared = [key for key in repeats[0].results if all(key in repeat.results for repeat in repeats)]
    values = {
        key: tuple(repeat.results[key].value for repeat in repeats) for key in shared if not _has_rows(repeats[0], key)
    }
    return {key: found for key, found in values.items() if _finite(found)}


def _has_rows(measurement: Measurement, key: Key) -> bool:
    side = (measurement.results[key], measurement.rows)
    return pair(side, side) is not None


def _finite(values: Iterable[float]) -> bool:
    return all(math.isfinite(value) for value in values)
