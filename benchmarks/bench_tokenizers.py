"""Memory and time of published tokenizers on one large image, each in its own process. Weights are random."""

from __future__ import annotations

import json
import time
import warnings

from machine import in_own_process, peak_memory_mb, use_threads
from reporting import parser, publish, table

NAMES = ["llamagen-ds16", "llamagen-ds8", "ldm-kl-f8", "open-magvit2-256", "maskbit-14bit", "infinity-d32", "unitok"]


def measure(name: str, side: int) -> None:
    """Encode and decode once; print peaks in MiB (loaded, encoded, decoded), seconds of both, and parameters."""
    import torch

    from vtbench.checkpoints.cards import load_cards
    from vtbench.tokenizers import TOKENIZERS

    card = load_cards()[name]
    factory = TOKENIZERS.load(card.target)
    warnings.simplefilter("ignore")
    size = {"size": side} if name.startswith("infinity") else {}
    tokenizer = factory(**card.args, **size, random_weights_seed=0)
    images = torch.rand(1, 3, side, side)
    peaks, times = [peak_memory_mb()], [time.perf_counter()]
    codes = tokenizer.encode(images)
    times.append(time.perf_counter())
    peaks.append(peak_memory_mb())
    pixels = tokenizer.decode(codes)
    times.append(time.perf_counter())
    peaks.append(peak_memory_mb())
    assert pixels.shape == images.shape
    weights = sum(parameter.numel() for parameter in tokenizer._network.parameters())
    print(json.dumps([peaks, [times[1] - times[0], times[2] - times[1]], weights]))


def row(name: str, side: int, threads: int) -> list[str]:
    found = in_own_process("--only", name, "--side", str(side), "--threads", str(threads))
    peaks, seconds, weights = json.loads(found)
    shown = [f"{peak:,.0f} MiB" for peak in peaks]
    return [f"`{name}`", f"{weights / 1e6:.0f} M", *shown, f"{seconds[1] / seconds[0]:.2f}×"]


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--only", help="one tokenizer, in this process")
    options.add_argument("--names", nargs="+", default=NAMES, help="cards")
    options.add_argument("--side", type=int, default=1024, help="pixels a side")
    chosen = options.parse_args()
    use_threads(chosen.threads)
    if chosen.only:
        measure(chosen.only, chosen.side)
        return
    rows = [row(name, chosen.side, chosen.threads) for name in chosen.names]
    header = ["tokenizer", "parameters", "loaded", "encoded", "decoded", "decoding / encoding time"]
    told = f"One image of {chosen.side}×{chosen.side}, float32, peak resident memory."
    publish("tokenizers", [told, table(header, rows)], chosen.write)


if __name__ == "__main__":
    main()
