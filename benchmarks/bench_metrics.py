"""Time and memory of measuring: vtbench against the published metric loop, torch-fidelity, and the bare networks.

All contenders take turns in one process on the same image pairs; ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import operator
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from machine import Run, Spent, in_own_process, peak_memory_mb, use_threads
from reporting import parser, publish, ratio, table

if TYPE_CHECKING:
    from photographs import Pairs

Contender = Callable[["Pairs"], Run]
Round = dict[str, Run]
Clock = Callable[[Spent], float]

PEERS = {"a": "published loop", "b": "torch-fidelity"}
METRICS = {"a": "PSNR, SSIM, LPIPS, FID", "b": "FID, KID, IS"}


def kid_subset_size(images: int) -> int:
    return min(1000, images // 4)


@contextmanager
def contenders(names: Sequence[str], images: int, batch_size: int) -> Iterator[dict[str, Contender]]:
    """Those of the named contenders, built and ready: ``peer-a``, ``ours-a``, ``floor-a`` and the same with b."""
    with tempfile.TemporaryDirectory() as folder:
        from networks import save_weights, seeded_inception

        weights = save_weights(seeded_inception(), Path(folder))
        yield {name: _build(name, weights, images, batch_size) for name in names}


def _build(name: str, weights: Path, images: int, batch_size: int) -> Contender:
    kind, _, group = name.partition("-")
    if kind == "floor":
        from peers import Floor

        return Floor(weights, batch_size, with_lpips=group == "a")
    if kind == "ours":
        return _ours(group, weights, images, batch_size)
    from peers import PublishedLoop, TorchFidelity

    if group == "a":
        return PublishedLoop(weights, batch_size)
    return TorchFidelity(weights, batch_size, kid_subset_size(images))


def _ours(group: str, weights: Path, images: int, batch_size: int) -> Contender:
    import torch
    from ours import Ours

    kid = {"subset_size": kid_subset_size(images), "seed": 2020, "draw": "torch-fidelity"}
    # a reconstruction task has at least one image metric; this one is sums of whole numbers
    image_metrics = ["psnr", "ssim", "lpips_alex"] if group == "a" else ["psnr"]
    set_metrics: list[Any] = ["fid"] if group == "a" else ["fid", {"name": "kid", "params": kid}, "is_mean"]
    return Ours(torch.load(weights, weights_only=True), image_metrics, set_metrics, batch_size)


def one_round(made: dict[str, Contender], pairs: Pairs) -> Round:
    """Everyone once, in turn. ``ours`` runs twice: the first tokenizer on these references, and a later one."""
    found: Round = {}
    for name, contender in made.items():
        found[name] = contender(pairs)
        if name.startswith("ours"):
            found[f"{name}-later"] = contender(pairs)
            contender.forget()  # type: ignore[attr-defined]
    return found


def speed_table(rounds: Sequence[Round], clock: Clock) -> str:
    """How many times as long as vtbench the peers take."""
    header = [
        "theirs / vtbench",
        "images, first tokenizer",
        "images, later ones",
        "final scores",
        "all, later ones",
    ]
    rows = []
    for group, peer in PEERS.items():
        theirs = [found[f"peer-{group}"] for found in rounds]
        first = [found[f"ours-{group}"] for found in rounds]
        later = [found[f"ours-{group}-later"] for found in rounds]
        pairs = list(zip(theirs, first, later, strict=True))
        rows.append(
            [
                f"({group}) {peer}: {METRICS[group]}",
                ratio([clock(t.images) / clock(f.images) for t, f, _ in pairs]),
                ratio([clock(t.images) / clock(o.images) for t, _, o in pairs]),
                ratio([clock(t.scores) / clock(o.scores) for t, _, o in pairs]),
                ratio([clock(t.images + t.scores) / clock(o.images + o.scores) for t, _, o in pairs]),
            ]
        )
    return table(header, rows)


def floor_table(rounds: Sequence[Round], clock: Clock) -> str:
    """Time spent on images, in multiples of the bare forward passes."""
    header = ["time on images / floor", "vtbench, later tokenizers", "vtbench, first tokenizer", "the peer"]
    rows = []
    for group, peer in PEERS.items():
        floor = [clock(found[f"floor-{group}"].images) for found in rounds]
        names = (f"ours-{group}-later", f"ours-{group}", f"peer-{group}")
        multiples = [[clock(f[name].images) / least for f, least in zip(rounds, floor, strict=True)] for name in names]
        rows.append([f"({group}) {peer}: {METRICS[group]}", *map(ratio, multiples)])
    return table(header, rows)


def agreement(found: Round) -> str:
    """Equal work shows in equal values: the same weights, images, KID subsets and IS shuffle."""
    theirs, ours = found["peer-b"].values, found["ours-b-later"].values
    shown = ", ".join(f"{name} {theirs[name]:.6g} / {ours[name]:.6g}" for name in theirs)
    return f"The same numbers come out, torch-fidelity / vtbench: {shown}."


def memory_table(images: int, batch_size: int) -> str:
    """Peak resident memory, each contender in a process of its own."""

    def peak(name: str) -> float:
        return float(in_own_process("--memory-of", name, "--images", str(images), "--batch", str(batch_size)))

    rows = []
    for group, peer in PEERS.items():
        ours, theirs, floor = (peak(f"{kind}-{group}") for kind in ("ours", "peer", "floor"))
        label = f"({group}) {peer}: {METRICS[group]}"
        rows.append([label, f"{ours:.0f} MiB", f"{theirs:.0f} MiB", f"{floor:.0f} MiB", f"**{theirs / ours:.2f}×**"])
    return table(["peak memory", "vtbench", "the peer", "floor", "peer / vtbench"], rows)


def print_memory_of(name: str, images: int, batch_size: int) -> None:
    from photographs import make_pairs

    with contenders([name], images, batch_size) as made:
        one_round(made, make_pairs(images))
        print(peak_memory_mb())


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--images", type=int, default=48)
    options.add_argument("--batch", type=int, default=16, help="images a batch, for every contender")
    options.add_argument("--clock", choices=["cpu", "wall"], default="cpu", help="which time to compare")
    options.add_argument("--memory", action=argparse.BooleanOptionalAction, default=True, help="measure peaks as well")
    options.add_argument("--memory-of", metavar="NAME", help="run one contender only and print its peak memory in MiB")
    chosen = options.parse_args()
    use_threads(chosen.threads)
    if chosen.memory_of:
        print_memory_of(chosen.memory_of, chosen.images, chosen.batch)
        return
    from photographs import make_pairs

    names = [f"{kind}-{group}" for group in PEERS for kind in ("peer", "ours", "floor")]
    with contenders(names, chosen.images, chosen.batch) as made:
        one_round(made, make_pairs(max(chosen.batch, kid_subset_size(chosen.images))))  # warm-up
        pairs = make_pairs(chosen.images)
        rounds = [one_round(made, pairs) for _ in range(chosen.rounds)]
    kind = {"cpu": "Processor", "wall": "Wall-clock"}[chosen.clock]
    clock = operator.attrgetter(chosen.clock)
    parts = [
        f"{chosen.images} pairs of 256×256 crops, batches of {chosen.batch}, {chosen.rounds} rounds. {kind} time:",
        speed_table(rounds, clock),
        floor_table(rounds, clock),
        agreement(rounds[-1]),
        *([memory_table(chosen.images, chosen.batch)] if chosen.memory else []),
    ]
    publish("metrics", parts, chosen.write)


if __name__ == "__main__":
    main()
