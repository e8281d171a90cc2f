"""Arguments of a next-scale generator to its strategy: ``strategy=code,refiner=var-d16,drafted_scales=8``.

Every strategy takes arguments of its own, and refuses those of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.next_scale.strategy import ScaleStrategy

if TYPE_CHECKING:
    from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule


@dataclass(frozen=True, kw_only=True)
class Around:
    """What a strategy is made for.

    Attributes:
        family: class of the generator.
        schedule: of its scales.
        depth: layers of its network.
    """

    family: Any
    schedule: ScaleSchedule
    depth: int


@dataclass(frozen=True)
class Kind:
    """One kind of strategy.

    Attributes:
        made: makes it.
        taken: arguments that it takes.
        needed: those of them that it cannot do without.
    """

    made: Callable[..., ScaleStrategy]
    taken: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


def strategy_of(name: str, around: Around, given: Mapping[str, Any]) -> ScaleStrategy:
    """The strategy of a name.

    Args:
        name: ``plain``, or one of :data:`STRATEGIES` that the family offers.
        around: what it is made for.
        given: every argument to strategies that the family has, by name; ``None`` for those that were not given.

    Raises:
        UsageError: no such strategy, an argument that it does not take, lacks, or finds out of range.
        AssetMissingError: a file or weights that it needs cannot be had.
    """
    told = {key: value for key, value in given.items() if value is not None}
    offered = {key: kind for key, kind in STRATEGIES.items() if not kind.taken or set(kind.taken) & set(given)}
    if name not in ("plain", *offered):
        raise UsageError(f"strategy={name!r}: must be plain, {' or '.join(offered)}")
    taken, needed = (offered[name].taken, offered[name].needed) if name in offered else ((), ())
    for key in told:
        if key not in taken:
            hint = f"it takes {', '.join(one for one in taken if one in given)}" if taken else "name one that takes it"
            raise UsageError(f"strategy={name} takes no {key}", hint)
    for key in needed:
        if key not in told:
            raise UsageError(f"strategy={name} needs {key}", f"give {key}=")
    return offered[name].made(around, **told) if name in offered else ScaleStrategy()


def _code(around: Around, refiner: str, drafted_scales: int) -> ScaleStrategy:
    from vtbench.generators.published.next_scale.refiner import refiner_of
    from vtbench.generators.sampling.next_scale.strategies.collaboration import Collaboration

    network = refiner_of(refiner, around.family, around.schedule)
    return Collaboration(network, drafted_scales).checked(around.schedule)


def _current_scale(_: Around) -> ScaleStrategy:
    from vtbench.generators.sampling.next_scale.strategies.forgetting import CurrentScale, Forgetting

    return Forgetting(CurrentScale())


def _scalekv(around: Around, budget: float, large_layers: Sequence[int] = ()) -> ScaleStrategy:
    from vtbench.generators.sampling.next_scale.strategies.forgetting import Forgetting
    from vtbench.generators.sampling.next_scale.strategies.layer_budgets import LayerBudgets

    large = tuple(large_layers)
    return Forgetting(LayerBudgets(schedule=around.schedule, depth=around.depth, budget=budget, large=large))


def _hack(around: Around, budget: float, calibration: str, contextual_budget: float | None = None) -> ScaleStrategy:
    from vtbench.generators.sampling.next_scale.strategies.calibration import read_calibration
    from vtbench.generators.sampling.next_scale.strategies.forgetting import Forgetting
    from vtbench.generators.sampling.next_scale.strategies.head_budgets import HeadBudgets

    return Forgetting(
        HeadBudgets(
            schedule=around.schedule,
            calibration=read_calibration(Path(calibration).expanduser()),
            budget=budget,
            contextual_budget=contextual_budget,
        )
    )


def _fastvar(around: Around, prune: Mapping[int, float] | None = None, skipped_scales: int = 0) -> ScaleStrategy:
    from vtbench.generators.sampling.next_scale.strategies.thinning import Thinning

    widths = {width: scale for scale, (_, width) in enumerate(around.schedule.sizes)}
    ratios = {}
    for width, ratio in (prune or {}).items():
        if int(width) not in widths:
            raise UsageError(f"prune: no scale is {width} wide", f"widths are {', '.join(map(str, widths))}")
        ratios[widths[int(width)]] = float(ratio)
    return Thinning(schedule=around.schedule, depth=around.depth, ratios=ratios, skipped=skipped_scales)


STRATEGIES: dict[str, Kind] = {
    "code": Kind(_code, ("refiner", "drafted_scales"), ("refiner", "drafted_scales")),
    "current-scale": Kind(_current_scale),
    "fastvar": Kind(_fastvar, ("prune", "skipped_scales")),
    "hack": Kind(_hack, ("budget", "calibration", "contextual_budget"), ("budget", "calibration")),
    "scalekv": Kind(_scalekv, ("budget", "large_layers"), ("budget",)),
}
"""By name; a family offers those that take none, or one of its arguments."""
