"""Peak memory of a run at 1,000 and at 10,000 images, each in its own process; the aim is that it does not grow.

Everything is real but the networks: photograph crops cut on the fly, blocks and features on disk, the fold, and FID and
KID from the stored features. Features are a seeded random projection of a thumbnail, as wide as asked for.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from machine import in_own_process, peak_memory_mb, use_threads
from reporting import parser, publish, table

SIDE = 64
THUMBNAIL = 16


def measure_peaks(count: int, width: int) -> None:
    """Measure and score one job; print peak memory in MiB once imports are done, after measuring, after scoring."""
    import torch
    from harness import Handed, make_evaluators, make_task, measure, plan_job, score
    from photographs import RandomCrops
    from torch import Tensor

    from vtbench.core.disk.files import CACHE_VARIABLE

    class Projection:
        """``uint8 [B,3,H,W]`` to ``float32 [B,width]``: rectified random projections of a thumbnail."""

        id = f"projection-{width}"

        def __init__(self) -> None:
            noise = torch.randn(3 * THUMBNAIL**2, width, generator=torch.Generator().manual_seed(0))
            self._matrix = noise / THUMBNAIL

        def __call__(self, images: Tensor) -> dict[str, Tensor]:
            small = torch.nn.functional.adaptive_avg_pool2d(images.float() / 255, THUMBNAIL).flatten(1)
            return {"pool": torch.relu(small @ self._matrix)}

        def to(self, *, device: torch.device) -> Projection:
            return self

    kid = {"name": "kid", "params": {"subset_size": 500}}
    task = make_task("memory", ["psnr", "ssim"], ["fid", kid])
    evaluators = make_evaluators(task, {"inception_tf": Projection()})
    source = Handed("posterised", lambda sample: sample.model_input // 16 * 16 + 8, 16)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE_VARIABLE] = str(Path(folder) / "cache")
        plan = plan_job(source, task, RandomCrops(count, SIDE), Path(folder) / "runs")
        measure(plan_job(source, task, RandomCrops(16, SIDE), Path(folder) / "warm-up"), evaluators)
        peaks = [peak_memory_mb()]
        measure(plan, evaluators)
        peaks.append(peak_memory_mb())
        record = score(plan)
        peaks.append(peak_memory_mb())
    assert {result.metric for result in record.results} == {"psnr", "ssim", "fid", "kid"}, record.warnings
    print(json.dumps(peaks))


def row(width: int, few: int, many: int) -> list[str]:
    small, large = (json.loads(in_own_process("--only", str(count), str(width))) for count in (few, many))
    shown = [f"{before:.0f} → {after:.0f} MiB" for before, after in zip(small, large, strict=True)]
    return [str(width), *shown, f"**{large[1] / small[1]:.2f}×**", f"**{large[2] / small[2]:.2f}×**"]


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--images", type=int, nargs=2, default=[1000, 10000], metavar=("FEW", "MANY"))
    options.add_argument("--widths", type=int, nargs="+", default=[512, 2048], help="features an image")
    options.add_argument("--only", type=int, nargs=2, metavar=("IMAGES", "WIDTH"), help="one run, in this process")
    chosen = options.parse_args()
    use_threads(chosen.threads)
    if chosen.only:
        measure_peaks(*chosen.only)
        return
    few, many = chosen.images
    rows = [row(width, few, many) for width in chosen.widths]
    header = ["feature width", "ready", "measured", "scored", "growth, measuring", "growth, whole run"]
    note = f"Peak resident memory of {few:,} → {many:,} images of {SIDE}×{SIDE}, blocks of 16."
    publish("memory", [note, table(header, rows)], chosen.write)


if __name__ == "__main__":
    main()
