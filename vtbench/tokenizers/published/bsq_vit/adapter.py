"""``bsq-vit``: transformers with binary spherical quantisation.

The published configurations train on [-1, 1] (``zero_mean``); scripts that feed [0, 1] measure another model.

Held against the published code (zhaoyue-zephyrus/bsq-vit, 37d212d) with equal seeded weights of the whole 18-bit
network (309 tensors with two buffers, 174.8 M parameters) on a CPU, two images of 256 pixels: all of 2,048 indices
equal (799 distinct), reconstructions within 9e-7 in [0, 1]; of the 36-bit network all of 73,728 bits equal, 9.3e-7.
The published code sums indices in float32, which has no room for 36 bits: compare bits there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, UsageError
from vtbench.networks.binary import to_bits, to_signs
from vtbench.tokenizers.published.base import OfficialTokenizer, Source
from vtbench.tokenizers.published.bsq_vit.geometry import Geometry

if TYPE_CHECKING:
    from torch import Tensor


class BsqVit(OfficialTokenizer):
    """The sign of each latent is a bit; the published index counts the first as the highest, ``Codes.bits`` the lowest
    bit first.

    Args:
        bits: bits a token.
        size: side of the images, in pixels; positions are learnt, so it is fixed.
        patch: side of a patch.
        width: of the transformers.
        layers: blocks of each.
        heads: attention heads.
        hidden: width of the layer before the pixels.
        weights: ``"ema"``, the averaged ones, or ``"raw"``, those of the last step. Published files hold both. A
            converted one holds one of them, which its names tell; bare names are taken for what is asked.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "bsq-vit"
    citation = "Zhao et al., Image and Video Tokenization with Binary Spherical Quantization, 2406.07548"
    ignore_unexpected = ("quantize.basis", "quantize.group_basis")  # follow from the number of bits
    entry_argument = "weights"
    wrappers_count = True
    channels_last = False
    shrunken: ClassVar[dict[str, Any]] = {
        **{"bits": 6, "size": 32, "patch": 8},
        **{"width": 32, "layers": 1, "heads": 2, "hidden": 64},
    }

    def __init__(
        self,
        bits: int = 18,
        size: int = 256,
        patch: int = 8,
        width: int = 768,
        layers: int = 12,
        heads: int = 12,
        hidden: int = 3072,
        weights: str = "ema",
        **where: Unpack[WeightsFrom],
    ) -> None:
        if weights not in ("ema", "raw"):
            raise UsageError(f"bsq-vit has no weights {weights!r}", "weights=ema or weights=raw")
        self._averaged = weights == "ema"
        self.keys = ("ema_state_dict",) if self._averaged else ("state_dict",)
        geometry = Geometry(bits=bits, size=size, patch=patch, width=width, layers=layers, heads=heads, hidden=hidden)
        self._grid = geometry.grid
        self._setup(
            lambda: _network(geometry),
            Source(**where),
            kind="discrete",
            codebook_sizes=(2**bits,),
            downsample_factor=patch,
            native_size=size,
            fixed_size=True,
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        # wrapped for parallel training, and once more where averaged
        wrappers = min(name.startswith("module.") + name.startswith("module.module.") for name in state)
        if wrappers and self._averaged != (wrappers == 2):
            raise _other_weights(self._averaged)
        bare = {name.removeprefix("module.").removeprefix("module."): tensor for name, tensor in state.items()}
        return {name: tensor for name, tensor in bare.items() if name not in self.ignore_unexpected}

    def _encode(self, images: Tensor) -> Codes:
        latents = self._network.quant_embed(self._network.encoder(images))
        grid = latents.transpose(1, 2).unflatten(2, (self._grid, self._grid))
        return Codes(bits=(to_bits(grid, first_is_highest=True),))

    def _decode(self, codes: Codes) -> Tensor:
        signs = to_signs(codes.bits[0], self._dtype, first_is_highest=True).flatten(2).transpose(1, 2)
        on_sphere = signs / signs.shape[-1] ** 0.5
        output: Tensor = self._network.decoder(self._network.post_quant_embed(on_sphere))
        return output.clamp(-1, 1)


def _other_weights(averaged: bool) -> AdapterError:
    held, wanted, entry = ("raw", "averaged", "ema_state_dict") if averaged else ("averaged", "raw", "state_dict")
    return AdapterError(
        f"bsq-vit: the file holds {held} weights, {wanted} ones are asked for",
        f"weights={'raw' if averaged else 'ema'}; or vtbench fetch --convert IN OUT.safetensors --entry {entry}",
    )


def _network(geometry: Geometry) -> Any:
    from vtbench.tokenizers.published.bsq_vit.network import Network

    return Network(geometry)
