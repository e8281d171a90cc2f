"""JPEG-LM's checkpoint: a folder with weights, their configuration, and the table of what tokens stand for."""

from __future__ import annotations

from pathlib import Path

from vtbench.assets.hub import hub_folder
from vtbench.checkpoints.cards import CommonCard, find_generator_card
from vtbench.checkpoints.files import Located, at_hand, given_path
from vtbench.core.digests import digest_file
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.core.info import WeightFile
from vtbench.core.outside.parsing import read_json
from vtbench.generators.published.next_token.jpeg_lm.network import LlamaGeometry, geometry_of

CONFIG, TABLE = "config.json", "tokenizer.model"
PATTERNS = (CONFIG, TABLE, "*.safetensors", "*.safetensors.index.json", "pytorch_model*.bin*")


def locate_folder(given: str | None, card: CommonCard | None) -> tuple[Path, str]:
    """The folder, and where it came from: what the user gave, what is at hand, or the hub's.

    Raises:
        UsageError: a file is given.
        AssetMissingError: it cannot be had, or lacks a part.
    """
    if given is not None:
        folder, source = given_path(given), given
        if not folder.is_dir():
            raise UsageError(
                f"jpeg-lm's checkpoint is a folder; {given} is a file",
                f"give the folder that holds weights, {CONFIG} and {TABLE}: checkpoint={folder.parent}",
            )
    else:
        assert card is not None and card.checkpoint is not None
        local, published = at_hand(card), card.checkpoint
        folder = local or hub_folder(published.hub, PATTERNS, CONFIG, published.revision)
        source = str(local) if local else f"hub:{published.hub}"
    for name in (CONFIG, TABLE):
        if not (folder / name).is_file():
            raise AssetMissingError(f"jpeg-lm: {folder} holds no {name}", "fetch the whole folder: it is needed")
    return folder, source


def read_geometry(folder: Path) -> LlamaGeometry:
    """What the configuration tells.

    Raises:
        AdapterError: it cannot be read, or tells of another network.
    """
    config = read_json(folder / CONFIG, AdapterError)
    if not isinstance(config, dict):
        raise AdapterError(f"{folder / CONFIG} does not hold a mapping")
    return geometry_of(config, str(folder / CONFIG))


def beside_weights(folder: Path, source: str) -> tuple[WeightFile, ...]:
    """Configuration and table, which move samples as weights do."""
    return tuple(
        WeightFile(name=name, sha256=digest_file(folder / name), source=f"{source}/{name}") for name in (CONFIG, TABLE)
    )


def fetched(card: CommonCard) -> Located:
    """The card's folder, under the SHA-256 of its table; fetched where it is not at hand. Raises as
    :func:`locate_folder`."""
    folder, source = locate_folder(None, find_generator_card(card.name))
    return Located(folder, digest_file(folder / TABLE), source)
