"""Every image metric and feature of the loop on the CPU and on the card: the largest difference."""

from __future__ import annotations

import torch
from shapes import extractors, image_metrics, pool

PAIRS = 3


def agreement(side: int, device: torch.device, tiny: bool) -> dict[str, tuple[float, float]]:
    """By name: the largest absolute difference, and the largest absolute value on the CPU."""
    references, predictions = pool(PAIRS, side)
    there = references.to(device), predictions.to(device)
    host = torch.device("cpu")
    found = {}
    moved_metrics = image_metrics(device)
    for name, metric in image_metrics(host).items():
        wanted = metric(predictions, references, [None] * PAIRS)
        found[name] = _difference(wanted, moved_metrics[name](there[1], there[0], [None] * PAIRS))
    for name, extractor in extractors(host, tiny).items():
        wanted_features = {key: value.clone() for key, value in extractor(predictions).items()}
        moved = extractor.to(device=device)  # type: ignore[attr-defined]
        for key, value in moved(there[1]).items():
            found[f"{name}: {key}"] = _difference(wanted_features[key], value)
    return found


def _difference(wanted: torch.Tensor, found: torch.Tensor) -> tuple[float, float]:
    wanted, found = wanted.double().cpu(), found.double().cpu()
    known = wanted.isfinite()
    if not torch.equal(known, found.isfinite()):
        return float("inf"), float("nan")
    if not known.any():
        return 0.0, float("nan")
    return float((wanted - found)[known].abs().max()), float(wanted[known].abs().max())
