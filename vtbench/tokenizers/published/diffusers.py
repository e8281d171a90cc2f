"""Autoencoders of the diffusers library: ``diffusers-kl``, ``-tiny``, ``-dc`` and ``-vq``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.checkpoints.cards import find_card
from vtbench.checkpoints.diffusers import load_network
from vtbench.checkpoints.pretrained import Checkpoint
from vtbench.checkpoints.published import locate_published
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.info import TokenizerInfo
from vtbench.core.pixels import pad_to_stride
from vtbench.networks.nearest import nearest_codes
from vtbench.tokenizers.switches import compiled

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

ADAPTERS = {
    "AutoencoderKL": "diffusers-kl",
    "AutoencoderTiny": "diffusers-tiny",
    "AutoencoderDC": "diffusers-dc",
    "VQModel": "diffusers-vq",
}


class DiffusersAutoencoder:
    """What the four share: loading, the value range [-1, 1], padding to the stride, device and precision.

    Latents are what ``encode`` gives. The scaling and shift factors of the configuration prepare them for a diffusion
    model and are undone before decoding, so they cancel and are left out.

    Args:
        path: local folder or hub id (``owner/name``).
        subfolder: folder inside it, e.g. ``vae``.
        revision: branch, tag or commit on the hub.
        variant: e.g. ``fp16``.
        checkpoint: local folder instead of the card's.
        card: name of the card whose checkpoint and description are used.

    Raises:
        AssetMissingError: diffusers is not installed, or the checkpoint cannot be had or is a pickle.
        UsageError: the checkpoint is of another class.
        AdapterError: keys or tensors that the class has no use for or lacks, or a model that is not for RGB images.
    """

    class_name: str
    family: str
    citation: str
    stages: str  # configuration entry with one item a resolution; each but one halves the sides

    def __init__(
        self,
        path: str | None = None,
        subfolder: str | None = None,
        revision: str | None = None,
        variant: str | None = None,
        checkpoint: str | None = None,
        card: str | None = None,
    ) -> None:
        import torch

        known = None if card is None else find_card(card)
        found = locate_published(known, checkpoint or path, subfolder, revision, variant)
        _check_class(found, self.class_name)
        network, self.notes = load_network(found, self.class_name, ADAPTERS[self.class_name])
        self._model = network.to(memory_format=torch.channels_last)
        self._stride = 2 ** (len(self._model.config[self.stages]) - 1)
        sizes = self._codebook_sizes()
        self.info = TokenizerInfo(
            name=ADAPTERS[self.class_name] if known is None else known.name,
            kind="discrete" if sizes else "continuous",
            family=self.family,
            revision=found.revision,
            codebook_sizes=sizes,
            downsample_factor=self._stride,
            native_size=None if known is None else known.native_size,
            weights=found.weights(),
            licence="" if known is None else known.licence,
            citation=(known.citation if known else "") or self.citation,
        )

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the network and choose its precision; returns itself."""
        changes: dict[str, Any] = {} if device is None else {"device": device}
        if dtype not in (None, self._model.dtype):  # the library warns of any cast, even of one that changes nothing
            changes["dtype"] = dtype
        self._model = self._model.to(**changes) if changes else self._model
        return self

    def compile(self, backend: str = "inductor") -> None:
        """Run encoder and decoder through ``torch.compile``; raises ``UsageError`` for an unknown backend."""
        compiled(self._model, ("encode", "decode"), backend)

    def enable_tiles(self) -> None:
        """Let the library work on overlapping tiles of images larger than the network was made for.

        Raises:
            UsageError: the class has no tiles.
        """
        if not hasattr(self._model, "enable_tiling"):
            raise UsageError(f"{self.class_name} cannot work in tiles", "--dtype bfloat16 halves the memory")
        self._model.enable_tiling()

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to latents ``[B,C,ceil(H/f),ceil(W/f)]`` in the network's precision."""
        import torch

        with torch.inference_mode():
            return Codes(latents=self._latents(self._prepare(images)), image_size=_size(images))

    def decode(self, codes: Codes) -> Tensor:
        """Latents to ``float32 [B,3,H,W]``; may leave [0, 1]."""
        import torch

        assert codes.latents is not None
        with torch.inference_mode():
            return self._finish(self._model.decode(codes.latents.to(self._model.dtype)).sample, codes)

    def _latents(self, images: Tensor) -> Tensor:
        latents: Tensor = self._model.encode(images).latents
        return latents

    def _codebook_sizes(self) -> tuple[int, ...]:
        return ()

    def _prepare(self, images: Tensor) -> Tensor:
        import torch

        padded = pad_to_stride(images, self._stride)
        return padded.mul(2.0).sub(1.0).to(self._model.dtype, memory_format=torch.channels_last)

    def _finish(self, output: Tensor, codes: Codes) -> Tensor:
        height, width = codes.image_size or output.shape[-2:]
        return output[..., :height, :width].float().add(1.0).div(2.0).contiguous()


class DiffusersKL(DiffusersAutoencoder):
    """``AutoencoderKL`` (Stable Diffusion, FLUX and others); the code is the mode of the posterior, never a sample.

    A configuration with ``force_upcast`` overflows in float16: use float32 or bfloat16.
    """

    class_name = "AutoencoderKL"
    family = "kl-vae"
    citation = "Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, 2112.10752"
    stages = "block_out_channels"

    def _latents(self, images: Tensor) -> Tensor:
        mode: Tensor = self._model.encode(images).latent_dist.mode()
        return mode


class DiffusersTiny(DiffusersAutoencoder):
    """``AutoencoderTiny`` (TAESD); in diffusers its interface is [-1, 1] too.

    Its ``forward`` also rounds the latents to 8 bits, which ``encode`` and ``decode`` do not; neither does this.
    """

    class_name = "AutoencoderTiny"
    family = "tiny-ae"
    citation = "Bohan, TAESD, https://github.com/madebyollin/taesd"
    stages = "num_encoder_blocks"


class DiffusersDC(DiffusersAutoencoder):
    """``AutoencoderDC``, the deep compression autoencoder."""

    class_name = "AutoencoderDC"
    family = "dc-ae"
    citation = "Chen et al., Deep Compression Autoencoder for Efficient High-Resolution Diffusion Models, 2410.10733"
    stages = "encoder_block_out_channels"

    def _latents(self, images: Tensor) -> Tensor:
        latent: Tensor = self._model.encode(images).latent
        return latent


class DiffusersVQ(DiffusersAutoencoder):
    """``VQModel``: codes are the indices of the nearest codebook entries, found in float32 whatever the precision."""

    class_name = "VQModel"
    family = "vq"
    citation = "Esser et al., Taming Transformers for High-Resolution Image Synthesis, 2012.09841"
    stages = "block_out_channels"

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to one level ``int64 [B,ceil(H/f),ceil(W/f)]``."""
        import torch

        entries = self._model.quantize.embedding.weight
        with torch.inference_mode():
            indices = nearest_codes(self._latents(self._prepare(images)), entries)
        return Codes(levels=(indices,), image_size=_size(images))

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


def _check_class(checkpoint: Checkpoint, expected: str) -> None:
    found = str(checkpoint.config.get("_class_name", expected))
    if found != expected:
        hint = f"use {ADAPTERS[found]}" if found in ADAPTERS else f"known: {', '.join(ADAPTERS)}"
        raise UsageError(f"{checkpoint.source} is a {found}, not a {expected}", hint)
    channels = [checkpoint.config.get(key, 3) for key in ("in_channels", "out_channels")]
    if any(number != 3 for number in channels):
        told = " and ".join(dict.fromkeys(map(str, channels)))
        raise AdapterError(f"{checkpoint.source}: {told} channels, not RGB images")


def _size(images: Tensor) -> tuple[int, int]:
    return images.shape[-2], images.shape[-1]
