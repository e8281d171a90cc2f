"""Which frames of a video make its clips: a rule, counted out without decoding anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from vtbench.core.errors import UsageError
from vtbench.core.seeds import sample_seed
from vtbench.data.limits import MOST_FRAMES

Choice = Literal["one", "all"]


@dataclass(frozen=True)
class ClipRule:
    """The frames of each clip.

    Args:
        frames: of a clip, T.
        stride: every so many frames of the video one is taken (StyleGAN-V's "subsample").
        clips: ``one`` clip a video, whose beginning is drawn from ``seed`` and the video's name; or ``all`` clips that
            fit one after another without a frame in two of them, what is left at the end being dropped.
        seed: of the draw.

    Raises:
        UsageError: a number below 1, more frames than are held in memory, or another choice.
    """

    frames: int
    stride: int = 1
    clips: Choice = "one"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.clips not in get_args(Choice):
            raise UsageError(f"clips={self.clips!r} is no choice of clips", f"give {' or '.join(get_args(Choice))}")
        if not 1 <= self.frames <= MOST_FRAMES:
            raise UsageError(f"a clip of {self.frames} frames", f"give frames from 1 to {MOST_FRAMES}")
        if self.stride < 1:
            raise UsageError(f"a stride of {self.stride} frames", "give a stride of at least 1")

    @property
    def span(self) -> int:
        """Frames of the video from the first of a clip to its last."""
        return (self.frames - 1) * self.stride + 1

    def starts(self, name: str, count: int) -> tuple[int, ...]:
        """First frames of the clips of a video of ``count`` frames; none where it is too short."""
        spare = count - self.span
        if spare < 0:
            return ()
        if self.clips == "one":
            return (sample_seed(self.seed, name) % (spare + 1),)
        return tuple(range(0, spare + 1, self.span))

    def places(self, start: int) -> range:
        """The frames of the clip that begins with ``start``."""
        return range(start, start + self.span, self.stride)
