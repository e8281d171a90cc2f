"""Everything that moves a sample of a next-token generator, beside its weights: one frozen value, recorded whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.draws import IN_WORDS, DrawRule, Draws, make_draws
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant, Schedule, as_recorded

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vtbench.core.contracts import SamplingCost
    from vtbench.generators.sampling.next_token import NextTokenHost, Prompted


class Strategy(Protocol):
    """Another way through a host than one token a pass; see :mod:`vtbench.generators.sampling.strategies`."""

    def as_recorded(self) -> dict[str, Any]:
        """Every setting."""

    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know."""

    def sample(
        self, host: NextTokenHost, prompted: Prompted, settings: SamplerSettings, seeds: Tensor
    ) -> tuple[Tensor, SamplingCost]:
        """Tokens ``int64 [B,N]``, and what they took."""


@dataclass(frozen=True)
class SamplerSettings:
    """How tokens are drawn: guidance on the logits, then the filters, then the draw.

    Attributes:
        filters: temperature, top-k, top-p.
        guidance: its strength at each token.
        draw: the rule by which a token is drawn.
        numbers_before: uniform numbers that the authors' sampler draws before the first token; what replays it gives
            them away.
        order: in which tokens are drawn, where it is not raster order one by one.
        further: filters and guidance of the second part of a token and of those behind it, where a token is drawn in
            parts; those of the first part serve all unless given.
        strategy: ``None`` for one token a pass.

    Raises:
        UsageError: a strategy with the authors' draws, which are of one token a pass.
    """

    filters: Filters = field(default_factory=Filters)
    guidance: Schedule = field(default_factory=Constant)
    draw: DrawRule = "inverse-cdf"
    numbers_before: int = 0
    order: str = ""
    further: tuple[tuple[Filters, Schedule], ...] = ()
    strategy: Strategy | None = None

    def __post_init__(self) -> None:
        if self.strategy is not None and self.draw != "inverse-cdf":
            raise UsageError(
                f"draw={self.draw} replays samplers of one token a pass; a strategy draws otherwise",
                "leave draw= or strategy= out",
            )

    def draws(self, seeds: Tensor, count: int, device: torch.device) -> Draws:
        """Those of a batch; arguments and errors as of :func:`~vtbench.generators.sampling.draws.make_draws`."""
        return make_draws(self.draw, seeds, count, device, self.numbers_before)

    def part(self, number: int) -> SamplerSettings:
        """Of one part of a token, the first being 0."""
        if number == 0 or not self.further:
            return replace(self, further=())
        filters, guidance = self.further[number - 1]
        return replace(self, filters=filters, guidance=guidance, further=())

    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know."""
        return () if self.strategy is None else self.strategy.notes()

    def as_recorded(self) -> dict[str, Any]:
        """Every setting by name, formula and order in words; as a list where the parts of a token differ."""
        each = [self.part(number)._recorded() for number in range(1 + len(self.further))]
        names = {name: None for part in each for name in part}
        told = {name: [part.get(name) for part in each] for name in names}
        return {
            name: values[0] if all(value == values[0] for value in values) else values for name, values in told.items()
        }

    def _recorded(self) -> dict[str, Any]:
        ordered = {"order": self.order} if self.order else {}
        replays = self.draw == "torch-multinomial" and self.numbers_before
        behind = f", behind {self.numbers_before} uniform number(s)" if replays else ""
        return {
            **ordered,
            **self.filters.as_recorded(),
            **as_recorded(self.guidance),
            "logits_dtype": "float32",
            "draw": IN_WORDS[self.draw] + behind,
            **({} if self.strategy is None else self.strategy.as_recorded()),
        }
