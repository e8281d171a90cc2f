"""``photos-whole``: the photographs of ``photos-mini``, uncut. No network."""

from __future__ import annotations

from vtbench.core.contracts import Sample
from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.embedded.photographs.crops import PHOTOGRAPHS
from vtbench.data.embedded.photographs.photos_mini import load_photograph, photograph_path
from vtbench.data.fingerprint import Fingerprinted

_SHORT_SIDES = {
    "astronaut": 512,
    "chelsea": 300,
    "china": 427,
    "coffee": 400,
    "flower": 427,
    "hubble_deep_field": 872,
    "motorcycle_left": 500,
    "motorcycle_right": 500,
    "retina": 1411,
    "rocket": 427,
}


class PhotosWhole(Fingerprinted):
    """Ten colour photographs of 300 to 1411 pixels on the short side, ``uint8 [3,H,W]``; an id is the name.

    For tasks that need more pixels than the crops of ``photos-mini`` have. The classical ``patch-*`` tokenizers were
    fitted on four of them (flower, motorcycle_left, motorcycle_right, retina) and must not be judged by those.

    Args:
        short_side: leave out photographs with a shorter side below this many pixels.

    Raises:
        UsageError: no photograph is that large.
        AssetMissingError: a photograph is not in the installed package, or is not the one expected.
    """

    def __init__(self, short_side: int = 0) -> None:
        self.ids = tuple(name for name, side in _SHORT_SIDES.items() if side >= short_side)
        if not self.ids:
            raise UsageError(
                f"no photograph has a short side of {short_side} pixels",
                f"the largest has {max(_SHORT_SIDES.values())}",
            )
        for name in self.ids:
            photograph_path(name)

    def __getitem__(self, index: int) -> Sample:
        return Sample(id=self.ids[index], image=load_photograph(self.ids[index]))

    def content_digest(self, index: int) -> str:
        """Digest of the photograph's SHA-256."""
        return digest_json([PHOTOGRAPHS[self.ids[index]].sha256])
