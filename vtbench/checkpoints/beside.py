"""Small files that lie beside published weights: the configuration of a library, a vocabulary."""

from __future__ import annotations

from pathlib import Path

from vtbench.assets.hub import hub_file
from vtbench.checkpoints.cards import CommonCard
from vtbench.checkpoints.files import at_hand
from vtbench.checkpoints.loading import Source
from vtbench.core.disk.files import user_path


def file_beside(name: str, source: Source, card: CommonCard | None) -> Path | None:
    """The file of that name beside the weights: those that were given, those of the card at hand, or on the hub.

    Args:
        name: of the file.
        source: of the weights.
        card: whose weights they are.

    Returns:
        Where it lies, or would lie on this machine; ``None`` where no place is known, as for random weights.

    Raises:
        AssetMissingError: it is on the hub, and cannot be had.
    """
    if source.random_weights_seed is not None:
        return None
    place = source.checkpoint or (None if card is None else at_hand(card))
    if place is not None:
        path = user_path(str(place))
        return (path if path.is_dir() else path.parent) / name
    if card is None or card.checkpoint is None or not card.checkpoint.hub:
        return None
    inside = "/".join(part for part in (card.checkpoint.folder, name) if part)
    return hub_file(card.checkpoint.hub, inside, card.checkpoint.revision)
