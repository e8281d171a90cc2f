"""``vfmtok``: VFMTok's tokenizer of 256 queries over a frozen DINOv2.

Held against the published code (CVMI-Lab/VFMTok, 828c780; its CUDA kernel replaced by the torch form beside it) with
equal seeded weights on a CPU: of the whole network (774 tensors, of which 767 are used here) and one image, all of 256
indices are equal (30 distinct), reconstructions lie within 1.2e-5 at a magnitude of 2.2, DINOv2's last map within
2.2e-6 at 4.9. A small network: all of 32 indices equal (15 distinct), within 6.2e-6 at 2.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.checkpoints.naming import renamed
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.networks.nearest import nearest_directions, normalise_rows
from vtbench.tokenizers.published.base import Source
from vtbench.tokenizers.published.hita.beside import BesideDinov2, coarsest_first

if TYPE_CHECKING:
    from torch import Tensor

STRIDE = 14
"""Side of a patch of DINOv2, in pixels."""


class VfmTok(BesideDinov2):
    """An index a query, ``int64 [B,Q]``, of the entry whose direction is nearest; averaged weights where there are any.

    The authors' files leave DINOv2, which is not trained, out, so a second one is read: ``backbone``; or, in the
    folders of ``$VTBENCH_ASSETS`` and the cache, the file of DINOv2's authors or timm's; or timm's on the hub
    (Apache-2.0). Files as the training code writes them hold its options as well:
    ``vtbench fetch --convert IN OUT.safetensors --entry ema``.

    The authors score images that were cropped to 336 pixels, and resize them and their reconstructions to 256 by
    Pillow's bicubic filter. The runner resizes images of 256 pixels to 336 and back: another number.

    Args:
        vision: size of DINOv2: ``large``; ``tiny`` for tests.
        size: side of the images, in pixels: 336.
        queries: along a side of their grid.
        width: of queries and transformers.
        heads: of the transformers.
        layers: of each of the two.
        points: places that a head of a query looks up in a map.
        hidden: width of the perceptrons beside the looking up.
        places: side of the decoder's grid of learnt places, which are resampled to the map.
        registers: tokens behind the decoder's map.
        channels: width of the finest level of the convolutions.
        multipliers: width of each level as a multiple; each but the last halves the sides.
        blocks: residual blocks a level, less one.
        codebook_size: entries.
        codebook_dim: their width.
        backbone: local file with DINOv2's weights, as its authors or timm publish them.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: DINOv2 has no whole patches of ``size``, or the levels do not halve it.
    """

    family = "vfmtok"
    citation = (
        "Zheng et al., Vision Foundation Models as Effective Visual Tokenizers for Autoregressive Image Generation, "
        "2507.08441"
    )
    keys = ("ema", "model", "state_dict")
    ignore_unexpected = (
        "slot_quantize.codebook_used",  # a statistic
        *("decode_transformer.mask_dino", "decode_transformer.norm_post2.*", "decode_transformer.proj.*"),  # training's
    )
    shrunken: ClassVar[dict[str, Any]] = {
        **{"vision": "tiny", "size": 56, "queries": 4, "width": 32, "heads": 2, "layers": 1, "points": 2, "hidden": 48},
        **{"places": 5, "registers": 2, "channels": 32, "multipliers": (1, 1, 1, 1), "codebook_size": 64},
    }

    def __init__(
        self,
        vision: str = "large",
        size: int = 336,
        queries: int = 16,
        width: int = 512,
        heads: int = 8,
        layers: int = 6,
        points: int = 4,
        hidden: int = 1024,
        places: int = 24,
        registers: int = 4,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        blocks: int = 1,
        codebook_size: int = 16384,
        codebook_dim: int = 12,
        backbone: str | None = None,
        **where: Unpack[WeightsFrom],
    ) -> None:
        halvings = len(multipliers) - 1
        if size % STRIDE or size % 2**halvings:
            raise UsageError(f"vfmtok: size={size}", f"{STRIDE} and {2**halvings} divide it")
        self._vision, self._backbone, self._levels = (vision, size), backbone, len(multipliers)
        sizes: dict[str, Any] = {"vision": vision, "size": size, "queries": queries, "width": width, "heads": heads}
        sizes |= {"layers": layers, "points": points, "hidden": hidden, "places": places, "registers": registers}
        sizes |= {"channels": channels, "multipliers": tuple(multipliers), "blocks": blocks}
        sizes |= {"entries": codebook_size, "dim": codebook_dim}
        self._setup(
            lambda: _network(**sizes),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size,),
            native_size=size,
            fixed_size=True,
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return self._with_backbone(renamed(state, (*_STEPS, *coarsest_first(self._levels))))

    def _finish(self, network: Any) -> None:
        normalise_rows(network.slot_quantize.embedding)

    def _encode(self, images: Tensor) -> Codes:
        book = self._network.slot_quantize.embedding
        return Codes(levels=(nearest_directions(self._network.encode(images), book),))

    def _decode(self, codes: Codes) -> Tensor:
        output: Tensor = self._network.decode(self._network.slot_quantize.embedding(codes.levels[0]))
        return output


_STEPS = (
    (r"^decoder\.conv_blocks\.(\d+)\.res\.", r"decoder.conv_blocks.\1.block."),
    (r"^decoder\.mid\.0\.", "decoder.mid.block_1."),
    (r"^decoder\.mid\.1\.", "decoder.mid.attn_1."),
    (r"^decoder\.mid\.2\.", "decoder.mid.block_2."),
    (r"^encode_transformer\.projectors\.(\d+)\.mlp\.", r"encode_transformer.projectors.\1."),
)


def _network(**sizes: Any) -> Any:
    from vtbench.tokenizers.published.vfmtok.network import Geometry, Network

    return Network(Geometry(**sizes))
