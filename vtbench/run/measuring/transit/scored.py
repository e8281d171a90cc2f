"""What metrics and extractors were asked of images of one shape, before it is known what they found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from vtbench.core.foreign.returned import require_one_each
from vtbench.run.measuring.transit.transfers import Transfers


@dataclass(frozen=True, eq=False)
class Scored:
    """Tensors of the host, a row an image, that are filled when the transfers of their block are done.

    Attributes:
        ids: of the images.
        columns: values ``[n]`` by row column.
        features: ``float32 [n,D]`` by key of the block file.
        known: values of each image that the host found by itself; empty where it found none.
    """

    ids: Sequence[str]
    columns: Mapping[str, Tensor]
    features: Mapping[str, Tensor] = field(default_factory=dict)
    known: Sequence[Mapping[str, float]] = ()

    def with_columns(self, columns: Mapping[str, Tensor]) -> Scored:
        """The same with more columns of the same images."""
        return replace(self, columns={**self.columns, **columns})

    def rows(self) -> dict[str, dict[str, float]]:
        """Values by sample id and column; once they are there."""
        columns = {name: column.tolist() for name, column in self.columns.items()}
        known = self.known or [{}] * len(self.ids)
        return {
            name: {column: each[i] for column, each in columns.items()} | dict(known[i])
            for i, name in enumerate(self.ids)
        }


def values_back(name: str, values: Any, count: int, transfers: Transfers) -> Tensor:
    """The values of a metric as they will be on the host; a metric may write over its own in the next batch.

    Raises:
        ForeignCodeError: they are not one for each image.
    """
    return transfers.back(torch.as_tensor(require_one_each(name, values, count)).detach().clone())
