"""``cosmos``: Cosmos' image tokenizers, continuous (CI) and discrete (DI), of 8 or 16 pixels a position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.networks.finite_scalar import FiniteScalar
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor


class Cosmos(OfficialTokenizer):
    """Latents ``[B,16,h,w]``, of an autoencoder without a posterior; or one index a position, of finite scalars.

    The authors publish TorchScript programs. Their tensors are read out of them, and nothing is executed; the program
    itself they run in bfloat16, which ``--dtype`` chooses here. Sides that are no multiple are padded at the right and
    bottom by repetition; the authors' own script pads all around with black.

    Args:
        compression: pixels a position along one side, 8 or 16.
        levels: of each channel of a discrete code; none for a continuous one.
        latent_channels: values a position of a continuous one.
        inner: channels beside the code, between it and the convolutions; 256 for the published discrete ones.
        channels: width of the first convolution.
        multipliers: width of each level as a multiple.
        blocks: residual blocks a level; the decoder has one more.
        patch: side of what the Haar transform makes one position of: a power of two.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: ``compression`` is not ``patch`` times a power of two that there are levels for.
    """

    family = "cosmos"
    citation = "NVIDIA, Cosmos World Foundation Model Platform for Physical AI, 2501.03575"
    # buffers that a network computes itself, and that an archive keeps all the same
    ignore_unexpected = ("*.wavelets", "*._arange", "*.patch_size_buffer", "quantizer.*", "inv_quant.*")
    shrunken: ClassVar[dict[str, Any]] = {"channels": 8, "blocks": 1, "inner": 8, "multipliers": (1, 2, 2)}

    def __init__(
        self,
        compression: int = 16,
        levels: Sequence[int] = (),
        latent_channels: int = 16,
        inner: int = 16,
        channels: int = 128,
        multipliers: Sequence[int] = (2, 4, 4),
        blocks: int = 2,
        patch: int = 4,
        **where: Unpack[WeightsFrom],
    ) -> None:
        steps, halvings = _halvings(patch), _halvings(compression) - _halvings(patch)
        if not 0 <= halvings <= len(multipliers):
            raise UsageError(
                f"cosmos: compression={compression}, patch={patch}",
                f"compression is {patch} to {patch << len(multipliers)} here",
            )
        self._points = FiniteScalar.of(levels) if levels else None
        self.latent_channels = latent_channels
        sizes = {"channels": channels, "blocks": blocks, "steps": steps, "halvings": halvings, "inner": inner}
        self._setup(
            lambda: _network(**sizes, multipliers=tuple(multipliers), latents=len(levels) or latent_channels),
            Source(**where),
            kind="discrete" if levels else "continuous",
            codebook_sizes=(self._points.entries,) if self._points else (),
            downsample_factor=compression,
        )

    def _encode(self, images: Tensor) -> Codes:
        latents = self._network.encode(images)
        return Codes(latents=latents) if self._points is None else Codes(levels=(self._points.indices(latents),))

    def codebook(self, level: int) -> Tensor | None:
        """Every point of the grid of finite levels, in [-1, 1]; ``None`` of latents."""
        import torch

        if self._points is None:
            return None
        return self._points.points(torch.arange(self._points.entries)[None])[0].T

    def _decode(self, codes: Codes) -> Tensor:
        latents = codes.latents if self._points is None else self._points.points(codes.levels[0])
        assert latents is not None
        output: Tensor = self._network.decode(latents.to(self._dtype))
        return output


def _halvings(factor: int) -> int:
    """How often a side is halved to be divided by so much; raises ``UsageError`` where that is no whole number."""
    if factor < 1 or factor & (factor - 1):
        raise UsageError(f"cosmos: {factor} pixels a position", "compression and patch are powers of two")
    return factor.bit_length() - 1


def _network(**sizes: Any) -> Any:
    from vtbench.tokenizers.published.cosmos.network import Geometry, Network

    return Network(Geometry(**sizes))
