"""Images whose text nobody wrote down: read twice, before the tokenizer and after it.

What the reader reads on the original is taken for the truth, so that a tokenizer is charged with what it changes in a
reading, right or wrong. A reader also changes its mind over nothing at all. How often, its *floor* tells: the same
original, each sample moved by at most one level, is read against itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

from vtbench.metrics.texts.compat_omnidoc import omnidoc_counts
from vtbench.metrics.texts.error_rates import score_text
from vtbench.metrics.texts.normalisation import policy_for
from vtbench.readers.cache import CachedReader
from vtbench.run.measuring.reading import FLOOR_PREFIX

UNSTATED_LANGUAGE = "zh"
"""Where a sample states none: whitespace beside CJK characters is dropped, Latin words keep theirs."""
_SEED = 0
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class RereadScorer:
    """Reading of the prediction against reading of the original, and the reader's floor. Each image is read once ever.

    Attributes:
        case: as a task's reader states it.
    """

    reader: CachedReader
    case: Literal["keep", "fold"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any]) -> list[Mapping[str, float]]:
        """``uint8 [B,3,H,W]`` twice; counts by column, those of the floor with the prefix ``floor_``.

        Of a target only ``language`` is looked at. Empty for a sample on whose original nothing is read.
        """
        items = zip(prediction.cpu(), reference.cpu(), targets, strict=True)
        return _in_threads(self.reader, lambda item: self._counts(*item), list(items))

    def _counts(self, prediction: Tensor, reference: Tensor, target: Any) -> dict[str, float]:
        stated = target.get("language") if isinstance(target, Mapping) else None
        policy = policy_for(str(stated or UNSTATED_LANGUAGE), self.case)
        predicted, original, moved = self.reader.read([prediction, reference, moved_by_a_level(reference)])
        if not original.text.strip():
            return {}
        found = score_text(predicted.text, original.text, policy).columns()
        floor = score_text(moved.text, original.text, policy).columns()
        return {**found, **{f"{FLOOR_PREFIX}{name}": value for name, value in floor.items()}}


@dataclass(frozen=True, eq=False)
class OmnidocScorer:
    """As OmniDoc-TokenBench's script reads: lines joined by nothing, nothing normalised, no floor."""

    reader: CachedReader

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any]) -> list[Mapping[str, float]]:
        """``uint8 [B,3,H,W]`` twice; counts by column. Empty for a sample on whose original nothing is read."""
        pairs = zip(prediction.cpu(), reference.cpu(), strict=True)
        return _in_threads(self.reader, lambda pair: self._counts(*pair), list(pairs))

    def _counts(self, prediction: Tensor, reference: Tensor) -> dict[str, float]:
        predicted, original = self.reader.read([prediction, reference])
        return omnidoc_counts("".join(predicted.lines), "".join(original.lines))


def _in_threads(
    reader: CachedReader, counts: Callable[[Item], dict[str, float]], items: Sequence[Item]
) -> list[Mapping[str, float]]:
    """Counts of each item, in order; on torch's threads where the engine allows several calls at once."""
    threads = min(len(items), torch.get_num_threads()) if reader.concurrent else 1
    if threads <= 1:
        return [counts(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(counts, items))


def moved_by_a_level(image: Tensor) -> Tensor:
    """``uint8 [3,H,W]``, each sample moved by -1, 0 or 1 level at random: about 50 dB, which nobody sees.

    The same noise for every image of one shape.
    """
    return (image.to(torch.int16) + _noise(tuple(image.shape))).clamp_(0, 255).to(torch.uint8)


@lru_cache(maxsize=8)
def _noise(shape: tuple[int, ...]) -> Tensor:
    drawn = torch.randint(-1, 2, shape, generator=torch.Generator().manual_seed(_SEED))
    return drawn.to(torch.int16)
