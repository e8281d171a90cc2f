"""``unitok-vq``: UniTok's tokenizer, which quantises every position with several codebooks.

Held against the published code (FoundationVision/UniTok, bb8012e, with timm 1.0.8) with equal seeded weights of the
whole network (1,335 tensors, 820.3 M elements; 164 of them, mostly the text tower's, unused here) on a CPU, two images
of 256 pixels: all of 4,096 indices equal (686 distinct), reconstructions within 6e-8 at a magnitude of 1, and equal
before the clamp at a magnitude of 2.3. With causal projections (a56697f's), all of 4,096 equal again, within 6e-8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.networks.nearest import nearest_directions, normalise_rows
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor


class UniTok(OfficialTokenizer):
    """A level a codebook: the channels of a position are split evenly, and each part has its own codebook.

    Each part becomes the entry of the nearest direction. Codes are ``int64 [B,H/16,W/16]`` a level. The network has no
    learnt positions, so sizes other than the trained 256 pixels are padded and cropped. Pixels are clamped to the
    trained range and float32 is used throughout, as in the published evaluation.

    Args:
        size: of encoder and decoder: ``large``, ViTamin-L's.
        codebooks: how many there are.
        codebook_size: entries of each.
        codebook_dim: their width; all widths together divide the transformer's.
        causal: whether tokens see only earlier ones around the codebooks, as in the release before 2025-04-02. Files of
            both releases have equal names and shapes, and no entry tells them apart.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "unitok-vq"
    citation = "Ma et al., UniTok: A Unified Tokenizer for Visual Generation and Understanding, 2502.20321"
    keys = ("trainer.unitok",)
    ignore_unexpected = (
        *("text_encoder.*", "fc_norm.*", "projection.*", "logit_scale"),  # for comparison with text
        "quantizer.codebooks.*.vocab_usage",  # how often training used an entry
        "*_proj.attn.zero_k_bias",  # zeros: keys have no bias
    )
    shrunken: ClassVar[dict[str, Any]] = {"size": "nano", "codebooks": 4, "codebook_size": 32, "codebook_dim": 8}

    def __init__(
        self,
        size: str = "large",
        codebooks: int = 8,
        codebook_size: int = 4096,
        codebook_dim: int = 8,
        causal: bool = False,
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._setup(
            lambda: _network(size, codebooks, (codebook_size, codebook_dim), causal),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size,) * codebooks,
            downsample_factor=16,
        )

    def _finish(self, network: Any) -> None:
        for codebook in network.codebooks:
            normalise_rows(codebook)

    def _encode(self, images: Tensor) -> Codes:
        codebooks = self._network.codebooks
        parts = self._network.encode(images).chunk(len(codebooks), dim=1)
        pairs = zip(parts, codebooks, strict=True)
        return Codes(levels=tuple(nearest_directions(part, codebook) for part, codebook in pairs))

    def codebook(self, level: int) -> Tensor:
        """Entries of one part."""
        rows: Tensor = self._network.codebooks[level].weight
        return rows

    def _decode(self, codes: Codes) -> Tensor:
        import torch

        entries = [codebook(level) for codebook, level in zip(self._network.codebooks, codes.levels, strict=True)]
        output: Tensor = self._network.decode(torch.cat(entries, dim=-1).movedim(-1, 1))
        return output.clamp(-1, 1)


def _network(size: str, codebooks: int, codebook: tuple[int, int], causal: bool) -> Any:
    from vtbench.tokenizers.published.unitok.network import Network

    return Network(size, codebooks, codebook, causal=causal)
