"""What an accelerated generator gains and costs against the plain one: speed, memory, codes, images, distances.

Images and codes are compared pair by pair, each pair of one condition and one seed. A strategy that keeps the model's
distribution may draw another image from the same seed: then distances, not pairs, tell whether anything was lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.results.comparing.measurement import Measurement, not_comparable
from vtbench.results.records.sampled_codes import equal_shares

if TYPE_CHECKING:
    from vtbench.results.records.record import RunRecord

PLAIN = "plain"
_DEPTH = 3
"""Folders of a job below that of all runs: task, model, key."""
_DISTANCES = ("gfid", "fid", "sfid", "fd_", "kid", "cmmd")
_FASTER_ONLY_ON_ONE_DEVICE = "speed and memory: measured on unlike devices"


@dataclass(frozen=True)
class Acceleration:
    """One generator against another, in one row. ``None`` where a number is not to be had; ``missing`` says why.

    Attributes:
        strategy: of the candidate; ``plain`` for one token a pass.
        lossless: whether the strategy keeps the model's distribution; ``None`` where it does not say.
        speed: how many times as fast an image is sampled, decoding left out.
        speed_with_decoding: the same with decoding.
        steps: how many times fewer decoding steps an image takes.
        memory: peak memory as a multiple of the baseline's.
        cache: the key-value cache, at its largest, as a multiple of the baseline's.
        cache_at_end: the same when the last token is drawn.
        weights: bytes of all networks that draw tokens as a multiple of the baseline's.
        equal_codes: share of codes that equal the baseline's, pair by pair.
        equal_images: share of images all of whose codes do.
        pairs: behind the two.
        psnr: dB, mean over pairs that are not equal; infinite where all are.
        lpips_alex: mean over pairs.
        distances: by metric, of the baseline and of the candidate.
        missing: what is not here, and how to get it.
    """

    task: str
    baseline: str
    candidate: str
    strategy: str
    lossless: bool | None
    speed: float | None = None
    speed_with_decoding: float | None = None
    steps: float | None = None
    memory: float | None = None
    cache: float | None = None
    cache_at_end: float | None = None
    weights: float | None = None
    equal_codes: float | None = None
    equal_images: float | None = None
    pairs: int | None = None
    psnr: float | None = None
    lpips_alex: float | None = None
    distances: dict[str, tuple[float, float]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def accelerated(baseline: Measurement, candidate: Measurement) -> bool:
    """Whether the two are one generator under two strategies, with the same weights."""
    before, after = baseline.record, candidate.record
    if before is None or after is None or not (_generates(before) and _generates(after)):
        return False
    weights = [{weight.sha256 for weight in record.model.weights} for record in (before, after)]
    return weights[0] == weights[1] and before.model.name == after.model.name and _strategy(before) != _strategy(after)


def acceleration(baseline: Measurement, candidate: Measurement) -> Acceleration | None:
    """The row of two runs of generators; ``None`` where one is none, or the protocols are not equal."""
    before, after = baseline.record, candidate.record
    if before is None or after is None or not (_generates(before) and _generates(after)):
        return None
    if not_comparable(baseline, candidate):
        return None
    missing: list[str] = []
    shares = _shares(baseline, candidate, missing)
    return Acceleration(
        task=baseline.task,
        baseline=baseline.label,
        candidate=candidate.label,
        strategy=_strategy(after),
        lossless=after.model.sampler.get("strategy_lossless"),
        equal_codes=None if shares is None else shares[0],
        equal_images=None if shares is None else shares[1],
        pairs=None if shares is None else shares[2],
        **_cost(before, after, missing),
        distances=_distances(baseline, candidate),
        missing=tuple(missing),
    )


def unpaired(baseline: Measurement, candidate: Measurement) -> str:
    """Why images of one id are not of one condition and seed; empty where they are."""
    before, after = baseline.record, candidate.record
    assert before is not None and after is not None
    if before.determinism.seed != after.determinism.seed:
        return f"seed {before.determinism.seed}, now {after.determinism.seed}"
    return "" if before.data.conditions == after.data.conditions else "other conditions"


def samples_folder(of: Measurement) -> Path | None:
    """Where a run left its images; ``None`` where it kept none. A relative path is seen from where the run was given,
    which the place of its own folder tells."""
    given = {} if of.record is None else of.record.config.given
    samples, out = given.get("samples"), given.get("out")
    if not isinstance(samples, str):
        return None
    if Path(samples).is_absolute() or not isinstance(out, str) or Path(out).is_absolute():
        return Path(samples)
    above = Path(of.source).resolve().parents[_DEPTH - 1 :]  # the folder of all runs, and those above it
    steps = len(Path(out).parts)
    moved = ".." in Path(out).parts or len(above) <= steps
    return Path(samples) if moved else above[steps] / samples


def _generates(record: RunRecord) -> bool:
    """Whether images were sampled: how likely real ones are depends on no strategy."""
    return record.model.kind == "generator" and record.task.spec.get("kind") != "tokens"


def _strategy(record: RunRecord) -> str:
    return str(record.model.sampler.get("strategy", PLAIN))


def _cost(before: RunRecord, after: RunRecord, missing: list[str]) -> dict[str, float | None]:
    devices = [record.environment.device_name or record.environment.device for record in (before, after)]
    one, other = before.performance, after.performance
    found = {
        "steps": _times(one.steps_per_image, other.steps_per_image),
        "cache": _times(other.kv_cache_bytes, one.kv_cache_bytes),
        "cache_at_end": _times(other.kv_cache_bytes_at_end, one.kv_cache_bytes_at_end),
        "weights": _times(other.weight_bytes, one.weight_bytes),
    }
    if devices[0] != devices[1]:
        missing.append(f"{_FASTER_ONLY_ON_ONE_DEVICE}, {devices[0]} and {devices[1]}")
        return dict(found)
    found["speed"] = _times(one.sample_s_per_image, other.sample_s_per_image)
    found["speed_with_decoding"] = _times(one.sample_decode_s_per_image, other.sample_decode_s_per_image)
    if before.environment.device == "cpu":
        missing.append("memory: on a CPU the peak is of the whole process, not of one job")
    else:
        found["memory"] = _times(other.peak_memory_mb, one.peak_memory_mb)
    if found["speed"] is None:
        missing.append("speed: a run does not tell its seconds an image; measure again with this vtbench and --fresh")
    return dict(found)


def _times(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator is not None and denominator else None


def _shares(baseline: Measurement, candidate: Measurement, missing: list[str]) -> tuple[float, float, int] | None:
    why = unpaired(baseline, candidate)
    if why:
        missing.append(f"pairs: {why}")
        return None
    if baseline.rows is None or candidate.rows is None:
        missing.append("equal codes: a run kept no rows")
        return None
    rows = (baseline.rows, candidate.rows)
    found = equal_shares(Path(baseline.source), Path(candidate.source), rows)
    if isinstance(found, str):
        missing.append(f"equal codes: {found}")
        return None
    return found


def _distances(baseline: Measurement, candidate: Measurement) -> dict[str, tuple[float, float]]:
    return {
        metric: (result.value, candidate.results[metric, stratum].value)
        for (metric, stratum), result in baseline.results.items()
        if stratum == "all" and metric.startswith(_DISTANCES) and (metric, stratum) in candidate.results
    }
