"""Set metrics of a generation task at its full size: time and peak memory, each contender in a process of its own."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
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
    from vtbench.metrics.frechet import FrechetDistance

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
    from vtbench.metrics.manifold import Manifold

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
    "vtbench": ("vtbench.metrics.frechet", "vtbench.metrics.manifold"),
    "torch-fidelity": ("torch_fidelity.metric_fid",),
    "prdc": ("prdc",),
}


def run_one(name: str, folder: str) -> None:
    """Print seconds, peak memory in MiB and values, as JSON. Imports are off the clock."""
    for module in IMPORTED[name.split()[0]]:
        importlib.import_module(module)
    begun = Spent.now()
    values = CONTENDERS[name](Path(folder) / "predictions.npy", Path(folder) / "references.npy")
    print(json.dumps({"seconds": (Spent.now() - begun).wall, "mib": peak_memory_mb(), "values": values}))


def measured(name: str, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(in_own_process("--only", name, str(folder)))
    return found


def rows_of(kind: str, ours: dict[str, Any], theirs: dict[str, Any] | None, peer: str, count: int) -> list[str]:
    if theirs is None:
        against = ["not run", "not run", "not run"]
    else:
        gap = max(abs(ours["values"][key] - value) / max(abs(value), 1e-12) for key, value in theirs["values"].items())
        times, memory = theirs["seconds"] / ours["seconds"], theirs["mib"] / ours["mib"]
        against = [ratio([times]), ratio([memory]), f"{gap:.1e}"]
    return [kind, f"{count:,}", f"{ours['seconds']:.1f} s", f"{ours['mib']:,.0f} MiB", peer, *against]


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--only", nargs=2, metavar=("CONTENDER", "FOLDER"), help="one contender, in this process")
    options.add_argument("--images", type=int, default=50_000, help="rows of each set")
    options.add_argument("--peer-images", type=int, default=10_000, help="rows at which prdc, which keeps N², is run")
    chosen = options.parse_args()
    use_threads(chosen.threads)
    if chosen.only:
        run_one(*chosen.only)
        return
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for count in dict.fromkeys((chosen.peer_images, chosen.images)):
            folder = Path(place) / str(count)
            folder.mkdir()
            for seed, name in enumerate(("references", "predictions")):
                write_features(folder / f"{name}.npy", count, seed)
            peer = measured("prdc manifold", folder) if count <= chosen.peer_images else None
            rows.append(
                rows_of(
                    "precision, recall, density, coverage", measured("vtbench manifold", folder), peer, "prdc", count
                )
            )
            rows.append(
                rows_of(
                    "fd", measured("vtbench fd", folder), measured("torch-fidelity fd", folder), "torch-fidelity", count
                )
            )
    header = [
        "metric",
        "images a set",
        "vtbench",
        "its peak",
        "peer",
        "peer's time",
        "peer's peak",
        "largest difference",
    ]
    note = f"Features {WIDTH} wide, on disk, {chosen.threads} thread(s), wall clock. Peaks are of the whole process."
    publish("set-metrics", [note, table(header, rows)], chosen.write)


if __name__ == "__main__":
    main()
