"""``python -m vtbench.zoo.references --images DIR``: reference statistics of a split of CIFAR-10, small enough to ship.

Moments of ``efflite0`` alone, packed: the features of every image would take fifty megabytes. What needs them (kernel
distances, precision) is compared with the images themselves, ``--reference parquet,path=DIR/test.parquet``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import torch
import typer

from vtbench.core.contracts import Sample
from vtbench.core.digests import digest_arrays
from vtbench.core.disk.packaged import CHECKOUT, ZOO
from vtbench.core.errors import VtbenchError
from vtbench.data.fingerprint import Fingerprinted
from vtbench.data.preparing.presets import make_preset
from vtbench.run.device import make_deterministic
from vtbench.run.measuring.evaluators import made_extractor
from vtbench.run.statistics.building import StatisticsRequest, build_statistics
from vtbench.zoo.images import TORCHVISION, FitImages, load_images

if TYPE_CHECKING:
    from vtbench.metrics.sets.reference_statistics import ReferenceStatistics

EXTRACTOR, FEATURE = "efflite0", "pool"


class _InMemory(Fingerprinted):
    """Images as a data set."""

    def __init__(self, images: FitImages, split: str) -> None:
        self._pixels = images.pixels
        self.ids = tuple(f"{split}/{place:05d}" for place in range(len(images.pixels)))

    def __getitem__(self, index: int) -> Sample:
        return Sample(self.ids[index], self._pixels[index])

    def content_digest(self, index: int) -> str:
        """Of the pixels."""
        return digest_arrays({"pixels": self._pixels[index].numpy()})


def name_of(images: FitImages, split: str) -> str:
    """What the statistics are called: those of JPEG copies are others'."""
    return f"cifar10-{split}" if images.source == TORCHVISION else f"cifar10-jpeg-{split}"


def build_references(images: FitImages, split: str, out: Path) -> ReferenceStatistics:
    """Write the statistics of a split to ``out``, a file."""
    make_deterministic()
    kind = "CIFAR-10" if images.source == TORCHVISION else "CIFAR-10 as JPEG"
    request = StatisticsRequest(
        source=f"{kind}, {split} split",
        dataset=_InMemory(images, split),
        preset=make_preset("native@1", None, None),
        features={EXTRACTOR: frozenset({FEATURE})},
        keep_rows=False,
        provenance={"command": "python -m vtbench.zoo.references", "images": images.source, "digest": images.digest},
        pack=True,
    )
    return build_statistics(request, {EXTRACTOR: made_extractor(EXTRACTOR)}, torch.device("cpu"), out)


def main(
    images: Annotated[Path, typer.Option(metavar="DIR", help="CIFAR-10: test.parquet, or torchvision's folder.")],
    split: Annotated[str, typer.Option(metavar="NAME", help="train or test.")] = "test",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The file; in vtbench-zoo unless given.")] = None,
) -> None:
    """Reference statistics of a split of CIFAR-10."""
    try:
        found = load_images(images, split)
        place = out or CHECKOUT / ZOO / "statistics" / f"{name_of(found, split)}.safetensors"
        place.parent.mkdir(parents=True, exist_ok=True)
        print(build_references(found, split, place).path)
    except VtbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
