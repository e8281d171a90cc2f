"""Strategies of next-scale generators around one host of VAR-d16's shape: speed, passes, positions and bytes of caches.

Weights are random: neither speed nor bytes depend on them, and what the images are worth is not looked at. The host as
it is and every strategy take turns in one process. Bytes that the loop counts are held against their formula.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from statistics import median
from typing import Any

from machine import Spent, use_threads
from reporting import parser, publish, ratio, table

SHAPES = {"d16": (16, 1024, 16, 8, 512, 8), "tiny": (8, 64, 2, 4, 32, 1)}
"""Blocks, width and heads of the host, and of CoDe's refiner."""
BYTES = 4 + 4
"""Of a channel of a key and of a value, in float32."""


@dataclass(frozen=True, eq=False)
class Contender:
    """A way through the scales.

    Attributes:
        name: for the table.
        settings: of the loop.
        expected: largest size of its cache, by the formula.
    """

    name: str
    settings: Any
    expected: int


def network(depth: int, width: int, heads: int) -> Any:
    """VAR's network with random weights, its head so small that tokens vary."""
    import torch

    from vtbench.generators.published.next_scale.var.network import VarGeometry, VarNetwork

    torch.manual_seed(0)
    made = VarNetwork(VarGeometry(depth=depth, width=width, heads=heads)).eval().requires_grad_(False)
    torch.nn.init.normal_(made.head.weight, std=0.02)
    return made


def accumulator(schedule: Any) -> Any:
    """Of VAR's tokenizer, whose decoder plays no part."""
    from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator
    from vtbench.tokenizers.published.var_vq.adapter import VarVQ

    return ResidualAccumulator(schedule, VarVQ.random(channels=32).contribution)


def sampler(host: Any, sums: Any, images: int) -> Callable[[Any], Any]:
    """Settings to what sampling the images took."""
    import torch

    from vtbench.generators.sampling.next_scale.sampler import sample_scales
    from vtbench.generators.sampling.next_token import Prompted

    labels = torch.arange(images)
    prompted = Prompted(labels, torch.full_like(labels, host.geometry.classes))

    def run(settings: Any) -> Any:
        with torch.inference_mode():
            return sample_scales(host, prompted, sums, settings, labels)[1]

    return run


def calibration(run: Callable[[Any], Any], plain: Any) -> Any:
    """Of the host, from the images that are sampled anyway."""
    from vtbench.generators.sampling.next_scale.strategies.calibration import Calibration, Watching
    from vtbench.generators.sampling.next_scale.strategies.forgetting import Forgetting

    watching = Watching()
    run(replace(plain, strategy=Forgetting(watching)))  # type: ignore[arg-type]
    return Calibration(format=1, host={}, samples=1, seed=0, variances=watching.variances())


def whole(geometry: Any, rows: int, positions: int) -> int:
    """Bytes of a cache that keeps everything."""
    return int(rows * geometry.depth * geometry.width * positions * BYTES)


def cut(policy: Any, geometry: Any, rows: int) -> int:
    """Bytes of a cache under a policy, when it is largest: a layer at a time takes a scale in and is cut down."""
    groups = [policy.groups(layer, geometry.heads) for layer in range(geometry.depth)]
    held = [[0] * len(layer) for layer in groups]
    one, most = rows * geometry.width // geometry.heads * BYTES, 0
    for scale, length in enumerate(geometry.schedule.lengths):
        for layer, parts in enumerate(held):
            held[layer] = [count + length for count in parts]
            counts = zip(chain(*groups), chain(*held), strict=True)
            now = sum(len(group) * count for group, count in counts)
            most = max(most, now)
            held[layer] = [min(count, policy.granted(layer, group, scale)) for group, count in enumerate(held[layer])]
    return one * most


def contenders(host: Any, refiner: Any, plain: Any, heads: Any, images: int) -> list[Contender]:
    """The host first."""
    from vtbench.generators.sampling.next_scale.strategies.collaboration import Collaboration, Refiner
    from vtbench.generators.sampling.next_scale.strategies.forgetting import CurrentScale, Forgetting
    from vtbench.generators.sampling.next_scale.strategies.head_budgets import HeadBudgets
    from vtbench.generators.sampling.next_scale.strategies.layer_budgets import LayerBudgets
    from vtbench.generators.sampling.next_scale.strategies.thinning import Thinning

    geometry, schedule, rows = host.geometry, plain.schedule, 2 * images
    full = whole(geometry, rows, schedule.tokens)
    drafted = len(schedule) - 2
    code = Collaboration(Refiner(network=refiner, name="small", revision="", parameters=0), drafted)
    halves = whole(geometry, rows, schedule.before(drafted)), whole(refiner.geometry, rows, schedule.tokens)
    ratios = {len(schedule) - 2: 0.4, len(schedule) - 1: 0.5}
    thin = Thinning(schedule=schedule, depth=geometry.depth, ratios=ratios)
    left_out = (geometry.depth - 7) * sum(int(share * schedule.lengths[scale]) for scale, share in ratios.items())
    short = Thinning(schedule=schedule, depth=geometry.depth, skipped=1)
    policies = {
        "scalekv, 50 %": LayerBudgets(schedule=schedule, depth=geometry.depth, budget=0.5),
        "hack, 50 %": HeadBudgets(schedule=schedule, calibration=heads, budget=0.5),
        "hack, 30 %": HeadBudgets(schedule=schedule, calibration=heads, budget=0.3),
        "current-scale": CurrentScale(),
    }
    return [
        Contender("plain", plain, full),
        Contender(f"code, {drafted} of {len(schedule)} drafted", replace(plain, strategy=code), max(halves)),
        *(
            Contender(name, replace(plain, strategy=Forgetting(policy)), cut(policy, geometry, rows))
            for name, policy in policies.items()
        ),
        Contender(
            "fastvar, 40 % and 50 % of the last two",
            replace(plain, strategy=thin),
            full - rows * geometry.width * left_out * BYTES,
        ),
        Contender(
            "fastvar, the last skipped",
            replace(plain, strategy=short),
            whole(geometry, rows, schedule.before(len(schedule) - 1)),
        ),
        Contender("guided_scales=6", replace(plain, guided_scales=6), full),
    ]


def rows_of(found: Sequence[Contender], run: Callable[[Any], Any], rounds: int, threads: int) -> list[list[str]]:
    """Each in turn, as often as there are rounds."""
    spent: dict[str, list[float]] = {one.name: [] for one in found}
    costs: dict[str, Any] = {}
    for _ in range(rounds):
        for one in found:
            started = Spent.now()
            costs[one.name] = run(one.settings)
            spent[one.name].append((Spent.now() - started).cpu / threads)
    rows = []
    for one in found:
        cost, own = costs[one.name], spent[one.name]
        if cost.kv_cache_bytes != one.expected:
            raise SystemExit(f"{one.name}: {cost.kv_cache_bytes} bytes of cache, by the formula {one.expected}")
        faster = ratio([host / mine for host, mine in zip(spent[found[0].name], own, strict=True)])
        passes = " + ".join(str(share.forward_passes) for share in cost.models.values()) or str(cost.forward_passes)
        sizes = [f"{size / 2**20:,.1f} MiB" for size in (cost.kv_cache_bytes, cost.kv_cache_bytes_at_end)]
        rows.append([one.name, f"{median(own):,.1f} s", faster, passes, f"{cost.tokens_computed:,}", *sizes])
    return rows


def main() -> None:
    from vtbench.generators.sampling.filters import Filters
    from vtbench.generators.sampling.next_scale.ramps import Ramp
    from vtbench.generators.sampling.next_scale.settings import ScaleSettings

    options = parser((__doc__ or "").partition("\n")[0])
    options.add_argument("--size", default="d16", choices=list(SHAPES), help="of the host")
    options.add_argument("--images", type=int, default=1, help="at once")
    chosen = options.parse_args()
    use_threads(chosen.threads)
    warnings.simplefilter("ignore")
    shape = SHAPES[chosen.size]
    host, refiner = network(*shape[:3]), network(*shape[3:])
    schedule = host.geometry.schedule
    plain = ScaleSettings(schedule, (Filters(top_k=900, top_p=0.96),), Ramp(1.5))
    run = sampler(host, accumulator(schedule), chosen.images)
    heads = calibration(run, plain)  # warms up, too
    found = contenders(host, refiner, plain, heads, chosen.images)
    told = (
        f"A host of {shape[0]} blocks and {shape[1]} channels, for CoDe a refiner of {shape[3]} and {shape[4]}; random "
        f"weights, float32, {chosen.images} image(s) at once, {schedule.tokens} tokens each, guidance; processor time "
        "of sampling without decoding. Every largest cache is that of its formula."
    )
    header = ["strategy", "a batch", "times as fast", "passes", "positions computed", "largest cache", "at the end"]
    publish("strategies", [told, table(header, rows_of(found, run, chosen.rounds, chosen.threads))], chosen.write)


if __name__ == "__main__":
    main()
