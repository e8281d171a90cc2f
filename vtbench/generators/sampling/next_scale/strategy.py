"""What a strategy may change on the way through the scales. It wraps the loop and never the network.

:class:`ScaleStrategy` is the plain way: one pass a scale, every key and value kept, every position computed. A strategy
is a frozen value that overrides what it does otherwise, and records all of itself:

- two networks, the second of which takes over at some scale (CoDe): :meth:`~ScaleStrategy.host_of`;
- a cache that forgets (HACK, ScaleKV): :meth:`~ScaleStrategy.cache`;
- positions left out inside blocks (FastVAR): :meth:`~ScaleStrategy.pruning`;
- the last scales left out altogether (FastVAR): :meth:`~ScaleStrategy.scales`;
- tokens of a scale drawn again in further passes (HMAR): :meth:`~ScaleStrategy.refined`.

Guidance that ends early is no strategy, but :attr:`.settings.ScaleSettings.guided_scales`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vtbench.core.info import WeightFile
    from vtbench.generators.sampling.next_scale.accumulation import Accumulator
    from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
    from vtbench.networks.next_scale.attention import ScaleMemory
    from vtbench.networks.next_scale.pruning import TokenPruning


class Conditions(Protocol):
    """Of B images, as their hosts know them; :class:`~vtbench.generators.sampling.next_token.Prompted` is one form."""

    @property
    def device(self) -> torch.device:
        """Where sampling happens."""

    @property
    def conditional(self) -> Any:
        """Those of B rows."""

    def doubled(self) -> Any:
        """Of 2B rows, the conditional half first."""


class NextScaleHost(Protocol):
    """A network that predicts all tokens of a scale in one pass. R rows are B images, twice with guidance."""

    def make_cache(self, rows: int, positions: int) -> ScaleMemory | None:
        """An empty cache of so many positions; ``None`` where a scale sees itself alone."""

    def conditioned(self, shown: Any) -> Any:
        """What every pass takes of the conditions, given those of R rows as :class:`Conditions` has them."""

    def step(
        self,
        maps: Sequence[Tensor | None],
        first: int,
        condition: Any,
        cache: Any,
        pruning: TokenPruning | None = None,
    ) -> Tensor:
        """Logits ``[R,T,V]`` of one scale or of several in a row, each seeing those before it and all of itself.

        Args:
            maps: of each scale, what the accumulator made for it, ``[R,C,h,w]``; ``None`` for scale 0.
            first: the first of them.
            condition: of :meth:`conditioned`.
            cache: of the scales before, which these join; ``None`` where a scale sees itself alone.
            pruning: of positions.
        """


@dataclass(frozen=True, eq=False)
class DrawnScale:
    """A scale whose tokens have been drawn once, for whoever draws some of them again.

    Attributes:
        host: that predicted it.
        condition: as its passes take it, of R rows.
        guided: whether R is twice B, the conditional half first.
        scale: k.
        strength: of guidance at this scale.
        total: of the scales before; ``None`` at the first.
        accumulator: of the loop.
        codes: ``int64 [B,T]``.
        found: probabilities ``[B,T,V]`` that they were drawn from.
        draw: logits ``[R,T,V]`` and a strength of guidance to codes and what they were drawn from, by the rule, the
            filters and the random numbers of the loop; each call counts as a pass.
    """

    host: Any
    condition: Any
    guided: bool
    scale: int
    strength: float
    total: Tensor | None
    accumulator: Accumulator
    codes: Tensor
    found: Tensor
    draw: Callable[[Tensor, float], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class ScaleStrategy:
    """The plain way: the host as it was published."""

    def as_recorded(self) -> dict[str, Any]:
        """Every setting of the strategy, under names that begin with ``strategy``."""
        return {}

    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know."""
        return ()

    def suits(self, generator: Any) -> None:
        """Look at the generator whose strategy it is, once that has been loaded.

        Raises:
            UsageError: it is not the one that the strategy was fitted to.
        """

    def networks(self) -> tuple[Any, ...]:
        """Modules beside the host's, which are moved with it."""
        return ()

    def weights(self) -> tuple[WeightFile, ...]:
        """Files of weights beside the host's."""
        return ()

    def scales(self, schedule: ScaleSchedule) -> int:
        """So many of the first scales are predicted; the image is made of these."""
        return len(schedule)

    def host_of(self, scale: int, host: NextScaleHost) -> NextScaleHost:
        """Which network predicts scale k. One that takes over sees all scales before in its first pass, and fills a
        cache of its own; the other's is dropped."""
        return host

    def role_of(self, scale: int) -> str:
        """What the network that predicts scale k is called in the record, where there are several."""
        return "network"

    def cache(self, host: NextScaleHost, rows: int, positions: int) -> ScaleMemory | None:
        """Where a host keeps keys and values of so many positions."""
        return host.make_cache(rows, positions)

    def pruning(self, schedule: ScaleSchedule) -> TokenPruning | None:
        """Made once a batch; ``None`` to compute every position."""
        return None

    def draws(self, schedule: ScaleSchedule) -> int:
        """Tokens drawn of an image at most, those drawn again included."""
        return schedule.tokens

    def refined(self, drawn: DrawnScale) -> Tensor:
        """The codes ``int64 [B,T]`` that a scale goes on with."""
        return drawn.codes
