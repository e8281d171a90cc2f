"""The tokenizer that a published generator draws for: made from its name, and held against what is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.core.naming.reference import parse_reference
from vtbench.tokenizers.resolve import resolve_tokenizer

if TYPE_CHECKING:
    from vtbench.checkpoints.cards import GeneratorCard


@dataclass(frozen=True)
class Latents:
    """Tokens that are values instead of entries of a codebook.

    Attributes:
        channels: values of a token.
        scale: of a token, over what its tokenizer encodes and decodes.
    """

    channels: int
    scale: float = 1.0


def require_fit(tokenizer: Any, wanted: int | Latents, family: str) -> None:
    """Refuse a tokenizer that takes no such tokens; channels that it does not tell may fit.

    Args:
        tokenizer: with its ``info`` and, of a continuous one, ``latent_channels`` where it tells them.
        wanted: entries of the one codebook, or what latents are.
        family: of the generator, for messages.

    Raises:
        AdapterError: it has another codebook, or several, or none; or latents of other channels.
    """
    if isinstance(wanted, Latents):
        fits = tokenizer.info.kind == "continuous" and _channels(tokenizer) in (None, wanted.channels)
        draws = f"latents of {wanted.channels} channels"
    else:
        fits = tuple(tokenizer.info.codebook_sizes) == (wanted,)
        draws = f"tokens of {wanted} entries"
    if not fits:
        raise AdapterError(
            f"{family} draws {draws}; the tokenizer {tokenizer.info.name} has {_told(tokenizer)}",
            "leave tokenizer= out, or name the one that the generator was trained on",
        )


def _told(tokenizer: Any) -> str:
    sizes = tuple(tokenizer.info.codebook_sizes)
    if len(sizes) == 1:
        return f"a codebook of {sizes[0]}"
    if sizes:
        return f"codebooks {sizes}"
    channels = _channels(tokenizer)
    return "no codebook" if channels is None else f"latents of {channels}"


def _channels(tokenizer: Any) -> int | None:
    found: int | None = getattr(tokenizer, "latent_channels", None)
    return found


def tokenizer_of(reference: str, family: str, card: GeneratorCard | None) -> Any:
    """The tokenizer; where its weights cannot be had, that is told as the generator's want.

    Raises:
        AssetMissingError: with how to give it to the generator.
    """
    try:
        return resolve_tokenizer(reference)
    except AssetMissingError as error:
        generator, name = family if card is None else card.name, parse_reference(reference).target
        fetch = (
            f"vtbench fetch {generator} gets both" if card and card.tokenizer == reference else f"vtbench fetch {name}"
        )
        raise AssetMissingError(
            f"{generator} cannot be run without its tokenizer: {error.what}",
            f"{fetch}; or give it: {generator},tokenizer='{name},checkpoint=FILE'",
        ) from error
