"""What next-scale generators share: labels in, codes of every scale out of the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import AdapterError
from vtbench.generators.published.base import Identity, PublishedGenerator

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

    from vtbench.checkpoints.loading import Source
    from vtbench.generators.sampling.next_scale.accumulation import Accumulator
    from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule

CLASSES = 1000


class NextScaleGenerator(PublishedGenerator):
    """A class-conditional generator whose network is a host of next-scale sampling; the class after the last is none.

    A family says what makes the next input of codes: :meth:`_accumulator`.
    """

    order: ClassVar[str] = "next-scale"

    def _accumulator(self) -> Accumulator:
        raise NotImplementedError

    def _setup(self, build: Callable[[], Any], source: Source, identity: Identity) -> None:
        super()._setup(build, source, identity)
        strategy = identity.settings.strategy
        strategy.suits(self)
        self.info = replace(self.info, weights=(*self.info.weights, *strategy.weights()))

    @property
    def levels_drawn(self) -> int | None:
        """Scales whose codes it draws, where a strategy leaves out the last ones; ``None`` for all."""
        scales: int = self._identity.settings.strategy.scales(self._schedule)
        return scales if scales < len(self._schedule) else None

    def _networks(self) -> tuple[Any, ...]:
        return (self._network, *self._identity.settings.strategy.networks())

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """As of every published generator; networks that its strategy brings go with it."""
        for network in self._identity.settings.strategy.networks():
            network.to(device=device, dtype=dtype)
        return super().to(device=device, dtype=dtype)

    @property
    def _schedule(self) -> ScaleSchedule:
        found: ScaleSchedule = self._identity.settings.schedule
        return found

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        """Tokens ``int64 [B,N]`` of all scales, one behind the other."""
        import torch

        from vtbench.generators.sampling.next_scale.sampler import sample_scales

        settings = self._identity.settings
        codes, cost = sample_scales(self._network, self._prompted(conditions), self._accumulator(), settings, seeds)
        return torch.cat(codes, dim=1), cost

    def _scales(self, tokens: Tensor) -> list[Tensor]:
        """Tokens ``int64 [B,N]`` to those of each scale that they reach, ``int64 [B,h,w]``."""
        schedule = self._schedule
        count = next(count for count in range(len(schedule) + 1) if schedule.before(count) == tokens.shape[1])
        parts = [tokens[:, schedule.before(scale) : schedule.before(scale + 1)] for scale in range(count)]
        return [part.reshape(-1, *size, *part.shape[2:]) for part, size in zip(parts, schedule.sizes, strict=False)]


class MultiScaleGenerator(NextScaleGenerator):
    """One whose tokenizer codes every scale (VAR's): a level of codes each."""

    def _accumulator(self) -> Accumulator:
        from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator

        return ResidualAccumulator(self._schedule, self.tokenizer.contribution)

    def _codes(self, tokens: Tensor) -> Codes:
        side = self._side()
        return Codes(levels=tuple(self._scales(tokens)), image_size=(side, side))

    def _check_tokenizer(self) -> None:
        info, scales = self.tokenizer.info, tuple(getattr(self.tokenizer, "scales", ()))
        sides = tuple(height for height, _ in self._schedule.sizes)
        if scales != sides or set(info.codebook_sizes) != {self._identity.vocabulary}:
            told = f"scales {list(scales)}" if scales else "no scales"
            raise AdapterError(
                f"{self.family} draws scales {list(sides)} of {self._identity.vocabulary} entries; the tokenizer "
                f"{info.name} has {told} and codebooks of {sorted(set(info.codebook_sizes))}",
                "leave tokenizer= out, or name the one that the generator was trained on",
            )
