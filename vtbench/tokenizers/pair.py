"""One tokenizer's encoder with another's decoder, ``pair``: what does this decoder lose, in one ``compare``."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vtbench.checkpoints.cards import load_cards
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.core.info import TokenizerInfo
from vtbench.core.naming.reference import parse_reference
from vtbench.core.pixels import pad_to_stride
from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.resolve import expand, resolve_tokenizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class Pair:
    """Images to the codes of ``encoder``, and those to images by ``decoder``.

    Latents cross as their denoiser sees them: each autoencoder states what its pipeline does to them before they are
    denoised, so that TAESD's, which are scaled, decode Stable Diffusion's, which are not. Where both do the same, codes
    cross untouched. Codes are counted as the encoder gives them.

    Args:
        encoder: name of a card or a registered tokenizer, with its arguments, as ``'sd-vae,checkpoint=DIR'``.
        decoder: the same. Cards must have the same ``code_space``; of others nothing but the shape of the codes is
            known, which is told in the notes.

    Raises:
        UsageError: code of somebody else's, a model without codes, or two that do not share them.
        AssetMissingError, AdapterError: one of the two cannot be made.
    """

    def __init__(self, encoder: str, decoder: str) -> None:
        spaces = _space(encoder), _space(decoder)
        _refuse_strangers((encoder, decoder), spaces)
        self._encoder, self._decoder = _part(encoder), _part(decoder)
        ours, theirs = self._encoder.info, self._decoder.info
        _refuse_shapes(ours, theirs)
        _refuse_channels(ours.name, theirs.name, self._parts, self._ways)
        self._turns = _differ(*self._ways)
        self._stride = self._common_stride()
        self.info = _joined(ours, theirs)
        told = (f"{part.info.name}: {note}" for part in self._parts for note in getattr(part, "notes", ()))
        unknown = None in spaces and "nothing says that encoder and decoder share codes, only that the shapes agree"
        self.notes = (*told, *((unknown,) if unknown else ()), *self._crossing())

    @property
    def _parts(self) -> tuple[Any, Any]:
        return self._encoder, self._decoder

    @property
    def _ways(self) -> tuple[Any, Any]:
        """From the latents of each to those that its denoiser sees; ``None`` where it does not tell."""
        encoder, decoder = (getattr(part, "to_denoiser", None) for part in self._parts)
        return encoder, decoder

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move both and choose their precision; returns itself."""
        self._encoder, self._decoder = (part.to(device=device, dtype=dtype) for part in self._parts)
        return self

    def encode(self, images: Tensor, seeds: Tensor | None = None) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to the encoder's codes; ``seeds`` (``int64 [B]``) where one draws."""
        fixed = self.info.fixed_size
        given = images if fixed else pad_to_stride(images, self._stride)
        codes: Codes = self._encoder.encode(given, **_seeds(self._encoder.info, seeds))
        return replace(codes, image_size=(images.shape[-2], images.shape[-1]))

    def decode(self, codes: Codes, seeds: Tensor | None = None) -> Tensor:
        """Codes to ``float32 [B,3,H,W]`` of the size that was encoded; may leave [0, 1]."""
        pixels: Tensor = self._decoder.decode(self._crossed(codes), **_seeds(self._decoder.info, seeds))
        return pixels

    def _crossed(self, codes: Codes) -> Codes:
        before, after = self._ways
        if codes.latents is None or not self._turns:
            return codes
        return replace(codes, latents=after.undo(before.apply(codes.latents)))

    def _crossing(self) -> tuple[str, ...]:
        how = "latents cross as their denoiser sees them: normalised by the encoder's pipeline, undone by the other's"
        return (how,) if self._turns else ()

    def _common_stride(self) -> int:
        """Pixels of the smallest square that both take whole, patches of latents included."""
        factors = (max(1, part.info.downsample_factor) for part in self._parts)
        patches = (way.patch for way in self._ways) if self._turns else (1, 1)
        return math.lcm(*(factor * patch for factor, patch in zip(factors, patches, strict=True)))


def _part(reference: str) -> Any:
    target = expand(parse_reference(reference)).target
    if TOKENIZERS.location(target) is not None:
        raise UsageError(
            f"pair takes vtbench's own tokenizers, not {target}",
            "only those tell what their latents mean; put both halves into a class of your own",
        )
    made = resolve_tokenizer(reference)
    if not hasattr(made, "encode") or not hasattr(made, "decode"):
        raise UsageError(f"{reference} has no codes that another could decode")
    return made


def _space(reference: str) -> str | None:
    """The name of its codes, where a card tells it."""
    card = load_cards().get(parse_reference(reference).target)
    return None if card is None else card.code_space or card.name


def _refuse_strangers(references: tuple[str, str], spaces: tuple[str | None, str | None]) -> None:
    encoder, decoder = spaces
    if encoder is None or decoder is None or encoder == decoder:
        return
    sharing = [name for name, card in load_cards().items() if card.checkpoint and (card.code_space or name) == encoder]
    raise UsageError(
        f"{references[1]} does not decode the codes of {references[0]}: they are other codes",
        f"those of {references[0]} are decoded by {', '.join(sharing)}",
    )


def _refuse_shapes(ours: TokenizerInfo, theirs: TokenizerInfo) -> None:
    names = f"{theirs.name} does not decode the codes of {ours.name}"
    if "codec" in (ours.kind, theirs.kind):
        raise UsageError(f"{names}: the bytes of a codec are for that codec")
    if ours.kind != theirs.kind:
        raise UsageError(f"{names}: one is {ours.kind}, the other {theirs.kind}")
    if ours.codebook_sizes != theirs.codebook_sizes:
        sizes = f"codebooks of {list(ours.codebook_sizes)} and {list(theirs.codebook_sizes)}"
        raise UsageError(f"{names}: {sizes}")
    if ours.kind == "discrete" and ours.downsample_factor != theirs.downsample_factor:
        raise UsageError(f"{names}: {ours.downsample_factor} and {theirs.downsample_factor} pixels a position")
    sides = {info.native_size for info in (ours, theirs) if info.fixed_size}
    if len(sides) > 1:
        raise UsageError(f"{names}: they run at {' and '.join(map(str, sorted(map(int, filter(None, sides)))))} pixels")


def _refuse_channels(encoder: str, decoder: str, parts: tuple[Any, Any], ways: tuple[Any, Any]) -> None:
    """Latents must be equally many, at equally many pixels a position, once both are as a denoiser sees them."""
    if None in ways:
        return
    seen = [
        (part.latent_channels * way.patch**2, part.info.downsample_factor * way.patch)
        for part, way in zip(parts, ways, strict=True)
    ]
    if seen[0] != seen[1]:
        shapes = " and ".join(f"{channels} channels every {pixels} pixels" for channels, pixels in seen)
        raise UsageError(f"{decoder} does not decode the codes of {encoder}: {shapes}")


def _differ(before: Any, after: Any) -> bool:
    """Whether latents are changed on the way."""
    return before is not None and after is not None and not before.equals(after)


def _joined(ours: TokenizerInfo, theirs: TokenizerInfo) -> TokenizerInfo:
    fixed = next((info for info in (ours, theirs) if info.fixed_size), None)
    weights = {(file.name, file.sha256): file for file in (*ours.weights, *theirs.weights)}
    return replace(
        ours,
        name=f"{ours.name}-to-{theirs.name}",
        family="pair",
        revision="+".join(dict.fromkeys(filter(None, (ours.revision, theirs.revision)))),
        fixed_size=fixed is not None,
        native_size=(fixed or ours).native_size,
        stochastic=ours.stochastic or theirs.stochastic,
        weights=tuple(weights.values()),
        licence="; ".join(dict.fromkeys(filter(None, (ours.licence, theirs.licence)))),
        citation="; ".join(dict.fromkeys(filter(None, (ours.citation, theirs.citation)))),
    )


def _seeds(info: TokenizerInfo, seeds: Tensor | None) -> dict[str, Tensor]:
    if not info.stochastic:
        return {}
    if seeds is None:
        raise UsageError(f"{info.name} draws random numbers", "give seeds=, int64 [B]")
    return {"seeds": seeds}
