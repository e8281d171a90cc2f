"""From probabilities to a token, in a way that no other sample can change.

``inverse-cdf`` is vtbench's: one uniform number a token in float64, from the sample's own generator.
``torch-multinomial`` draws what ``torch.multinomial(p, 1)`` draws for a batch of one after ``manual_seed(seed)``, the
likeliest of p / E with exponential E, as most published samplers do: it replays the authors' single images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from vtbench.core.errors import UsageError
from vtbench.core.seeds import sample_seed
from vtbench.generators.sampling.filters import Precision

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DrawRule = Literal["inverse-cdf", "torch-multinomial"]

IN_WORDS = {
    "inverse-cdf": "inverse CDF in float64, one uniform number a token from the sample's own generator",
    "torch-multinomial": "argmax of p / E, E exponential, from the sample's own generator on the sampling device",
}


PRECISIONS: Mapping[DrawRule, Precision] = {"inverse-cdf": "float64", "torch-multinomial": "float32"}
"""In which the softmax before a draw is taken: ours in float64, the authors' in float32."""


class Draws(Protocol):
    """Draws of a batch, one token after the other or several at once."""

    def next(self, found: Tensor) -> Tensor:
        """Probabilities ``[B,V]`` to tokens ``int64 [B]``; of the next T tokens, ``[B,T,V]`` to ``int64 [B,T]``."""


def make_draws(rule: DrawRule, seeds: Tensor, count: int, device: torch.device, before: int = 0) -> Draws:
    """Draws of a batch of samples.

    Args:
        rule: how.
        seeds: ``int64 [B]``.
        count: tokens of a sample, at most.
        device: where sampling happens.
        before: uniform numbers that the authors' sampler takes of a stream before the first token.

    Raises:
        UsageError: no such rule.
    """
    if rule == "inverse-cdf":
        return InverseCdf(uniforms(seeds, count).to(device))  # all at once: a copy a token would make the device wait
    if rule == "torch-multinomial":
        return TorchMultinomial(seeds.tolist(), device, before)
    raise UsageError(f"draw={rule!r}: must be {' or '.join(get_args(DrawRule))}")


class InverseCdf:
    """Inverse CDF in float64.

    Args:
        chances: ``float64 [B,count]``.
    """

    def __init__(self, chances: Tensor) -> None:
        self._chances, self._at = chances, 0

    def next(self, found: Tensor) -> Tensor:
        """As :meth:`Draws.next`."""
        shape = found.shape[:-1]
        count = found.numel() // (len(found) * found.shape[-1])
        chances = self._chances[:, self._at : self._at + count].to(found.device)
        self._at += count
        return draw(found.double().flatten(0, -2), chances.flatten()).view(shape)


class TorchMultinomial:
    """What ``torch.multinomial`` draws for each sample by itself: of several tokens at once, all of them in one call.

    Args:
        seeds: one a sample.
        device: of the generators.
        before: uniform numbers that each gives away before the first draw.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device, before: int = 0) -> None:
        import torch

        self.generators = [torch.Generator(device).manual_seed(int(seed)) for seed in seeds]
        for generator in self.generators if before else ():
            torch.rand(before, generator=generator, device=device)

    def next(self, found: Tensor) -> Tensor:
        """As :meth:`Draws.next`."""
        import torch

        rows = [
            torch.empty_like(row).exponential_(generator=generator)
            for row, generator in zip(found.unbind(0), self.generators, strict=True)
        ]
        return (found / torch.stack(rows)).argmax(dim=-1)


@dataclass(frozen=True)
class Drawn:
    """What an image's own random numbers are spent on before its decoder asks for some.

    Attributes:
        rule: of the draws.
        tokens: of an image.
        vocabulary: entries that each chose from.
        greedy: nothing was drawn.
    """

    rule: DrawRule
    tokens: int
    vocabulary: int
    greedy: bool = False

    def decoder_stream(self, seed: int, device: torch.device) -> torch.Generator:
        """The image's stream, on the CPU, for what its decoder draws.

        With ``inverse-cdf`` it is another than that of the tokens, so that no strategy, which takes more numbers or
        fewer, changes what is drawn. ``torch-multinomial`` goes on as the authors' code does after
        ``manual_seed(seed)``: on a CPU behind the numbers of the tokens, elsewhere at the beginning of the CPU's own
        stream, of which the tokens took none.

        Args:
            seed: of the image.
            device: where its tokens were drawn.
        """
        import torch

        if self.rule == "inverse-cdf":
            return torch.Generator().manual_seed(sample_seed(seed, "decoder"))
        generator = torch.Generator().manual_seed(seed)
        if not self.greedy and device.type == "cpu":
            spent = torch.empty(self.vocabulary)
            for _ in range(self.tokens):  # one by one: what a call takes of the stream depends on its size
                spent.exponential_(generator=generator)
        return generator


def draw(found: Tensor, uniform: Tensor) -> Tensor:
    """The token at which the cumulative probability first exceeds a uniform number.

    Args:
        found: ``float64 [B,V]`` probabilities.
        uniform: ``float64 [B]`` in [0, 1).

    Returns:
        ``int64 [B]``; never a token of probability 0.
    """
    import torch

    cumulative = found.cumsum(dim=-1)
    reached = torch.searchsorted(cumulative, (uniform.to(found) * cumulative[:, -1])[:, None], right=True)[:, 0]
    last = found.shape[-1] - 1 - (found.flip(-1) > 0).int().argmax(dim=-1)
    return torch.minimum(reached, last)


def uniforms(seeds: Tensor, count: int) -> Tensor:
    """``float64 [B,count]`` in [0, 1): each row from its own seed, so that no batch can change it."""
    import torch

    rows = []
    for seed in seeds.tolist():
        generator = torch.Generator().manual_seed(int(seed))
        rows.append(torch.rand(count, generator=generator, dtype=torch.float64))
    return torch.stack(rows)
