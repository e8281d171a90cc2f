"""``maskgit-vq``: MaskGIT's VQGAN in the PyTorch layout that open-muse gave it, which TiTok and RAR build upon.

Held against the published code (bytedance/1d-tokenizer, 942a96f) with equal seeded weights of the whole network (168
tensors, 54.5 M parameters) on a CPU, two images of 256 pixels: all of 512 indices equal (512 distinct), reconstructions
equal bit for bit. The network of MAGE's file, in DAMO-NLP-SG/DiGIT (cd6d8ca), is the same under taming's names: held
against it likewise, all of 512 indices equal (13 distinct), reconstructions within 4e-5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.checkpoints.naming import renamed
from vtbench.core.codes import Codes
from vtbench.networks.nearest import nearest_codes
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor

_TAMING = (
    (r"\.mid\.block_1\.", ".mid.0."),
    (r"\.mid\.block_2\.", ".mid.1."),
    (r"\.upsample\.conv\.", ".upsample_conv."),
)


class MaskGitVQ(OfficialTokenizer):
    """An index a position, of the Euclidean nearest codebook entry.

    Args:
        channels: width of the finest level; a multiple of 32.
        multipliers: width of each level as a multiple; each level but the last halves the sides.
        codebook_dim: width of a codebook entry.
        codebook_size: entries.
        blocks: residual blocks a level.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "maskgit-vq"
    citation = "Chang et al., MaskGIT: Masked Generative Image Transformer, 2202.04200"
    value_range = "unit"
    shrunken: ClassVar[dict[str, Any]] = {
        **{"channels": 32, "multipliers": (1, 2), "codebook_dim": 8, "codebook_size": 32, "blocks": 1}
    }

    def __init__(
        self,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        codebook_dim: int = 256,
        codebook_size: int = 1024,
        blocks: int = 2,
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._setup(
            lambda: _network(channels, multipliers, codebook_dim, blocks, codebook_size),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size,),
            downsample_factor=2 ** (len(multipliers) - 1),
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return renamed(state, _TAMING)

    def _encode(self, images: Tensor) -> Codes:
        return Codes(levels=(nearest_codes(self._network.encoder(images), self._network.quantize.embedding.weight),))

    def _decode(self, codes: Codes) -> Tensor:
        entries = self._network.quantize.embedding(codes.levels[0]).movedim(-1, 1).contiguous()
        output: Tensor = self._network.decoder(entries)
        return output


def _network(channels: int, multipliers: Sequence[int], dim: int, blocks: int, entries: int) -> Any:
    from vtbench.networks.maskgit import Network

    return Network(channels, multipliers, dim, blocks, entries, maskgit=True)
