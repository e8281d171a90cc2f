"""Threads on a CPU: how much faster metrics and extractors are on several than on one, and that no bit moves.

Wall-clock time in one process, numbers of threads in turn; a round's ratio is to one thread in the same round. The best
round is told beside the median: whatever else the machine does takes cores away, and never adds any.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

import torch
from bench_evaluator import inception_without_download
from machine import use_threads
from photographs import make_pairs
from reporting import parser, publish, table
from torch import Tensor

Part = Callable[[], Mapping[str, Tensor]]
IMAGE_METRICS = ("psnr", "ssim", "ms_ssim", "lpips_alex", "lpips_vgg")
EXTRACTORS = ("inception_tf", "efflite0")


def parts_of(images: int, side: int, names: Sequence[str]) -> dict[str, Part]:
    """What is timed, by name, and all of it together."""
    from vtbench.metrics.catalog.lookup import IMAGE_REGISTRY
    from vtbench.run.measuring.evaluators import made_extractor

    pairs = make_pairs(images, side)

    def metric(name: str) -> Part:
        made = IMAGE_REGISTRY.load(name)()
        return lambda: {name: made(pairs.predictions, pairs.references, [None] * images)}

    def extractor(name: str) -> Part:
        made = made_extractor(name)
        return lambda: {f"{name}.{feature}": found for feature, found in made(pairs.predictions).items()}

    each = {name: extractor(name) if name in EXTRACTORS else metric(name) for name in names}
    return {**each, "all": lambda: {key: found for part in each.values() for key, found in part().items()}}


def seconds(part: Part, threads: int) -> float:
    torch.set_num_threads(threads)
    began = time.perf_counter()
    part()
    return time.perf_counter() - began


def same_bits(part: Part, counts: Sequence[int]) -> bool:
    """Whether all numbers of threads find the same; also what warms everything up."""
    found = []
    for threads in counts:
        torch.set_num_threads(threads)
        found.append(part())
    return all(torch.equal(found[0][name].nan_to_num(), other[name].nan_to_num()) for other in found for name in other)


def rows(parts: Mapping[str, Part], counts: Sequence[int], rounds: int) -> Iterator[list[str]]:
    for name, part in parts.items():
        equal = same_bits(part, counts)
        taken = [{threads: seconds(part, threads) for threads in counts} for _ in range(rounds)]
        ratios = {threads: [found[counts[0]] / found[threads] for found in taken] for threads in counts[1:]}
        yield [
            name,
            *(f"**{max(found):.2f}×** ({median(found):.2f})" for found in ratios.values()),
            "yes" if equal else "NO",
        ]


def main() -> None:
    cores = os.cpu_count() or 1
    made = parser(__doc__ or "")
    made.add_argument("--images", type=int, default=32, help="pairs a call")
    made.add_argument("--side", type=int, default=256, help="pixels of their sides")
    made.add_argument("--parts", nargs="+", default=[*IMAGE_METRICS, *EXTRACTORS], help="metrics and extractors")
    made.add_argument("--counts", nargs="+", type=int, help="numbers of threads, one first")
    chosen = made.parse_args()
    counts = chosen.counts or [count for count in (1, 2, 4, 8, 16, 32, 64) if count <= cores]
    use_threads(max(counts))
    with inception_without_download():
        found = list(rows(parts_of(chosen.images, chosen.side, chosen.parts), counts, chosen.rounds))
    head = ["speed of one thread ×", *(f"{count} threads: best (median)" for count in counts[1:]), "same bits"]
    told = f"{chosen.images} pairs of {chosen.side}×{chosen.side} pixels a call, {chosen.rounds} rounds, wall clock."
    publish("threads", [told, table(head, found)], chosen.write)


if __name__ == "__main__":
    main()
