"""``mgvq``: MGVQ's tokenizers, which quantise groups of channels with a codebook each.

Held against the published code (MKJia/MGVQ, f76c2dd; its norms are Triton kernels, written out in torch for this) with
equal seeded weights of whole networks on a CPU, two images: four groups by a factor of 16 at 256 pixels (297 tensors,
two of them unused here; 216.3 M elements), all of 2,048 indices equal (730 distinct); eight groups by a factor of 8 at
128 pixels (249 tensors), 4,096 of 4,096 (1,495 distinct); eight by a factor of 32 at 256 pixels (345 tensors), 1,024 of
1,024 (663 distinct). Reconstructions are within 1.4e-5 at magnitudes of 2.3 to 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.networks.nearest import nearest_codes, normalise_rows
from vtbench.tokenizers.published.base import OfficialTokenizer, Source
from vtbench.tokenizers.published.mgvq.geometry import Geometry

if TYPE_CHECKING:
    from torch import Tensor


class MgVQ(OfficialTokenizer):
    """A level a group: the channels of a position are split evenly, each part becomes the entry of nearest direction.

    All groups are used, as the published tables do. Sizes other than the trained one are padded and cropped. The
    network is diffusers' DC-AE: ``pip install 'vtbench[hub]'``.

    Args:
        channels: width of the finest level.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        encoder: blocks a level of the encoder; none at the first.
        decoder: blocks a level of the decoder.
        latents: channels of the latents, a multiple of ``groups``.
        groups: codebooks.
        codebook_size: entries of each.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: ``groups`` do not divide ``latents``, or the levels of widths and blocks are not equally many.
    """

    family = "mgvq"
    citation = (
        "Jia et al., MGVQ: Could VQ-VAE Beat VAE? A Generalizable Tokenizer with Multi-group Quantization, 2507.07997"
    )
    keys = ("model", "state_dict")
    ignore_unexpected = ("quantize.codebook_used", "quantize.embed_prob")  # how often training used an entry
    shrunken: ClassVar[dict[str, Any]] = {
        **{"channels": 16, "multipliers": (1, 2, 2, 2), "encoder": (0, 1, 1, 1), "decoder": (0, 1, 1, 1)},
        **{"latents": 32, "groups": 4, "codebook_size": 32},
    }

    def __init__(
        self,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 2, 4, 4, 8),
        encoder: Sequence[int] = (0, 4, 8, 2, 2),
        decoder: Sequence[int] = (0, 5, 10, 2, 2),
        latents: int = 32,
        groups: int = 4,
        codebook_size: int = 8192,
        **where: Unpack[WeightsFrom],
    ) -> None:
        if latents % groups or not len(multipliers) == len(encoder) == len(decoder):
            levels = f"{len(multipliers)}, {len(encoder)} and {len(decoder)} levels"
            raise UsageError(
                f"mgvq: latents={latents}, groups={groups}, and {levels}",
                "groups divide latents; multipliers, encoder and decoder have an entry a level",
            )
        widths = tuple(channels * multiplier for multiplier in multipliers)
        geometry = Geometry(
            widths=widths, encoder=tuple(encoder), decoder=tuple(decoder), channels=latents, groups=groups,
            entries=codebook_size,
        )  # fmt: skip
        self._entries = codebook_size
        self._setup(
            lambda: _network(geometry),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size,) * groups,
            downsample_factor=2 ** (len(widths) - 1),
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        from vtbench.tokenizers.published.mgvq.network import from_published

        return from_published(state)

    def _finish(self, network: Any) -> None:
        normalise_rows(network.quantize.embedding)

    def _encode(self, images: Tensor) -> Codes:
        import torch.nn.functional as F

        latents = self._network.quant_conv(self._network.encoder(images)).float()
        books = self._network.quantize.embedding.weight.split(self._entries)
        parts = (F.normalize(part, dim=1) for part in latents.chunk(len(books), dim=1))
        return Codes(levels=tuple(nearest_codes(part, book) for part, book in zip(parts, books, strict=True)))

    def codebook(self, level: int) -> Tensor:
        """Entries of a group."""
        books: tuple[Tensor, ...] = self._network.quantize.embedding.weight.split(self._entries)
        return books[level]

    def _decode(self, codes: Codes) -> Tensor:
        import torch

        table = self._network.quantize.embedding
        entries = [table(level + group * self._entries) for group, level in enumerate(codes.levels)]
        latents = torch.cat(entries, dim=-1).movedim(-1, 1)
        output: Tensor = self._network.decoder(self._network.post_quant_conv(latents))
        return output


def _network(geometry: Geometry) -> Any:
    from vtbench.tokenizers.published.mgvq.network import Network

    return Network(geometry)
