"""``xqgan``: the tokenizers of XQ-GAN, ImageFolder and RobustTok.

Held against the published code (lxa9867/ImageFolder, 76ddfb9) with equal seeded weights of whole networks without
teachers, on a CPU, two images of 256 pixels: V-4096 (360 tensors, three of them unused here; 172.3 M elements), all of
512 indices equal (38 distinct); VP2-16384, 1,024 of 1,024 (18 distinct); MSVR10P2-4096 (378 tensors, four of them
unused), 1,144 of 1,144 (205 distinct); MSBR10P2-4096, 1,144 of 1,144 (763 distinct). Reconstructions are within 6e-8 in
[-1, 1], between which two thirds of the values lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.checkpoints.naming import renamed
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.networks.nearest import normalise_rows
from vtbench.networks.sizes import Sizes
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor

Quantiser = Literal["one-map", "scales", "signs"]
SIZES = Sizes("xqgan", {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16), "nano": (32, 2, 2)})
"""Width, layers and heads; ``nano`` is for tests."""


class XqGan(OfficialTokenizer):
    """A level a scale and product, the coarsest scale first, the products of a scale one after the other.

    Of ``signs`` a code is bits, bit ``i`` of weight ``2**i`` in the published index too. The weights are those of the
    last step, which the authors score; ``entry=ema`` takes the averaged ones.

    Args:
        quantiser: ``one-map`` of entries (V, VP2), residual ``scales`` of entries (MSVR), or of ``signs`` (MSBR).
        products: maps of queries, each with a quantiser of its own (P2).
        scales: sides of the token maps, at least two of residual ones; one map has the last.
        codebook_size: entries of each codebook; of signs it follows from their number.
        codebook_dim: width of an entry, or signs of a code.
        encoder: size of the encoder: ``small``, ``base`` or ``large`` (DINOv2's).
        decoder: size of the decoder.
        size: side of the images, in pixels; places are learnt, so it is fixed.
        patch: side of a patch.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: an unknown quantiser, residual scales that are fewer than two, or a patch that does not divide.
    """

    family = "xqgan"
    citation = (
        "Li et al., XQ-GAN: An Open-source Image Tokenization Framework for Autoregressive Generation, 2412.01762"
    )
    keys = ("model", "ema")
    channels_last = False
    ignore_unexpected = (
        *("semantic_model.*", "detail_model.*", "sem_linear.*"),  # teachers
        *("quantize*.ema_vocab_hit_SV", "quantize*.scaler"),  # a statistic; follows from the number of signs
        *("encoder.lvl1LC", "decoder.lvl1LC"),  # which tokens are patches
    )
    shrunken: ClassVar[dict[str, Any]] = {
        **{"encoder": "nano", "decoder": "nano", "scales": (1, 2, 4), "codebook_size": 32, "codebook_dim": 6},
        **{"size": 32, "patch": 8},
    }

    def __init__(
        self,
        quantiser: Quantiser = "one-map",
        products: int = 1,
        scales: Sequence[int] = (16,),
        codebook_size: int = 4096,
        codebook_dim: int = 64,
        encoder: str = "base",
        decoder: str = "base",
        size: int = 256,
        patch: int = 16,
        **where: Unpack[WeightsFrom],
    ) -> None:
        if quantiser not in get_args(Quantiser):
            raise UsageError(f"xqgan has no quantiser {quantiser!r}", f"one of {', '.join(get_args(Quantiser))}")
        if size % patch or (quantiser != "one-map" and len(scales) < 2):
            raise UsageError(
                f"xqgan: size={size}, patch={patch}, quantiser={quantiser}, scales={list(scales)}",
                "patch divides size; residual scales are at least two",
            )
        self._quantiser = quantiser
        levels = products * (1 if quantiser == "one-map" else len(scales))
        entries = 2**codebook_dim if quantiser == "signs" else codebook_size
        sizes: dict[str, Any] = {"quantiser": quantiser, "products": products, "scales": tuple(scales)}
        sizes |= {"entries": entries, "channels": codebook_dim, "size": size, "patch": patch}
        trunks = (SIZES[encoder], SIZES[decoder])
        self._setup(
            lambda: _network(*trunks, **sizes),
            Source(**where),
            kind="discrete",
            codebook_sizes=(entries,) * levels,
            native_size=size,
            fixed_size=True,
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return renamed(state, ((r"^quantize\.", "quantizes.0."),))

    def _finish(self, network: Any) -> None:
        if self._quantiser == "one-map":
            for one in network.quantizes:
                normalise_rows(one.embedding)

    def _encode(self, images: Tensor) -> Codes:
        found = tuple(self._network.encode(images))
        return Codes(bits=found) if self._quantiser == "signs" else Codes(levels=found)

    def codebook(self, level: int) -> Tensor | None:
        """Entries of a level's product, of unit length, as they are compared; ``None`` of signs."""
        import torch.nn.functional as F

        if self._quantiser == "signs":
            return None
        quantisers = self._network.quantizes
        return F.normalize(quantisers[level % len(quantisers)].embedding.weight, dim=1)

    def _decode(self, codes: Codes) -> Tensor:
        output: Tensor = self._network.decode(codes.bits or codes.levels)
        return output.clamp(-1, 1)


def _network(encoder: tuple[int, int, int], decoder: tuple[int, int, int], **sizes: Any) -> Any:
    from vtbench.networks.vision_transformer import Trunk
    from vtbench.tokenizers.published.xqgan.network import Geometry, Network

    first, second = (Trunk(width=width, layers=layers, heads=heads) for width, layers, heads in (encoder, decoder))
    return Network(Geometry(encoder=first, decoder=second, **sizes))
