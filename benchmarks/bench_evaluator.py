"""What ``vtbench.Evaluator`` keeps ready: time of a second call against the first, and what either reads.

The aim is under 60 % of the first call's time. Libraries are imported before the first call, so that it is not longer
for that; its images come from files, which it decodes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from machine import use_threads
from reporting import parser, publish, ratio, table

LOOP = """
name: training-loop
version: 1
kind: reconstruction
summary: The metrics of the published loop.
preprocess: {preset: adm-center-crop@1, size: 256}
image_metrics: [psnr, ssim, lpips_alex]
set_metrics: [SET]
block_size: 16
previews: {fixed: 0, worst: 0}
"""
NAMES = {"fid": "PSNR, SSIM, LPIPS, FID", "fd_efflite0": "PSNR, SSIM, LPIPS, FD of a small network"}


@dataclass(frozen=True)
class Call:
    """One call: processor seconds, images that were decoded, and images whose features were taken."""

    seconds: float
    decoded: int
    extracted: int


class Watch:
    """Counts while it is open."""

    def __init__(self) -> None:
        self.decoded = self.extracted = 0

    @contextmanager
    def open(self) -> Iterator[None]:
        from vtbench.data.sources import folder
        from vtbench.features.network import NetworkExtractor

        decode, extract = folder.decode_image, NetworkExtractor.__call__

        def decoded(*given: Any, **named: Any) -> Any:
            self.decoded += 1
            return decode(*given, **named)

        def extracted(self_: Any, images: Any) -> Any:
            self.extracted += len(images)
            return extract(self_, images)

        with patch.object(folder, "decode_image", decoded), patch.object(NetworkExtractor, "__call__", extracted):
            yield

    def of(self, evaluator: Any, model: Any) -> Call:
        """One call, measured."""
        before, began = (self.decoded, self.extracted), time.process_time()
        evaluator(model)
        seconds = time.process_time() - began
        return Call(seconds, self.decoded - before[0], self.extracted - before[1])


def write_images(folder: Path, count: int, side: int) -> Path:
    """Crops of photographs as JPEG files."""
    from photographs import RandomCrops
    from PIL import Image

    crops = RandomCrops(count, side)
    folder.mkdir()
    for index in range(count):
        pixels = crops[index].image.permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(folder / f"{index:05d}.jpg", quality=95)
    return folder


@contextmanager
def inception_without_download() -> Iterator[None]:
    """Seeded weights in place of those that are on no package index: speed does not depend on them."""
    from networks import seeded_inception

    from vtbench.features.inception import InceptionTF

    state, make = seeded_inception(), InceptionTF.__init__
    with ExitStack() as stack:
        stack.enter_context(patch.object(InceptionTF, "required_assets", ()))
        stack.enter_context(patch.object(InceptionTF, "__init__", lambda self, given=None: make(self, given or state)))
        yield


def measure(task: str, images: Path, calls: int = 2) -> list[Call]:
    """Calls of one evaluator on a model that costs next to nothing, as little as any takes of the time."""
    import vtbench

    watch = Watch()
    with watch.open(), vtbench.Evaluator(task, data=images, allow_small_sets=True) as evaluator:
        model = vtbench.reconstructor(lambda x: x * 0.95, name="darker")
        return [watch.of(evaluator, model) for _ in range(calls)]


def compare(folder: Path, images: Path, names: Sequence[str], rounds: int) -> Iterator[list[str]]:
    """A row a task: the loop with one set metric, and the shipped task ``folder``."""
    tasks = {}
    for name in names:
        path = folder / name / "training-loop.yaml"
        path.parent.mkdir()
        path.write_text(LOOP.replace("SET", name), encoding="utf-8")
        tasks[NAMES[name]] = str(path)
    for told, task in {**tasks, "the task `folder`": "folder"}.items():
        measured = [measure(task, images) for _ in range(rounds)]
        first, second = measured[-1]
        shares = [later.seconds / begin.seconds for begin, later in measured]
        counts = [f"{call.decoded}, {call.extracted}" for call in (first, second)]
        yield [told, f"{first.seconds:.2f} s", f"{second.seconds:.2f} s", ratio(shares), *counts]


def main() -> None:
    made = parser(__doc__ or "")
    made.add_argument("--images", type=int, default=48, help="images of the set")
    made.add_argument("--side", type=int, default=300, help="pixels of their sides")
    chosen = made.parse_args()
    use_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as place, inception_without_download():
        folder = Path(place)
        measure("folder", write_images(folder / "few", 4, 64), 1)  # what is imported on the way
        images = write_images(folder / "images", chosen.images, chosen.side)
        rows = list(compare(folder, images, [*NAMES], chosen.rounds))
    head = ["metrics", "first call", "second call", "second / first", "decoded, extracted: first", "second"]
    publish(
        "evaluator", [f"{chosen.images} files of {chosen.side}×{chosen.side} pixels.", table(head, rows)], chosen.write
    )


if __name__ == "__main__":
    main()
