"""Settings of the zoo's generators, one varied at a time, with what the papers say happens."""

from __future__ import annotations

from dataclasses import dataclass

from vtbench.zoo.sampling.shapes import Shape

TASK = "zoo-sampling"
CALIBRATION = "heads-zoo-var.json"
"""File of ``vtbench calibrate``, in the folder of the runs: of which heads ``hack`` keeps what."""
CALIBRATED = "zoo-var"
_CODE = "strategy=code,refiner=zoo-var-refiner"
_WIDEST = 8
"""Side of the last of VAR's scales, in tokens."""


@dataclass(frozen=True)
class Setting:
    """One point of a sweep.

    Attributes:
        x: where it stands on the axis.
        model: the generator's reference.
    """

    x: float
    model: str


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One setting, varied.

    Attributes:
        name: of its picture.
        heading: of its section.
        axis: what varies.
        settings: by ``x``, rising.
        expected: shape of the distance over the axis, as the field has it.
        told: where that is from.
    """

    name: str
    heading: str
    axis: str
    settings: tuple[Setting, ...]
    expected: Shape
    told: str


def _varied(host: str, argument: str, *values: float) -> tuple[Setting, ...]:
    return tuple(Setting(value, f"{host},{argument}={value:g}") for value in values)


def _cached(strategy: str, *budgets: float) -> tuple[Setting, ...]:
    """Budgets as shares that are left out, so that the axis rises with what is saved; the whole cache first."""
    return (
        Setting(0.0, CALIBRATED),
        *(Setting(round(1 - budget, 3), f"{CALIBRATED},{strategy},budget={budget:g}") for budget in budgets),
    )


SWEEPS = (
    Sweep(
        name="guidance-next-token",
        heading="Guidance, token by token",
        axis="cfg_scale of zoo-llamagen",
        settings=_varied("zoo-llamagen", "cfg_scale", 1, 1.5, 2, 3, 5),
        expected="valley",
        told="Guidance makes samples more like their class and less like one another: the distance falls, then rises "
        "(Ho and Salimans 2022).",
    ),
    Sweep(
        name="guidance-next-scale",
        heading="Guidance, scale by scale",
        axis="cfg_scale of zoo-var",
        settings=_varied("zoo-var", "cfg_scale", 0, 0.75, 1.5, 3, 5),
        expected="valley",
        told="As token by token; VAR's scale grows from 0 at the first scale to this at the last.",
    ),
    Sweep(
        name="guidance-latents",
        heading="Guidance, of latents",
        axis="cfg_scale of zoo-mar",
        settings=_varied("zoo-mar", "cfg_scale", 1, 1.5, 2, 3, 5),
        expected="valley",
        told="Of the predicted noise of each token.",
    ),
    Sweep(
        name="temperature",
        heading="Temperature",
        axis="temperature of zoo-llamagen",
        settings=_varied("zoo-llamagen,cfg_scale=1", "temperature", 0.6, 0.8, 0.9, 1, 1.1, 1.3),
        expected="valley",
        told="Cold samples are alike, hot ones are wrong.",
    ),
    Sweep(
        name="drafted-scales",
        heading="Collaborative decoding: scales that the larger network drafts",
        axis="drafted_scales",
        settings=(
            Setting(0, "zoo-var-refiner"),
            *(Setting(count, f"zoo-var,{_CODE},drafted_scales={count}") for count in range(1, 6)),
            Setting(6, "zoo-var"),
        ),
        expected="falling",
        told="The more scales the larger network draws, the nearer to its own quality (CoDe, Chen et al. 2024). "
        "At 0 stands the small network alone, at 6 the large one.",
    ),
    Sweep(
        name="cache-by-layer",
        heading="A cache that forgets, by layer",
        axis="share of the cache left out, scalekv",
        settings=_cached("strategy=scalekv", 0.75, 0.5, 0.25, 0.1),
        expected="rising",
        told="The less is kept, the worse (ScaleKV, Li et al. 2025). Of so small a network the least that the method "
        "keeps is reached at a quarter.",
    ),
    Sweep(
        name="cache-by-head",
        heading="A cache that forgets, by head",
        axis="share of the cache left out, hack",
        settings=_cached(f"strategy=hack,calibration={CALIBRATION}", 0.75, 0.5, 0.25, 0.1),
        expected="rising",
        told="As by layer, by heads of contents and of structure (HACK).",
    ),
    Sweep(
        name="pruned-positions",
        heading="Positions left out of the widest scale",
        axis=f"share of the positions of the {_WIDEST}×{_WIDEST} scale, fastvar",
        settings=(
            Setting(0.0, "zoo-var"),
            *(
                Setting(share, f"zoo-var,strategy=fastvar,prune={{{_WIDEST}: {share:g}}}")
                for share in (0.25, 0.5, 0.75, 0.9)
            ),
        ),
        expected="rising",
        told="Late positions change little, so that many may be left out (FastVAR, Guo et al. 2025).",
    ),
    Sweep(
        name="speculative",
        heading="Speculative Jacobi decoding",
        axis="tokens of a window, sjd",
        settings=(
            Setting(1, "zoo-llamagen"),
            *(Setting(window, f"zoo-llamagen,strategy=sjd,window={window}") for window in (4, 16)),
        ),
        expected="level",
        told="The same distribution in fewer passes (Teng et al. 2024): the distance must not move. At 1 stands the "
        "plain loop.",
    ),
    Sweep(
        name="grouped-speculative",
        heading="Its lossy kin",
        axis="tokens of a window, gsd",
        settings=(
            Setting(1, "zoo-llamagen"),
            *(Setting(window, f"zoo-llamagen,strategy=gsd,window={window}") for window in (4, 16)),
        ),
        expected="level",
        told="Grouped acceptance (So et al. 2025) is not exact; its authors find the quality kept.",
    ),
)


def models(known: set[str]) -> list[str]:
    """References of every setting whose generators are all known, each once.

    Args:
        known: names of generators whose weights are there.
    """
    found = [setting.model for sweep in SWEEPS if hosts(sweep) <= known for setting in sweep.settings]
    return list(dict.fromkeys(found))


def hosts(sweep: Sweep) -> set[str]:
    """Names of the zoo's generators that a sweep needs."""
    names = {setting.model.partition(",")[0] for setting in sweep.settings}
    return names | ({"zoo-var-refiner"} if any("refiner=" in one.model for one in sweep.settings) else set())
