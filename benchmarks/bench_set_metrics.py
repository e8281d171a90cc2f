"""Set metrics of a generation task at its full size: time and peak memory, each contender in a process of its own."""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from machine import Spent, in_own_process, peak_memory_mb, use_threads
from reporting import parser, publish, ratio, table

if TYPE_CHECKING:
    import numpy as np

    Matrix = np.ndarray[Any, Any]

WIDTH = 2048
Contender = Callable[["Path", "Path"], dict[str, float]]


def write_features(path: Path, count: int, seed: int) -> None:
    """Rows on disk, as a run leaves them: float32, correlated, long-tailed; written a chunk at a time."""
    import numpy as np

    mixing = np.random.default_rng(0).standard_normal((WIDTH, 256)).astype(np.float32) * np.arange(1, 257) ** -0.5
    random = np.random.default_rng((1, seed))
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, WIDTH))
    for start in range(0, count, 1000):
        latent = random.standard_normal((min(1000, count - start), 256)) + 0.05 * seed
        rows[start : start + 1000] = latent @ mixing.T + 0.1 * random.standard_normal((len(latent), WIDTH))


def opened(*paths: Path) -> list[Matrix]:
    import numpy as np

    return [np.load(path, mmap_mode="r") for path in paths]


def vtbench_frechet(predictions: Path, references: Path) -> dict[str, float]:
    from vtbench.metrics.feature_matrix import ArrayFeatures
    from vtbench.metrics.sets.frechet import FrechetDistance

    first, second = (ArrayFeatures(rows) for rows in opened(predictions, references))
    return {"fd": FrechetDistance(jackknife=0)(first, second)["fd"].value}


def torch_fidelity_frechet(predictions: Path, references: Path) -> dict[str, float]:
    import numpy as np
    import torch
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

    first, second = (
        fid_features_to_statistics(torch.from_numpy(np.array(rows))) for rows in opened(predictions, references)
    )
    return {"fd": float(fid_statistics_to_metric(first, second, verbose=False)[KEY_METRIC_FID])}


def vtbench_manifold(predictions: Path, references: Path) -> dict[str, float]:
    from vtbench.metrics.feature_matrix import ArrayFeatures
    from vtbench.metrics.sets.manifold import Manifold

    first, second = (ArrayFeatures(rows) for rows in opened(predictions, references))
    return {name: estimate.value for name, estimate in Manifold(k=3)(first, second).items()}


def prdc_manifold(predictions: Path, references: Path) -> dict[str, float]:
    import numpy as np
    from prdc import compute_prdc

    first, second = (np.array(rows) for rows in opened(predictions, references))
    return {name: float(value) for name, value in compute_prdc(second, first, nearest_k=3).items()}


CONTENDERS: dict[str, Contender] = {
    "vtbench fd": vtbench_frechet,
    "torch-fidelity fd": torch_fidelity_frechet,
    "vtbench manifold": vtbench_manifold,
    "prdc manifold": prdc_manifold,
}


IMPORTED = {
    "vtbench": ("vtbench.metrics.sets.frechet", "vtbench.metrics.sets.manifold"),
    "torch-fidelity": ("torch_fidelity.metric_fid",),
    "prdc": ("prdc",),
}


def run_one(name: str, folder: str) -> None:
    """Print seconds, peak memory in MiB and values, as JSON. Imports are off the clock."""
    for module in IMPORTED[name.split()[0]]:
        importlib.import_module(module)
    begun = Spent.now()
    values = CONTENDERS[name](Path(folder) / "predictions.npy", Path(folder) / "references.npy")
    spent = Spent.now() - begun
    print(json.dumps({"wall": spent.wall, "cpu": spent.cpu, "mib": peak_memory_mb(), "values": values}))


def measured(name: str, folder: Path, threads: int) -> dict[str, Any]:
    """One contender in a process of its own, which must be told the threads: it sets them by itself."""
    line = in_own_process("--only", name, str(folder), "--threads", str(threads))
    found: dict[str, Any] = json.loads(line)
    return found


@dataclass(frozen=True)
class Duel:
    """What is compared, and up to how many images the peer can be run."""

    label: str
    ours: str
    theirs: str
    most_rounds: int

    def row(self, folder: Path, count: int, peer_runs: bool, chosen: argparse.Namespace) -> list[str]:
        """Contenders take turns; a ratio is taken within a round."""
        ours, theirs = [], []
        for _ in range(min(self.most_rounds, chosen.rounds)):
            ours.append(measured(self.ours, folder, chosen.threads))
            if peer_runs:
                theirs.append(measured(self.theirs, folder, chosen.threads))
        peer = self.theirs.split()[0]
        wall, cpu = (f"{median(found[clock] for found in ours):.1f} s" for clock in ("wall", "cpu"))
        shown = [self.label, f"{count:,}", wall, cpu, f"{max(found['mib'] for found in ours):,.0f} MiB", peer]
        return shown + (against(ours, theirs) if peer_runs else ["not run"] * 4)


def against(ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> list[str]:
    """Ratios of both clocks and of memory, and the largest relative difference of the values."""
    own, other = ours[0]["values"], theirs[0]["values"]
    gap = max(abs(own[key] - value) / max(abs(value), 1e-12) for key, value in other.items())
    pairs = list(zip(theirs, ours, strict=True))
    return [*(ratio([b[kind] / a[kind] for b, a in pairs]) for kind in ("wall", "cpu", "mib")), f"{gap:.1e}"]


# The manifold of 50,000 takes minutes: once is enough.
MANIFOLD = Duel("precision, recall, density, coverage", "vtbench manifold", "prdc manifold", most_rounds=1)
FRECHET = Duel("fd", "vtbench fd", "torch-fidelity fd", most_rounds=3)
HEADER = (
    "metric",
    "images a set",
    "vtbench, wall",
    "processor",
    "peak",
    "peer",
    "its wall",
    "its processor",
    "its peak",
    "largest difference",
)


def duels(place: Path, chosen: argparse.Namespace) -> Iterator[list[str]]:
    """A row for each metric and size."""
    for count in dict.fromkeys((chosen.peer_images, chosen.images)):
        folder = place / str(count)
        folder.mkdir()
        for seed, name in enumerate(("references", "predictions")):
            write_features(folder / f"{name}.npy", count, seed)
        yield FRECHET.row(folder, count, True, chosen)
        if count <= chosen.manifold_images:
            yield MANIFOLD.row(folder, count, count <= chosen.peer_images, chosen)


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--only", nargs=2, metavar=("CONTENDER", "FOLDER"), help="one contender, in this process")
    options.add_argument("--images", type=int, default=50_000, help="rows of each set")
    options.add_argument("--peer-images", type=int, default=10_000, help="rows at which prdc, which keeps N², is run")
    options.add_argument("--manifold-images", type=int, default=50_000, help="most rows for the nearest neighbours")
    chosen = options.parse_args()
    use_threads(chosen.threads)
    if chosen.only:
        run_one(*chosen.only)
        return
    with tempfile.TemporaryDirectory() as place:
        rows = list(duels(Path(place), chosen))
    note = (
        f"Features {WIDTH} wide, on disk, {chosen.threads} thread(s). The peer's figures are multiples of vtbench's, "
        "medians of rounds; peaks are of the whole process."
    )
    publish("set-metrics", [note, table(HEADER, rows)], chosen.write)


if __name__ == "__main__":
    main()
