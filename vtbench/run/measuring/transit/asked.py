"""One batch of predictions, and what was asked about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import Prepared, SampleFailure
from vtbench.run.measuring.block_scores import Pair
from vtbench.run.measuring.predict import Broken
from vtbench.run.measuring.robustness.answers import Found
from vtbench.run.measuring.transit.scored import Scored


@dataclass(frozen=True, eq=False)
class AskedBatch:
    """One batch, and what is on its way: tensors of the host, filled when the block's transfers are done.

    Attributes:
        failures: known already.
        samples: the others, in order.
        pixels: their predictions, on the host.
        scored: what was asked of them, a run of one shape each.
        codes: of the whole batch.
        places: of the samples in the batch.
        found: what asking the model again found, of the whole batch.
        broken: what will turn out to have failed, of the samples.
        pooled: ``float32 [B,D]`` by name, of the whole batch: its codes, a vector an image.
        pairs: of the samples, for metrics of whole blocks; empty where there are none.
    """

    failures: Sequence[SampleFailure]
    samples: Sequence[Prepared]
    pixels: Sequence[Tensor]
    scored: Sequence[Scored]
    codes: Codes | None
    places: Sequence[int]
    found: Found | None
    broken: Broken | None
    pairs: Sequence[Pair] = ()
    pooled: Mapping[str, Tensor] = field(default_factory=dict)

    def late(self) -> list[SampleFailure | None]:
        """The failure of each sample that turned out to be one."""
        if self.broken is None:
            return [None] * len(self.samples)
        return self.broken.failures([sample.id for sample in self.samples])
