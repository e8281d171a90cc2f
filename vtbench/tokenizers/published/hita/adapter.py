"""``hita``: Hita's tokenizers of 128 holistic and 441 local tokens, beside a frozen DINOv2.

Held against the published code (CVMI-Lab/Hita, e10a95c; kornia 0.9) with equal seeded weights of the whole vanilla
network (501 tensors, two of them counters, and 344 of DINOv2; 408.7 M elements) on a CPU, two photographs of 336
pixels: all of 256 holistic indices equal (158 distinct) and all of 882 local ones (565 distinct), reconstructions
within 1.2e-5 at a magnitude of 3.3, DINOv2's tokens within 2.7e-6 at 5. The same figures for the ultra variant, which
has five tensors more that only training looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.checkpoints.naming import renamed
from vtbench.core.codes import Codes
from vtbench.networks.nearest import nearest_directions, normalise_rows
from vtbench.tokenizers.published.base import Source
from vtbench.tokenizers.published.hita.beside import BesideDinov2, coarsest_first

if TYPE_CHECKING:
    from torch import Tensor

_STEPS = (
    (r"^(encoder|decoder)\.conv_blocks\.(\d+)\.res\.", r"\1.conv_blocks.\2.block."),
    (r"^encoder\.conv_blocks\.", "encoder.down."),
    (r"\.mid\.0\.", ".mid.block_1."),
    (r"\.mid\.1\.", ".mid.attn_1."),
    (r"\.mid\.2\.", ".mid.block_2."),
    (r"(transformer\d?)\.layers\.", r"\1."),
    (r"\.attn1\.to_([qkv])\.", r".attn1.\1_proj."),
    (r"\.attn1\.to_out\.0\.", ".attn1.out_proj."),
    (r"^encode_transformer\.proj\.mlp\.", "encode_transformer.proj."),
)


class Hita(BesideDinov2):
    """Two levels of indices: the slots, ``int64 [B,N]``, then the map, ``[B,h,w]``, as the authors' models read them.

    An index is that of the entry whose direction is nearest, in a codebook of its own for each level. Averaged weights
    are used where the file has them. The authors' training code leaves DINOv2, which is not trained, out of the file,
    so a second one is read: ``backbone``; or, in the folders of ``$VTBENCH_ASSETS`` and the cache, the file of DINOv2's
    authors or timm's; or timm's on the hub, made of the former (Apache-2.0). A file that holds DINOv2 too needs none.
    Files as that code writes them hold its options as well: ``vtbench fetch --convert IN OUT.safetensors --entry ema``.

    DINOv2 sees the image at 224 pixels, blurred a little and resized by bicubic interpolation with aligned corners:
    that is a part of the network. The authors score images that were cropped to 336 pixels from larger ones, and resize
    them and their reconstructions to 256 by Pillow's bicubic filter. The runner resizes images of 256 pixels to 336 and
    back, also by a bicubic filter: another number.

    Args:
        vision: size of DINOv2: ``large``, or ``nano`` for tests.
        view: side in pixels of the image that it is shown.
        size: side of the images, in pixels; positions are learnt, so it is fixed.
        slots: holistic tokens.
        width: of the map, the slots and the transformers.
        heads: of the transformers.
        layers: of each of the three transformers.
        channels: width of the finest level of the convolutions.
        multipliers: width of each level as a multiple; each level but the last halves the sides.
        blocks: residual blocks a level; the decoder has one more.
        codebook_size: entries of either codebook.
        slot_dim: width of an entry for slots.
        local_dim: width of an entry for the map.
        shift: places by which the decoder's map is read early.
        backbone: local file with DINOv2's weights, as its authors or timm publish them.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "hita"
    citation = "Zheng et al., Holistic Tokenizer for Autoregressive Image Generation, 2507.02358"
    keys = ("ema", "model", "state_dict")
    # a training statistic; the ultra variant's guess of DINOv2's features, which only training looks at
    ignore_unexpected = (
        *("quantize.codebook_used", "slot_quantize.codebook_used"),
        *("decode_transformer.mask_embedding", "decode_transformer.norm_vfm.*", "decode_transformer.proj.*"),
    )
    shrunken: ClassVar[dict[str, Any]] = {
        **{"vision": "nano", "view": 28, "size": 48, "slots": 8, "width": 32, "heads": 2, "layers": 1},
        **{"channels": 32, "multipliers": (1, 1, 2), "blocks": 1, "codebook_size": 64},
    }

    def __init__(
        self,
        vision: str = "large",
        view: int = 224,
        size: int = 336,
        slots: int = 128,
        width: int = 512,
        heads: int = 8,
        layers: int = 3,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        blocks: int = 2,
        codebook_size: int = 16384,
        slot_dim: int = 12,
        local_dim: int = 8,
        shift: int = 4,
        backbone: str | None = None,
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._vision, self._backbone, self._levels = (vision, view), backbone, len(multipliers)
        transformers, convolutions = (size, slots, width, heads, layers), (channels, multipliers, blocks)
        self._setup(
            lambda: _network(vision, view, *transformers, *convolutions, codebook_size, slot_dim, local_dim, shift),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size, codebook_size),
            native_size=size,
            fixed_size=True,
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return self._with_backbone(renamed(state, (*_STEPS, *coarsest_first(self._levels))))

    def _finish(self, network: Any) -> None:
        for quantiser in (network.slot_quantize, network.quantize):
            normalise_rows(quantiser.embedding)

    def _encode(self, images: Tensor) -> Codes:
        books = (self._network.slot_quantize.embedding, self._network.quantize.embedding)
        pairs = zip(self._network.encode(images), books, strict=True)
        return Codes(levels=tuple(nearest_directions(latents, book) for latents, book in pairs))

    def codebook(self, level: int) -> Tensor:
        """Entries of the slots, or of the grid."""
        books = (self._network.slot_quantize, self._network.quantize)
        rows: Tensor = books[level].embedding.weight
        return rows

    def _decode(self, codes: Codes) -> Tensor:
        slots, local = codes.levels
        entries = self._network.quantize.embedding(local).movedim(-1, 1).contiguous()
        output: Tensor = self._network.decode(self._network.slot_quantize.embedding(slots), entries)
        return output


def _network(*sizes: Any) -> Any:
    from vtbench.tokenizers.published.hita.network import Geometry, Network

    return Network(Geometry(*sizes))
