"""``diffusers-fsq``: VidTok with finite scalar quantisation, whose codes are indices; fed one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.checkpoints.pretrained import Checkpoint
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.tokenizers.published.diffusers.adapter import DiffusersAutoencoder
from vtbench.tokenizers.published.diffusers.interface import Interface
from vtbench.tokenizers.published.diffusers.normalisation import plain

if TYPE_CHECKING:
    from torch import Tensor


class DiffusersFSQ(DiffusersAutoencoder):
    """``AutoencoderVidTok`` with ``regularizer: fsq``: 8 levels a channel, one index a position.

    The image is repeated, as the ``forward`` of a causal model repeats the first frame: ``temporal_compression_ratio``
    frames give one position in time, and one frame comes back.

    Args:
        folder: where it lies.

    Raises:
        AssetMissingError, UsageError, AdapterError: as :class:`~.adapter.DiffusersAutoencoder`.
    """

    adapter = "diffusers-fsq"
    class_name = "AutoencoderVidTok"
    family = "fsq"
    citation = "Tang et al., VidTok: A Versatile and Open-Source Video Tokenizer, 2412.13061"

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to one level ``int64 [B,ceil(H/f),ceil(W/f)]``."""
        import torch

        with torch.inference_mode():
            _, indices = self._model.encode(self._interface.given(self._prepare(images)))
        level = indices.long().squeeze(1)  # [B,1,h,w]: one position in time
        return Codes(levels=(level,), image_size=(images.shape[-2], images.shape[-1]))

    def decode(self, codes: Codes) -> Tensor:
        """Indices to ``float32 [B,3,H,W]``; may leave [0, 1]."""
        import torch

        (indices,) = codes.levels
        with torch.inference_mode():
            output = self._model.decode(indices.unsqueeze(1).int(), decode_from_indices=True)
            return self._finish(self._interface.pixels(output), codes)

    def _class_of(self, found: Checkpoint) -> str:
        name = super()._class_of(found)
        if found.config.get("regularizer", "kl") != "fsq":
            raise UsageError(f"{found.source}: its latents are not quantised", "use diffusers")
        if not found.config.get("is_causal", True):
            raise UsageError(f"{found.source}: a model that is not causal takes no single image")
        return name

    def _look_at(self, network: Any) -> None:
        frames, channels = int(network.temporal_compression_ratio), int(network.config["z_channels"])
        self._stride = 2 ** len(network.encoder.spatial_ds)
        self._interface = Interface(frames=frames, factor=self._stride, channels=channels)
        self.normalisation = plain()  # indices are not scaled

    def _codebook_sizes(self) -> tuple[int, ...]:
        return (int(self._model.config["codebook_size"]),)
