"""Where a published checkpoint lies that may be a folder (diffusers), as the user or its card names it."""

from __future__ import annotations

from vtbench.checkpoints.cards import CardCheckpoint, CommonCard
from vtbench.checkpoints.files import Located, at_hand, locate_official
from vtbench.checkpoints.pretrained import CONFIG, Checkpoint, locate
from vtbench.core.errors import AssetMissingError, UsageError


def locate_published(
    card: CommonCard | None, path: str | None, subfolder: str | None, revision: str | None, variant: str | None
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
        AssetMissingError: as :func:`vtbench.checkpoints.pretrained.locate`; a gated repository is told as one.
    """
    published = card.checkpoint if card is not None else None
    if path is not None:
        return locate(path, subfolder=subfolder, revision=revision, variant=variant)
    if card is None or published is None:
        raise UsageError("a diffusers autoencoder needs its checkpoint", "path=DIR, path=owner/name, or name a card")
    return locate_folder(card, published, revision or published.revision, variant or published.variant)


def locate_folder(card: CommonCard, published: CardCheckpoint, revision: str | None, variant: str | None) -> Checkpoint:
    """Find the folder of a card's checkpoint: at hand, in the hub's cache, or fetched where the network is allowed.

    Raises:
        AssetMissingError: it cannot be had; a gated repository is told as one.
    """
    local = at_hand(card)
    if local is not None:
        nested = published.folder and not (local / CONFIG).is_file()
        return locate(str(local), subfolder=published.folder if nested else None, revision=None, variant=variant)
    try:
        return locate(published.hub, subfolder=published.folder or None, revision=revision, variant=variant)
    except AssetMissingError as error:
        gate = " (gated: the hub asks for an account and for consent to its licence)" if card.gated else ""
        raise AssetMissingError(f"{card.name}: {error.what}{gate}", error.hint) from error


def locate_whole(card: CommonCard, checkpoint: CardCheckpoint) -> Located:
    """A card's file, or its folder under the SHA-256 of its first file; fetched where not at hand.

    Raises:
        AssetMissingError: it cannot be had.
        VtbenchError: its SHA-256 is not the card's.
    """
    if checkpoint.file:
        return locate_official(None, card)
    found = locate_folder(card, checkpoint, checkpoint.revision, checkpoint.variant)
    return Located(found.folder, found.weights()[0].sha256, found.source)
