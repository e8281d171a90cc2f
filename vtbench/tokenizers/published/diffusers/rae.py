"""``diffusers-rae``: representation autoencoders, whose encoder is a frozen vision transformer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError
from vtbench.tokenizers.published.diffusers.adapter import DiffusersAutoencoder, FolderFrom
from vtbench.tokenizers.published.diffusers.interface import Interface
from vtbench.tokenizers.published.diffusers.normalisation import plain

if TYPE_CHECKING:
    from torch import Tensor


class DiffusersRAE(DiffusersAutoencoder):
    """``AutoencoderRAE``: images in [0, 1] of the one size that its decoder gives.

    The class itself resizes them to what its encoder reads (224 pixels for DINOv2 at 256), bicubic without
    antialiasing: that is part of the tokenizer, and told in the notes. Images of another size are resized by the
    runner, in and back. Its latents are already normalised by statistics in the weights.

    Args:
        folder: where it lies.

    Raises:
        AssetMissingError, UsageError, AdapterError: as :class:`~.adapter.DiffusersAutoencoder`.
    """

    adapter = "diffusers-rae"
    class_name = "AutoencoderRAE"
    family = "rae"
    citation = "Zheng et al., Diffusion Transformers with Representation Autoencoders, 2510.11690"

    def __init__(self, **folder: Unpack[FolderFrom]) -> None:
        super().__init__(**folder)
        side, seen = int(self._model.decoder_image_size), int(self._model.encoder_input_size)
        self.info = replace(self.info, native_size=side, fixed_size=True)
        if seen != side:
            told = f"its encoder reads {seen}x{seen} of {side}x{side}: bicubic, not antialiased, by the class itself"
            self.notes = (*self.notes, told)

    def _look_at(self, network: Any) -> None:
        config = network.config
        if not config["reshape_to_2d"] or config["num_channels"] != 3:
            raise AdapterError(f"{self.source}: its latents are no grid, or its images not RGB")
        self._stride = int(config["patch_size"])
        self._interface = Interface(factor=self._stride, channels=int(config["encoder_hidden_size"]))
        self.normalisation = plain()  # encode gives what a denoiser sees

    def _prepare(self, images: Tensor) -> Tensor:
        side = self.info.native_size
        if images.shape[-2:] != (side, side):
            raise AdapterError(f"{self.info.name} takes {side} pixels a side, got {tuple(images.shape[-2:])}")
        prepared: Tensor = images.to(self._model.dtype)
        return prepared

    def _finish(self, output: Tensor, codes: Codes) -> Tensor:
        return output.float().contiguous()
