"""Images that two runs of a generator left, pair by pair: each of one condition and one seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vtbench.core.errors import AssetMissingError, DamagedFileError
from vtbench.core.naming.reference import Reference
from vtbench.core.outside.parsing import reason
from vtbench.metrics.catalog.lookup import IMAGE_REGISTRY
from vtbench.results.comparing.acceleration.row import Acceleration, samples_folder, unpaired
from vtbench.results.comparing.measurement import Measurement
from vtbench.run.measuring.tally import runs_of_equal_shape

_AT_ONCE = 16
_METRICS = ("psnr", "lpips_alex")


def with_image_scores(row: Acceleration, baseline: Measurement, candidate: Measurement) -> Acceleration:
    """The row with PSNR and LPIPS over the images that both runs kept by ``--samples``, or with why there are none."""
    why = unpaired(baseline, candidate)
    one, other = samples_folder(baseline), samples_folder(candidate)
    if why or one is None or other is None:
        told = why or "a run kept no images: sample both with --samples DIR"
        return _without(row, told)
    shared = sorted(_images(one).keys() & _images(other).keys())
    if not shared:
        return _without(row, f"{one} and {other} share no image")
    sides = ((baseline, one), (candidate, other))
    written_over = [side.source for side, kept in sides if _is_younger(side, [kept / name for name in shared])]
    if written_over:
        return _without(row, f"images of {written_over[0]} were written anew since; sample it again with --samples DIR")
    found: dict[str, float] = {}
    missing = row.missing
    for name in _METRICS:
        try:
            found[name] = _mean(_values(name, one, other, shared))
        except AssetMissingError as error:
            missing = (*missing, f"{name}: {error.what}")
    return replace(row, **found, missing=missing)  # type: ignore[arg-type]


def _without(row: Acceleration, why: str) -> Acceleration:
    return replace(row, missing=(*row.missing, f"PSNR, LPIPS: {why}"))


def _images(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.png")}


def _is_younger(side: Measurement, images: Sequence[Path]) -> bool:
    """Whether an image is younger than the record: then another job wrote it."""
    record = side.record
    return record is not None and any(path.stat().st_mtime > record.finished.timestamp() + 1 for path in images)


def _values(name: str, before: Path, after: Path, names: Sequence[str]) -> Iterator[float]:
    """The metric of each pair, in order."""
    metric: Any = IMAGE_REGISTRY.create(Reference(name, {}))
    for start in range(0, len(names), _AT_ONCE):
        chosen = names[start : start + _AT_ONCE]
        references, predictions = ([_read(folder / one) for one in chosen] for folder in (before, after))
        for span in runs_of_equal_shape(references):
            with torch.inference_mode():
                found = metric(torch.stack(predictions[span]), torch.stack(references[span]), [None] * len(chosen))
            yield from found.tolist()


def _read(path: Path) -> Tensor:
    try:
        with Image.open(path) as image:
            return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()
    except OSError as error:
        raise DamagedFileError(path, f"is no image: {reason(error)}", "sample again with --samples DIR") from None


def _mean(values: Iterator[float]) -> float:
    """Over finite values; infinite where none is, as the PSNR of equal images."""
    kept = list(values)
    finite = [value for value in kept if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.inf
