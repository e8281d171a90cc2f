"""A data set of another package: colour ramps."""

import torch

from vtbench.core.contracts import Sample
from vtbench.core.digests import digest_json


class Ramps:
    """``count`` square images, each a horizontal ramp in one of the three channels."""

    def __init__(self, count: int = 6, size: int = 64) -> None:
        self.count, self.size = count, size
        self.ids = [f"ramp-{index:02d}" for index in range(count)]

    @property
    def fingerprint(self) -> str:
        return self.fingerprint_of(self.count)

    def fingerprint_of(self, n: int) -> str:
        return digest_json(["ramps", 1, n, self.size])

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        image = torch.full((3, self.size, self.size), 16 * index % 256, dtype=torch.uint8)
        image[index % 3] = torch.linspace(0, 255, self.size).round().to(torch.uint8)
        return Sample(id=self.ids[index], image=image)
