"""``diffusers``: any autoencoder class of the library, by the name in its configuration."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.pretrained import Checkpoint
from vtbench.core.codes import Codes
from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.core.extras import install_extra
from vtbench.tokenizers.published.diffusers.adapter import ADAPTERS, DiffusersAutoencoder, FolderFrom
from vtbench.tokenizers.published.diffusers.normalisation import Normalisation, plain

if TYPE_CHECKING:
    from torch import Tensor


class AnyDiffusers(DiffusersAutoencoder):
    """Any class with ``encode`` and ``decode`` for images, or for videos, which is then fed one frame.

    How it is called is found by trying (:mod:`.interface`); whether it keeps the contract says ``vtbench doctor``.
    Video autoencoders: the image is the first frame, whose latents have one position in time. Where the network sees
    opacity beside RGB (Qwen-Image-2.1 and -Layered), images are opaque, as the pipeline makes them.

    Tried at random weights, small, in diffusers 0.42.1, each equal to the class's own ``decode(encode(frame).mode())``
    bit for bit at square, non-square and odd sizes: ``AutoencoderKLFlux2``, ``…QwenImage``, ``…QwenImage21``, ``…Wan``
    (2.1 and 2.2), ``…HunyuanVideo``, ``…HunyuanVideo15``, ``…HunyuanImage``, ``…LTXVideo``, ``…LTX2Video``, ``…KVAE``,
    ``…KVAEVideo``, ``…Cosmos``, ``…Magvit``, ``…Mochi``, ``…CogVideoX``, ``…TemporalDecoder``, ``AutoencoderVidTok``
    with KL, ``AsymmetricAutoencoderKL``.

    Args:
        class_name: of the library; the folder's ``_class_name`` unless given, and both must agree.
        latents: ``raw`` is what ``encode`` gives; ``normalised`` what the pipeline's denoiser sees: scaled by the
            configuration's statistics, for FLUX.2 in patches of 2x2 by those of its batch normalisation.
        folder: where it lies.

    Raises:
        AssetMissingError, UsageError, AdapterError: as :class:`~.adapter.DiffusersAutoencoder`.
    """

    adapter = "diffusers"
    family = "diffusers"

    def __init__(
        self,
        class_name: str | None = None,
        latents: Literal["raw", "normalised"] = "raw",
        **folder: Unpack[FolderFrom],
    ) -> None:
        self._named, self._normalised = class_name, latents == "normalised"
        super().__init__(**folder)

    @property
    def latent_channels(self) -> int:
        """Of a position of the codes."""
        return super().latent_channels * (self.normalisation.patch**2 if self._normalised else 1)

    @property
    def to_denoiser(self) -> Normalisation:
        """From the codes of :meth:`encode` to the latents that a denoiser sees."""
        return plain() if self._normalised else self.normalisation

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to latents ``[B,C,ceil(H/f),ceil(W/f)]`` in the network's precision."""
        codes = super().encode(images)
        if not self._normalised:
            return codes
        assert codes.latents is not None
        return Codes(latents=self.normalisation.apply(codes.latents), image_size=codes.image_size)

    def decode(self, codes: Codes) -> Tensor:
        """Latents to ``float32 [B,3,H,W]``; may leave [0, 1]."""
        if self._normalised:
            assert codes.latents is not None
            codes = Codes(latents=self.normalisation.undo(codes.latents), image_size=codes.image_size)
        return super().decode(codes)

    def _class_of(self, found: Checkpoint) -> str:
        stated = found.config.get("_class_name")
        name = self._named or stated
        if name is None:
            raise UsageError(f"{found.source} does not say of which class it is", "give class_name=NAME")
        if stated is not None and stated != name:
            raise UsageError(f"{found.source} is a {stated}, not a {name}", "leave class_name out, or give its own")
        if name in ("VQModel", "AutoencoderRAE"):
            raise UsageError(f"{found.source} is a {name}", f"use {ADAPTERS[name]}")
        if name not in autoencoder_names():
            close = difflib.get_close_matches(name, autoencoder_names(), n=2, cutoff=0.6)
            hint = f"did you mean {' or '.join(close)}?" if close else f"it has: {', '.join(autoencoder_names())}"
            raise UsageError(f"diffusers has no autoencoder called {name}", hint)
        return str(name)

    def _look_at(self, network: Any) -> None:
        super()._look_at(network)
        if self._normalised:
            self._stride *= self.normalisation.patch


def autoencoder_names() -> list[str]:
    """Classes of the installed diffusers that encode and decode one thing, most of them images or videos; sorted.

    Raises:
        AssetMissingError: diffusers is not installed.
    """
    try:
        import diffusers.models.autoencoders as library
    except ImportError as error:
        raise AssetMissingError("diffusers is not installed", install_extra("hub")) from error
    kinds = ((name, getattr(library, name)) for name in dir(library))
    return sorted(
        name
        for name, kind in kinds
        if inspect.isclass(kind) and all(hasattr(kind, method) for method in ("from_config", "encode", "decode"))
    )
