"""Time of one Fréchet distance from features, and agreement of its values, against other ways to take the root."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any

from machine import Spent, use_threads
from reporting import parser, publish, ratio, table

if TYPE_CHECKING:
    import numpy as np

    Matrix = np.ndarray[Any, Any]

Distance = Callable[["Matrix", "Matrix"], float]
SLOW = 5.0
"""Seconds beyond which a contender is not run again."""


def make_features(count: int, width: int, seed: int) -> Matrix:
    """Features as a network's average pool gives them: correlated, positive, with a long-tailed spectrum."""
    import numpy as np

    random = np.random.default_rng(0)
    mixing = random.standard_normal((width, width)) * (np.arange(1, width + 1) ** -0.5)[:, None] / 4
    latent = np.random.default_rng((1, seed)).standard_normal((count, width)) + 0.01 * seed
    features: Matrix = np.log1p(np.exp(latent @ mixing)).astype(np.float32)
    return features


def ours(predictions: Matrix, references: Matrix) -> float:
    from vtbench.metrics.feature_matrix import ArrayFeatures
    from vtbench.metrics.sets.frechet import FrechetDistance

    return FrechetDistance(jackknife=0)(ArrayFeatures(predictions), ArrayFeatures(references))["fd"].value


def ours_with_interval(predictions: Matrix, references: Matrix) -> float:
    from vtbench.metrics.feature_matrix import ArrayFeatures
    from vtbench.metrics.sets.frechet import FrechetDistance

    return FrechetDistance()(ArrayFeatures(predictions), ArrayFeatures(references))["fd"].value


def torch_fidelity(predictions: Matrix, references: Matrix) -> float:
    import torch
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

    first, second = (fid_features_to_statistics(torch.from_numpy(rows)) for rows in (predictions, references))
    return float(fid_statistics_to_metric(first, second, verbose=False)[KEY_METRIC_FID])


def square_root(predictions: Matrix, references: Matrix) -> float:
    """The textbook form, as clean-fid and pytorch-fid compute it."""
    import numpy as np
    from scipy import linalg

    (mean, covariance), (other_mean, other) = (
        (rows.mean(axis=0, dtype=np.float64), np.cov(rows, rowvar=False)) for rows in (predictions, references)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = linalg.sqrtm(covariance @ other)
    shift = mean - other_mean
    return float(shift @ shift + np.trace(covariance) + np.trace(other) - 2 * np.trace(root.real))


def exact(predictions: Matrix, references: Matrix) -> float:
    """By symmetric eigenvalues, in an orthonormal basis of the samples where they do not fill the space."""
    import numpy as np

    first, second = predictions.astype(np.float64), references.astype(np.float64)
    if len(first) + len(second) < first.shape[1]:
        basis, _ = np.linalg.qr(np.concatenate([first, second]).T)
        first, second = first @ basis, second @ basis
    covariance, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    overlaps = np.linalg.eigvalsh(root @ other @ root)
    overlap = np.sqrt(overlaps[overlaps > overlaps.max() * 1e-13]).sum()
    shift = first.mean(axis=0) - second.mean(axis=0)
    return float(shift @ shift + np.trace(covariance) + np.trace(other) - 2 * overlap)


CONTENDERS: dict[str, Distance] = {
    "vtbench, no interval": ours,
    "vtbench, with its interval": ours_with_interval,
    "torch-fidelity": torch_fidelity,
    "scipy sqrtm": square_root,
}


def compare(count: int, width: int, rounds: int) -> list[list[str]]:
    """One row a contender: time as a multiple of vtbench's, and how far its value is from the exact one."""
    predictions, references = (make_features(count, width, seed) for seed in (1, 2))
    ours(predictions, references)
    seconds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    values: dict[str, float] = {}
    for _ in range(rounds):
        for name, distance in CONTENDERS.items():
            if max(seconds[name], default=0.0) < SLOW:
                begun = Spent.now()
                values[name] = distance(predictions, references)
                seconds[name].append((Spent.now() - begun).cpu)
    truth, base = exact(predictions, references), median(seconds["vtbench, no interval"])
    return [
        [name, str(count), ratio([taken / base for taken in seconds[name]]), f"{abs(values[name] / truth - 1):.1e}"]
        for name in CONTENDERS
    ]


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--images", type=int, nargs="+", default=[5000, 100], help="rows of each feature set")
    options.add_argument("--width", type=int, default=2048, help="features an image")
    chosen = options.parse_args()
    use_threads(chosen.threads)
    rows = [row for count in chosen.images for row in compare(count, chosen.width, chosen.rounds)]
    header = ["Fréchet distance", "images a set", "time / vtbench", "relative error"]
    note = (
        f"Features {chosen.width} wide; processor time from features to value; a contender that takes more than "
        f"{SLOW:.0f} s is run once."
    )
    publish("frechet", [note, table(header, rows)], chosen.write)


if __name__ == "__main__":
    main()
