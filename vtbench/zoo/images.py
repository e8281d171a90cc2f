"""The images that the zoo is fitted on: CIFAR-10 as Parquet files of encoded images, or as torchvision reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from vtbench.core.digests import digest_arrays
from vtbench.core.errors import UsageError
from vtbench.data.open import open_data

if TYPE_CHECKING:
    from torch import Tensor

TORCHVISION = "torchvision CIFAR10"
"""What the source of lossless images is called."""


@dataclass(frozen=True, eq=False)
class FitImages:
    """Images in memory.

    Attributes:
        pixels: ``uint8 [N,3,32,32]``.
        labels: ``int64 [N]``.
        source: where they came from, for the card.
    """

    pixels: Tensor
    labels: Tensor
    source: str

    @property
    def digest(self) -> str:
        """Of pixels and labels."""
        return digest_arrays({"pixels": self.pixels.numpy(), "labels": self.labels.numpy()})


def load_images(path: Path, split: str = "train") -> FitImages:
    """The images of a split.

    Args:
        path: a folder that holds ``train.parquet`` and ``test.parquet`` (columns image, label), or torchvision's
            ``cifar-10-batches-py``.
        split: ``train`` or ``test``.

    Raises:
        UsageError: neither is there.
    """
    parquet = path / f"{split}.parquet"
    if parquet.is_file():
        return _of_parquet(parquet)
    if (path / "cifar-10-batches-py").is_dir():
        return _of_torchvision(path, split)
    raise UsageError(
        f"{path} holds neither {split}.parquet nor cifar-10-batches-py",
        "python -c \"import torchvision; torchvision.datasets.CIFAR10('DIR', download=True)\" fetches the latter",
    )


def _of_parquet(path: Path) -> FitImages:
    import pyarrow.parquet as pq

    dataset = open_data(f"parquet,path='{path}'")
    pixels = torch.stack([dataset[index].image for index in range(len(dataset))])
    labels = pq.read_table(path, columns=["label"])["label"].to_pylist()
    return FitImages(pixels, torch.tensor(labels), path.name)


def _of_torchvision(path: Path, split: str) -> FitImages:
    from torchvision.datasets import CIFAR10

    found = CIFAR10(str(path), train=split == "train")
    pixels = torch.from_numpy(np.ascontiguousarray(np.moveaxis(found.data, -1, 1)))
    return FitImages(pixels, torch.tensor(found.targets), TORCHVISION)
