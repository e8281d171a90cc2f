"""Where a published checkpoint lies that may be a folder of a library, as the user or its card names it."""

from __future__ import annotations

from vtbench.checkpoints.cards import CardCheckpoint, CommonCard
from vtbench.checkpoints.files import Located, at_hand, locate_official, located_shards
from vtbench.checkpoints.pretrained import CONFIG, DIFFUSERS, Checkpoint, Layout, locate
from vtbench.core.digests import digest_file
from vtbench.core.errors import AssetMissingError, UsageError

TRANSFORMERS = Layout("model", ("tokenizer.json",), "checkpoint")


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
    local, layout = at_hand(card), TRANSFORMERS if published.layout == "transformers" else DIFFUSERS
    if local is not None:
        nested = published.folder if published.folder and not (local / CONFIG).is_file() else None
        return locate(str(local), subfolder=nested, revision=None, variant=variant, layout=layout)
    subfolder = published.folder or None
    try:
        return locate(published.hub, subfolder=subfolder, revision=revision, variant=variant, layout=layout)
    except AssetMissingError as error:
        gate = " (gated: the hub asks for an account and for consent to its licence)" if card.gated else ""
        raise AssetMissingError(f"{card.name}: {error.what}{gate}", error.hint) from error


def locate_whole(card: CommonCard, checkpoint: CardCheckpoint) -> Located:
    """A card's file or shards, or its folder under the SHA-256 of its first file; fetched where not at hand.

    Raises:
        AssetMissingError: it cannot be had.
        VtbenchError: its SHA-256 is not the card's.
    """
    if checkpoint.file or checkpoint.shards:
        return locate_official(None, card)
    if checkpoint.layout == "transformers":
        return _weights_of_folder(card, checkpoint)
    found = locate_folder(card, checkpoint, checkpoint.revision, checkpoint.variant)
    return Located(found.folder, found.weights()[0].sha256, found.source)


def locate_weights(given: str | None, card: CommonCard | None) -> Located:
    """The weights that were given, else those of the card: its file, or the shards of its folder of transformers.

    Raises:
        AssetMissingError: no place has them.
        UsageError: ``given`` is a folder with none or several checkpoints.
        AdapterError: shards that are not all there.
        VtbenchError: the SHA-256 of the card's file is another.
    """
    checkpoint = None if card is None else card.checkpoint
    if given is None and card is not None and checkpoint is not None and checkpoint.layout == "transformers":
        return _weights_of_folder(card, checkpoint)
    return locate_official(given, card)


def _weights_of_folder(card: CommonCard, checkpoint: CardCheckpoint) -> Located:
    found = locate_folder(card, checkpoint, checkpoint.revision, checkpoint.variant)
    if len(found.files) == 1:
        return Located(found.files[0], digest_file(found.files[0]), found.source)
    return located_shards(found.folder, found.files, found.source)
