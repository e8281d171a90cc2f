"""One card, measured: agreement with the CPU, the floor, the whole loop, the peers, sampling. ``run.sh`` starts it.

Prints tables in Markdown and writes them, with the plain numbers, into the folder ``OUT``: ``gpu.md`` and ``gpu.json``.
What fails is told, and the rest is measured all the same; the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from agreement import agreement
from machine import description
from reporting import table
from rivals import seconds_of_peers
from sampling_speed import sampling
from whole_loop import floor, whole_loop

from vtbench.run.device import make_deterministic

LOOP_SHARE, PEER_SHARE = 0.35, 0.15
"""Of the time allowed, what the loop and each peer may take; fewer pairs are taken where all would take longer."""
FLOOR_ROUNDS = 20

Section = Callable[[], tuple[str, Any]]


class Card:
    """What is measured, and how much of it."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.device = torch.device(chosen.device)
        self.tiny = chosen.tiny
        self.pairs, self.side, self.batch = (4, 176, 2) if chosen.tiny else (chosen.pairs, chosen.side, chosen.batch)
        self.seconds = chosen.seconds
        self.floor = float("nan")

    @property
    def name(self) -> str:
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "no card"

    def agreement(self) -> tuple[str, Any]:
        found = agreement(self.side, self.device, self.tiny)
        rows = [(name, f"{apart:.1e}", f"{large:.3g}") for name, (apart, large) in found.items()]
        return table(["metric or feature", "largest difference from the CPU", "largest value"], rows), found

    def bare(self) -> tuple[str, Any]:
        rounds = 1 if self.tiny else FLOOR_ROUNDS
        self.floor = floor(self.side, self.batch, self.device, self.tiny, rounds)
        return table(["floor", "pairs a second"], [("bare forward passes", f"{1 / self.floor:,.0f}")]), self.floor

    def loop(self) -> tuple[str, Any]:
        run = whole_loop(self.pairs, self.side, self.batch, self.device, self.tiny)
        few = min(self.pairs, 4 * self.batch)
        each, count = run(few) / few, few
        if few < self.pairs:
            count = self._affordable(each, LOOP_SHARE)
            each = run(count) / count
        row = ("vtbench, block files and all", f"{count:,}", f"{1 / each:,.0f}", f"{each / self.floor:.2f}×")
        told = table(["whole loop", "pairs", "pairs a second", "time / floor's"], [row])
        return told, {"pairs": count, "seconds_a_pair": each, "to_floor": each / self.floor}

    def peers(self) -> tuple[str, Any]:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32 = False, True  # PyTorch's own choice
        few = min(self.pairs, 4 * self.batch)
        found, count = seconds_of_peers(few, self.side, self.batch, self.device), few
        if not found:
            return table(["peer", "pairs a second"], [("none installed", "")]), {}
        if few < self.pairs:
            count = self._affordable(max(found.values()) / few, PEER_SHARE)
            found = seconds_of_peers(count, self.side, self.batch, self.device)
        rows = [(name, f"{count:,}", f"{count / seconds:,.0f}") for name, seconds in found.items()]
        return table(["peer", "pairs", "pairs a second"], rows), {name: found[name] / count for name in found}

    def sampling(self) -> tuple[str, Any]:
        make_deterministic()
        rows, numbers = [], {}
        for dtype in (torch.float32, torch.bfloat16):
            for name, (codes, images) in sampling(self.device, dtype, self.batch, self.tiny).items():
                kind = str(dtype).removeprefix("torch.")
                rows.append((f"{name}, {kind}", f"{1 / codes:,.2f}", f"{1 / images:,.2f}"))
                numbers[f"{name} {kind}"] = {"codes_s": codes, "images_s": images}
        return table(["sampling", "images' codes a second", "decoded a second"], rows), numbers

    def _affordable(self, each: float, share: float) -> int:
        """Pairs, in whole batches, that take no more than that share of the time."""
        fitting = int(share * self.seconds / each) // self.batch * self.batch
        return max(self.batch, min(self.pairs, fitting))


def attempted(name: str, section: Section, numbers: dict[str, Any]) -> str:
    """Its table; or, of a section that fails, the error."""
    begun = time.perf_counter()
    try:
        told, numbers[name] = section()
    except Exception as error:  # noqa: BLE001 - time on a card is dear: what else can be measured is
        traceback.print_exc()
        told, numbers[name] = f"{name} failed: {error}", {"failed": str(error)}
    print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    return told


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--device", default="cuda")
    options.add_argument("--pairs", type=int, default=20_000)
    options.add_argument("--side", type=int, default=256, help="pixels")
    options.add_argument("--batch", type=int, default=64, help="pairs, and images sampled, at once")
    options.add_argument("--seconds", type=float, default=400.0, help="that all of it may take, about")
    options.add_argument("--tiny", action="store_true", help="a dry run: everything small, no number means anything")
    card = Card(options.parse_args())
    make_deterministic()
    numbers: dict[str, Any] = {"card": card.name, "tiny": card.tiny, "batch": card.batch, "side": card.side}
    sections = {
        "agreement": card.agreement,
        "floor": card.bare,
        "loop": card.loop,
        "peers": card.peers,
        "sampling": card.sampling,
    }
    head = (
        f"{card.name}; {description()}. Pairs of {card.side}×{card.side}, batches of {card.batch}; float32 without "
        "TF32 and deterministic kernels, but for the peers, who have PyTorch's defaults."
    )
    parts = [head, *(attempted(name, section, numbers) for name, section in sections.items())]
    text = "\n\n".join(parts)
    print(text)
    out = Path(os.environ.get("OUT", "."))
    (out / "gpu.md").write_text(text + "\n", encoding="utf-8")
    (out / "gpu.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    return int(any(isinstance(found, dict) and "failed" in found for found in numbers.values()))


if __name__ == "__main__":
    raise SystemExit(main())
