"""Families whose code is the signs of the encoder's output (LFQ) and whose decoder takes the signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtbench.core.codes import Codes
from vtbench.networks.binary import to_bits, to_signs
from vtbench.tokenizers.published.base import OfficialTokenizer

if TYPE_CHECKING:
    from torch import Tensor


class LookupFree(OfficialTokenizer):
    """A bit a channel; bit ``i`` has weight ``2**i``. The network has ``encoder`` and ``decoder``."""

    def _encode(self, images: Tensor) -> Codes:
        return Codes(bits=(to_bits(self._network.encoder(images)),))

    def _decode(self, codes: Codes) -> Tensor:
        output: Tensor = self._network.decoder(to_signs(codes.bits[0], self._dtype))
        return output
