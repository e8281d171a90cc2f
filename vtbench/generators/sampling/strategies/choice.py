"""Arguments of a generator to its strategy: ``strategy=sjd,window=16,filling=random``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.strategies.acceptance import GroupedRatio, Ratio
from vtbench.generators.sampling.strategies.drafting import Filling

if TYPE_CHECKING:
    from vtbench.generators.sampling.strategies.jacobi import Jacobi

StrategyName = Literal["plain", "sjd", "gsd"]


def strategy_of(name: StrategyName, window: int = 16, filling: Filling = "random") -> Jacobi | None:
    """The strategy of a name; ``None`` for one token a pass.

    Args:
        name: ``sjd`` keeps the host's distribution, ``gsd`` does not.
        window: tokens that a pass sees of an image.
        filling: what stands in a window at first.

    Raises:
        UsageError: no such strategy, or a window of no token.
    """
    from vtbench.generators.sampling.strategies.jacobi import Jacobi

    acceptances = {"sjd": Ratio, "gsd": GroupedRatio}
    if window < 1:
        raise UsageError(f"window={window}: must be 1 or more", "16 is the authors'")
    if filling not in ("random", "repeat-left"):
        raise UsageError(f"filling={filling!r}: must be random or repeat-left")
    if name == "plain":
        return None
    if name not in acceptances:
        raise UsageError(f"strategy={name!r}: must be plain, {' or '.join(acceptances)}")
    return Jacobi(window, filling, acceptances[name]())
