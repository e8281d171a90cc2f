"""Published checkpoints: the folder of a diffusers one, as the user or its card names it; and fetching any of them."""

from __future__ import annotations

from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.cards import Card, CardCheckpoint
from vtbench.tokenizers.official_files import Located, at_hand, locate_official
from vtbench.tokenizers.pretrained import CONFIG, Checkpoint, locate


def locate_published(
    card: Card | None, path: str | None, subfolder: str | None, revision: str | None, variant: str | None
) -> Checkpoint:
    """Find a checkpoint; what the user gave comes before what the card says.

    Args:
        card: the card, if one was named.
        path: local folder or hub id; the card's unless given.
        subfolder: folder inside it. A local folder that holds the configuration itself is taken without.
        revision: branch, tag or commit.
        variant: e.g. ``fp16``.

    Raises:
        UsageError: neither a path nor a card with a checkpoint.
        AssetMissingError: as :func:`vtbench.tokenizers.pretrained.locate`; a gated repository is told as one.
    """
    published = card.checkpoint if card is not None else None
    if path is not None:
        return locate(path, subfolder=subfolder, revision=revision, variant=variant)
    if card is None or published is None:
        raise UsageError("a diffusers autoencoder needs its checkpoint", "path=DIR, path=owner/name, or name a card")
    return _of_card(card, published, revision or published.revision, variant or published.variant)


def _of_card(card: Card, published: CardCheckpoint, revision: str | None, variant: str | None) -> Checkpoint:
    local = at_hand(card)
    if local is not None:
        nested = published.folder and not (local / CONFIG).is_file()
        return locate(str(local), subfolder=published.folder if nested else None, revision=None, variant=variant)
    try:
        return locate(published.hub, subfolder=published.folder or None, revision=revision, variant=variant)
    except AssetMissingError as error:
        gate = " (gated: the hub asks for an account and for consent to its licence)" if card.gated else ""
        raise AssetMissingError(f"{card.name}: {error.what}{gate}", error.hint) from error


def fetch_card(card: Card) -> list[Located]:
    """The card's checkpoint, its file or folder, and what its family reads beside it; fetched where not at hand.

    Of a folder, the SHA-256 is that of its first file.

    Raises:
        UsageError: the card has no checkpoint.
        AssetMissingError: it cannot be had.
    """
    if card.checkpoint is None:
        raise UsageError(f"{card.name} has no weights", "it needs no fetching")
    if card.checkpoint.file:
        return [locate_official(None, card), *TOKENIZERS.load(card.target).beside()]
    found = _of_card(card, card.checkpoint, card.checkpoint.revision, card.checkpoint.variant)
    return [Located(found.folder, found.weights()[0].sha256, found.source)]
