"""The loop of next-scale generators: a pass a scale, all of its tokens drawn at once, the next input made of them.

Tian et al., Visual Autoregressive Modeling, 2404.02905, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from vtbench.generators.sampling.draws import Draws, make_draws
from vtbench.generators.sampling.filters import probabilities
from vtbench.generators.sampling.guidance import NONE_AT, guided_by
from vtbench.generators.sampling.next_scale.strategy import DrawnScale
from vtbench.generators.sampling.next_scale.tally import Tally, cost_of

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.contracts import SamplingCost
    from vtbench.generators.sampling.next_scale.accumulation import Accumulator
    from vtbench.generators.sampling.next_scale.settings import ScaleSettings
    from vtbench.generators.sampling.next_scale.strategy import Conditions, NextScaleHost
    from vtbench.networks.next_scale.attention import ScaleMemory


def sample_scales(
    host: NextScaleHost, prompted: Conditions, accumulator: Accumulator, settings: ScaleSettings, seeds: Tensor
) -> tuple[list[Tensor], SamplingCost]:
    """Codes ``int64 [B,T]`` of each scale, and what they took.

    Guidance runs both halves in one pass up to the last guided scale; then the cache is halved.

    Args:
        host: in evaluation mode; call it under ``torch.inference_mode``.
        prompted: the conditions.
        accumulator: of the codes.
        settings: all that moves a sample; their schedule is the host's.
        seeds: ``int64 [B]``.
    """
    return _Sampling(host, prompted, accumulator, settings, seeds).finished()


class _Sampling:
    """One batch from its conditions to its codes.

    ``maps`` holds what each scale so far is predicted from: a host that takes over has to see them all.
    """

    def __init__(
        self,
        host: NextScaleHost,
        prompted: Conditions,
        accumulator: Accumulator,
        settings: ScaleSettings,
        seeds: Tensor,
    ) -> None:
        self.host, self.prompted, self.accumulator, self.settings = host, prompted, accumulator, settings
        self.strategy, self.schedule = settings.strategy, settings.schedule
        self.strengths = settings.strengths()
        none = NONE_AT[settings.formula]
        self.doubled = max((scale + 1 for scale, strength in enumerate(self.strengths) if strength != none), default=0)
        count = self.strategy.draws(self.schedule) * settings.parts
        self.draws: Draws = make_draws(settings.draw, seeds, count, prompted.device)
        self.pruning = self.strategy.pruning(self.schedule)
        self.batch = len(seeds)
        self.tallies: dict[str, Tally] = {}
        self.total: Tensor | None = None
        self.maps: list[Tensor | None] = []
        self.codes: list[Tensor] = []

    def finished(self) -> tuple[list[Tensor], SamplingCost]:
        """Run every scale."""
        scales = range(self.strategy.scales(self.schedule))
        for _, run in groupby(scales, key=lambda scale: id(self.strategy.host_of(scale, self.host))):
            self._run(list(run))
        return self.codes, cost_of(self.tallies, self.batch, sum(codes.shape[1] for codes in self.codes))

    def _run(self, scales: list[int]) -> None:
        """Consecutive scales of one host, from an empty cache; its storage is let go before another asks for some."""
        host, first = self.strategy.host_of(scales[0], self.host), scales[0]
        guided = first < self.doubled
        cache = self.strategy.cache(host, self.batch * (1 + guided), self.schedule.before(scales[-1] + 1))
        tally = self.tallies.setdefault(self.strategy.role_of(first), Tally(host))
        stretch = _Stretch(host, self._conditioned(host, guided), guided, cache, tally)
        for scale in scales:
            if stretch.guided and scale == self.doubled:
                stretch = _Stretch(host, self._conditioned(host, False), False, cache, tally)
                if cache is not None:
                    cache.halved()
            self.maps.append(None if self.total is None else self.accumulator.seen_by(scale, self.total))
            unseen = 0 if scale == first and cache is not None else scale
            self._drawn(stretch, scale, self._passed(stretch, unseen, scale))

    def _conditioned(self, host: NextScaleHost, guided: bool) -> Any:
        return host.conditioned(self.prompted.doubled() if guided else self.prompted.conditional)

    def _passed(self, stretch: _Stretch, first: int, scale: int) -> Tensor:
        """Logits ``[R,T,V]`` of a scale, in one pass with those from ``first`` on that the cache does not hold yet."""
        before = 0
        if self.pruning is not None:
            before = self.pruning.spared
            self.pruning.at(scale)
        maps = [_repeated(seen, stretch.guided) for seen in self.maps[first : scale + 1]]
        logits = stretch.host.step(maps, first, stretch.condition, stretch.cache, self.pruning)
        spared = 0 if self.pruning is None else self.pruning.spared - before
        stretch.tally.passed(logits, stretch.cache, spared)
        return logits[:, -self.schedule.lengths[scale] :]

    def _drawn(self, stretch: _Stretch, scale: int, logits: Tensor) -> None:
        """Draw the codes of a scale, have them refined, and add them to the total."""

        def again(logits: Tensor, strength: float) -> tuple[Tensor, Tensor]:
            stretch.tally.passed(logits, None)
            return self._draw(logits, strength, scale, stretch.guided)

        strength = self.strengths[scale]
        codes, found = self._draw(logits, strength, scale, stretch.guided)
        drawn = DrawnScale(
            *(stretch.host, stretch.condition, stretch.guided, scale, strength),
            *(self.total, self.accumulator, codes, found, again),
        )
        self.codes.append(self.strategy.refined(drawn))
        self.total = self.accumulator.added(self.total, self.codes[-1], scale)

    def _draw(self, logits: Tensor, strength: float, scale: int, guided: bool) -> tuple[Tensor, Tensor]:
        """Codes ``int64 [B,T]``, and the probabilities ``[B,T,V]`` that they were drawn from."""
        logits = logits.float()
        if guided:
            conditional, unconditional = logits.chunk(2)
            logits = guided_by(self.settings.formula, conditional, unconditional, strength)
        filters = self.settings.filters_of(scale)
        found = probabilities(logits, filters)
        return (found.argmax(dim=-1) if filters.greedy else self.draws.next(found)), found


@dataclass(frozen=True, eq=False)
class _Stretch:
    """What the passes of consecutive scales have in common."""

    host: NextScaleHost
    condition: Any
    guided: bool
    cache: ScaleMemory | None
    tally: Tally


def _repeated(seen: Tensor | None, guided: bool) -> Tensor | None:
    """For both halves of a guided batch."""
    return seen.repeat(2, 1, 1, 1) if guided and seen is not None else seen
