"""Tokens a second and peak memory of LlamaGen's loop: against bare matrix products, and against its own code.

Weights are random: neither speed nor memory depends on them. The floor is every matrix product that the tokens need, of
the same shapes, and nothing else. ``--official DIR`` names a checkout of FoundationVision/LlamaGen, whose ``generate``
then runs in the same process on the same weights, in turns; it is executed, so name one that you trust.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from machine import Spent, in_own_process, peak_memory_mb, use_threads
from reporting import parser, publish, ratio, table

Contender = Callable[[], object]


def network(size: str, grid: int) -> Any:
    """LlamaGen's network with random weights."""
    import torch

    from vtbench.generators.published.next_token.llamagen.network import SIZES, LlamaGenGeometry, LlamaGenNetwork

    torch.manual_seed(0)
    made = LlamaGenNetwork(LlamaGenGeometry(SIZES[size], grid=grid)).eval().requires_grad_(False)
    torch.nn.init.normal_(made.output.weight, std=0.02)
    return made


def ours(net: Any, batch: int) -> Contender:
    """vtbench's loop: no guidance, no filter, draws from each image's own seed."""
    import torch

    from vtbench.generators.sampling.next_token import Prompted, sample_tokens
    from vtbench.generators.sampling.settings import SamplerSettings

    labels = torch.arange(batch)
    prompted = Prompted(labels, torch.full_like(labels, net.geometry.classes))

    def run() -> object:
        with torch.inference_mode():
            return sample_tokens(net, prompted, SamplerSettings(), labels)

    return run


def floor(net: Any, batch: int) -> Contender:
    """The products of weights and of attention that so many tokens need, one position at a time."""
    import torch

    sizes, tokens = net.geometry.decoder, net.tokens
    x, h = torch.randn(batch, sizes.width), torch.randn(batch, sizes.hidden)
    query = torch.randn(batch * sizes.heads, 1, sizes.head_width)
    keys = torch.randn(batch * sizes.heads, tokens, sizes.head_width)
    blocks = [
        (block.attention.wqkv.weight, block.attention.wo.weight, block.feed_forward.w1.weight,
         block.feed_forward.w3.weight, block.feed_forward.w2.weight)
        for block in net.layers
    ]  # fmt: skip

    def run() -> object:
        with torch.inference_mode():
            for position in range(1, tokens + 1):
                for qkv, out, one, three, two in blocks:
                    torch.nn.functional.linear(x, qkv)
                    scores = torch.bmm(query, keys[:, :position].transpose(1, 2))
                    torch.bmm(scores, keys[:, :position])
                    torch.nn.functional.linear(x, out)
                    torch.nn.functional.linear(x, one)
                    torch.nn.functional.linear(x, three)
                    torch.nn.functional.linear(h, two)
                logits = torch.nn.functional.linear(x, net.output.weight)
        return logits

    return run


def official(folder: Path, net: Any, batch: int) -> Contender:
    """The authors' ``generate`` on the same weights."""
    import torch

    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    models, loop = (importlib.import_module(f"autoregressive.models.{name}") for name in ("gpt", "generate"))
    geometry = net.geometry
    made = models.Transformer(
        models.ModelArgs(
            dim=geometry.decoder.width,
            n_layer=geometry.decoder.depth,
            n_head=geometry.decoder.heads,
            vocab_size=geometry.vocabulary,
            num_classes=geometry.classes,
            block_size=geometry.tokens,
            cls_token_num=1,
            multiple_of=256 if geometry.decoder.width >= 256 else 32,
        )
    )
    made.load_state_dict(net.state_dict(), strict=False)
    made.eval()
    labels = torch.arange(batch)
    return lambda: loop.generate(
        made, labels, geometry.tokens, cfg_scale=1.0, temperature=1.0, top_k=0, top_p=1.0, sample_logits=True
    )


def seconds(run: Contender, threads: int) -> float:
    """Of the processor, a thread: what else the machine does counts as little as it can."""
    started = Spent.now()
    run()
    return (Spent.now() - started).cpu / threads


def row(chosen: Any, net: Any, batch: int) -> list[str]:
    """Contenders by turns, after one round that is not counted."""
    runs = {"floor": floor(net, batch), "ours": ours(net, batch)}
    if chosen.official:
        runs["official"] = official(chosen.official, net, batch)
    rounds = [{name: seconds(run, chosen.threads) for name, run in runs.items()} for _ in range(chosen.rounds + 1)][1:]
    rate = {name: batch * net.tokens / median(each[name] for each in rounds) for name in runs}
    peak = in_own_process("--only", str(batch), *_same(chosen))
    cells = [str(batch), f"{rate['ours']:,.0f}", f"{rate['floor']:,.0f}", f"{float(peak):,.0f} MiB"]
    cells.append(ratio([each["ours"] / each["floor"] for each in rounds]))
    if chosen.official:
        cells += [f"{rate['official']:,.0f}", ratio([each["official"] / each["ours"] for each in rounds])]
    return cells


def _same(chosen: Any) -> list[str]:
    return ["--size", chosen.size, "--grid", str(chosen.grid), "--threads", str(chosen.threads)]


def main() -> None:
    options = parser((__doc__ or "").partition("\n")[0])
    options.add_argument("--size", default="B", help="of LlamaGen: B, L, XL, XXL, 3B, or tiny")
    options.add_argument("--grid", type=int, default=16, help="tokens along one side")
    options.add_argument("--batches", type=int, nargs="+", default=[1, 4, 8], help="images at once")
    options.add_argument("--official", type=Path, help="a checkout of FoundationVision/LlamaGen")
    options.add_argument("--only", type=int, help="one batch of ours in this process; prints its peak memory")
    chosen = options.parse_args()
    use_threads(chosen.threads)
    warnings.simplefilter("ignore")
    net = network(chosen.size, chosen.grid)
    if chosen.only:
        ours(net, chosen.only)()
        print(peak_memory_mb())
        return
    header = ["batch", "tokens a second", "floor", "peak memory", "time / floor's"]
    header += ["LlamaGen's own", "its time / ours"] if chosen.official else []
    rows = [row(chosen, net, batch) for batch in chosen.batches]
    told = (
        f"LlamaGen-{chosen.size}'s shape, random weights, float32, {net.tokens} tokens an image, no guidance, "
        "key-value cache; processor time; peak resident memory of ours in a process of its own."
    )
    publish("generators", [told, table(header, rows)], chosen.write)


if __name__ == "__main__":
    main()
