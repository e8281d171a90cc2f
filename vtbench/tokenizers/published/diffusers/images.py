"""The classes of diffusers that are named most: ``diffusers-kl``, ``-tiny``, ``-dc`` and ``-vq``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtbench.core.codes import Codes
from vtbench.networks.nearest import nearest_codes
from vtbench.tokenizers.published.diffusers.adapter import DiffusersAutoencoder

if TYPE_CHECKING:
    from torch import Tensor


class DiffusersKL(DiffusersAutoencoder):
    """``AutoencoderKL`` (Stable Diffusion, FLUX.1 and others); the code is the mode of the posterior, never a sample.

    A configuration with ``force_upcast`` overflows in float16: use float32 or bfloat16.
    """

    adapter = "diffusers-kl"
    class_name = "AutoencoderKL"
    family = "kl-vae"
    citation = "Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, 2112.10752"


class DiffusersTiny(DiffusersAutoencoder):
    """``AutoencoderTiny`` (TAESD); in diffusers its interface is [-1, 1] too.

    Its ``forward`` also rounds the latents to 8 bits, which ``encode`` and ``decode`` do not; neither does this.
    """

    adapter = "diffusers-tiny"
    class_name = "AutoencoderTiny"
    family = "tiny-ae"
    citation = "Bohan, TAESD, https://github.com/madebyollin/taesd"


class DiffusersDC(DiffusersAutoencoder):
    """``AutoencoderDC``, the deep compression autoencoder."""

    adapter = "diffusers-dc"
    class_name = "AutoencoderDC"
    family = "dc-ae"
    citation = "Chen et al., Deep Compression Autoencoder for Efficient High-Resolution Diffusion Models, 2410.10733"


class DiffusersVQ(DiffusersAutoencoder):
    """``VQModel``: codes are the indices of the nearest codebook entries, found in float32 whatever the precision."""

    adapter = "diffusers-vq"
    class_name = "VQModel"
    family = "vq"
    citation = "Esser et al., Taming Transformers for High-Resolution Image Synthesis, 2012.09841"

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to one level ``int64 [B,ceil(H/f),ceil(W/f)]``."""
        import torch

        entries = self._model.quantize.embedding.weight
        with torch.inference_mode():
            indices = nearest_codes(self._latents(self._prepare(images)), entries)
        return Codes(levels=(indices,), image_size=(images.shape[-2], images.shape[-1]))

    def codebook(self, level: int) -> Tensor:
        """Entries, ``float [K,D]``."""
        rows: Tensor = self._model.quantize.embedding.weight
        return rows

    def decode(self, codes: Codes) -> Tensor:
        """Indices to ``float32 [B,3,H,W]``; may leave [0, 1]."""
        import torch

        (indices,) = codes.levels
        shape = (*indices.shape, self._model.quantize.vq_embed_dim)
        flat = indices.flatten()
        with torch.inference_mode():
            if self._model.config["lookup_from_codebook"]:
                output = self._model.decode(flat, force_not_quantize=True, shape=shape).sample
            else:
                entries = self._model.quantize.get_codebook_entry(flat, shape)
                output = self._model.decode(entries, force_not_quantize=True).sample
            return self._finish(output, codes)

    def _codebook_sizes(self) -> tuple[int, ...]:
        return (int(self._model.config["num_vq_embeddings"]),)
