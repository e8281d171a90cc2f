"""What the adapters of diffusers share: loading, the value range, padding, precision, tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import TypedDict, Unpack

from vtbench.checkpoints.cards import find_card
from vtbench.checkpoints.diffusers import load_network
from vtbench.checkpoints.pretrained import Checkpoint
from vtbench.checkpoints.published import locate_published
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.info import TokenizerInfo
from vtbench.core.pixels import pad_to_stride
from vtbench.tokenizers.published.diffusers.interface import interface_of
from vtbench.tokenizers.published.diffusers.normalisation import Normalisation, normalisation_of
from vtbench.tokenizers.published.diffusers.tiles import turn_on_tiles
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
    "AutoencoderRAE": "diffusers-rae",
}
"""Classes with an adapter of their own; every other one is of ``diffusers``."""


class FolderFrom(TypedDict, total=False):
    """Where a folder of diffusers lies.

    Attributes:
        path: local folder or hub id (``owner/name``).
        subfolder: folder inside it, e.g. ``vae``.
        revision: branch, tag or commit on the hub.
        variant: e.g. ``fp16``.
        checkpoint: local folder instead of the card's.
        card: name of the card whose checkpoint and description are used.
    """

    path: str | None
    subfolder: str | None
    revision: str | None
    variant: str | None
    checkpoint: str | None
    card: str | None


class DiffusersAutoencoder:
    """Loading, the value range [-1, 1], padding to the stride, device and precision, for every class.

    Latents are what ``encode`` gives. What a pipeline does to them for its diffusion model (``normalisation``) is
    undone before decoding, so it cancels and is left out.

    Args:
        folder: where it lies; see :class:`FolderFrom`.

    Raises:
        AssetMissingError: diffusers is not installed, or the checkpoint cannot be had or is a pickle.
        UsageError: the checkpoint is of another class.
        AdapterError: keys or tensors that the class has no use for or lacks, or a model that is not for RGB images.
    """

    adapter: ClassVar[str]  # registered name
    class_name: ClassVar[str | None] = None  # of the library; None for the one that the folder names
    family: ClassVar[str]
    normalisation: Normalisation
    citation: ClassVar[str] = ""

    def __init__(self, **folder: Unpack[FolderFrom]) -> None:
        import torch

        known = None if folder.get("card") is None else find_card(str(folder["card"]))
        place = folder.get("checkpoint") or folder.get("path")
        found = locate_published(known, place, folder.get("subfolder"), folder.get("revision"), folder.get("variant"))
        class_name = self._class_of(found)
        _refuse_channels(found)
        network, self.notes = load_network(found, class_name, self.adapter)
        self.source = found.source
        self._look_at(network)
        flat = not self._interface.frames and all(weight.ndim < 5 for weight in network.parameters())
        self._layout = torch.channels_last if flat else torch.contiguous_format
        self._model = network.to(memory_format=self._layout)
        sizes = self._codebook_sizes()
        self.info = TokenizerInfo(
            name=self.adapter if known is None else known.name,
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
        self.normalisation = self.normalisation.on(self._model.device)
        return self

    def compile(self, backend: str = "inductor") -> None:
        """Run encoder and decoder through ``torch.compile``; raises ``UsageError`` for an unknown backend."""
        compiled(self._model, ("encode", "decode"), backend)

    def enable_tiles(self, side: int | None = None) -> None:
        """Let the library work on overlapping tiles of images larger than the network was made for.

        Args:
            side: of a tile, in pixels; the library's own unless given.

        Raises:
            UsageError: the class has no tiles, or none of this side.
        """
        pitch = turn_on_tiles(self._model, side, self._interface.factor)
        seams = f", seams every {pitch} pixels" if pitch else ""
        self.notes = (*self.notes, f"works in tiles of diffusers{seams}")

    @property
    def latent_channels(self) -> int:
        """Of a position of the codes."""
        return self._interface.channels

    @property
    def to_denoiser(self) -> Normalisation:
        """From the codes of :meth:`encode` to the latents that a denoiser sees."""
        return self.normalisation

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
            return self._finish(self._interface.decoded(self._model, codes.latents.to(self._model.dtype)), codes)

    def _class_of(self, found: Checkpoint) -> str:
        """The class of the library that the folder is of; raises ``UsageError`` where it is not this adapter's."""
        expected = self.class_name
        assert expected is not None
        named = str(found.config.get("_class_name", expected))
        if named != expected:
            raise UsageError(
                f"{found.source} is a {named}, not a {expected}", f"use {ADAPTERS.get(named, 'diffusers')}"
            )
        return named

    def _look_at(self, network: Any) -> None:
        """Find how the network is called, and how its latents are made ready for a denoiser."""
        self._interface = interface_of(network, self.source)
        self._stride = self._interface.factor
        self.normalisation = normalisation_of(network)

    def _latents(self, images: Tensor) -> Tensor:
        return self._interface.latents(self._model, images)

    def _codebook_sizes(self) -> tuple[int, ...]:
        return ()

    def _prepare(self, images: Tensor) -> Tensor:
        padded = pad_to_stride(images, self._stride)
        return padded.mul(2.0).sub(1.0).to(self._model.dtype, memory_format=self._layout)

    def _finish(self, output: Tensor, codes: Codes) -> Tensor:
        height, width = codes.image_size or output.shape[-2:]
        return output[..., :height, :width].float().add(1.0).div(2.0).contiguous()


def _refuse_channels(found: Checkpoint) -> None:
    """What is no number of channels cannot be built; whether a number is one of RGB images is seen by trying."""
    channels = [found.config.get(key, 3) for key in ("in_channels", "out_channels")]
    if any(not isinstance(number, int) for number in channels):
        told = " and ".join(dict.fromkeys(map(str, channels)))
        raise AdapterError(f"{found.source}: {told} channels, not RGB images")


def _size(images: Tensor) -> tuple[int, int]:
    return images.shape[-2], images.shape[-1]
