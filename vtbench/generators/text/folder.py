"""Where the folder of a text encoder lies: given, in an asset folder, in the hub's cache, or on the hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtbench.assets.lookup import folders
from vtbench.checkpoints.pretrained import CONFIG, Checkpoint, Layout, locate
from vtbench.core.digests import digest_file, digest_json
from vtbench.core.disk.files import user_path
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.core.info import WeightFile

FLAN_T5_XL = "google/flan-t5-xl"
VOCABULARY_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "spiece.model",
    "vocab.json",
    "merges.txt",
)
"""They decide into which tokens a text is cut."""


@dataclass(frozen=True)
class TextKind:
    """One of the encoders that a generator reads prompts by.

    Attributes:
        name: of the model, for messages.
        types: which its configuration may say it is.
        channels: entry of its configuration, that of the text where it has several, with the channels of a token.
        published: its name on the hub.
        argument: of the generator, that takes another.
    """

    name: str
    types: tuple[str, ...]
    channels: str
    published: str
    argument: str = "text_encoder"


T5 = TextKind("T5", ("t5",), "d_model", FLAN_T5_XL)


def locate_text_encoder(
    reference: str, width: int, generator: str, fetched_by: str = "", kind: TextKind = T5
) -> Checkpoint:
    """Find a text encoder, fetching it when ``reference`` is a hub id and the network is allowed.

    Args:
        reference: folder, or ``owner/name``; of the latter a folder ``owner/name`` or ``name`` in one of
            ``$VTBENCH_ASSETS`` comes before the hub.
        width: channels that the generator takes of each token.
        generator: named in messages.
        fetched_by: name that ``vtbench fetch`` takes, which gets the encoder too.
        kind: which it has to be.

    Raises:
        AssetMissingError: it cannot be had; told with how to give it to the generator.
        AdapterError: a folder of another kind of model, or of another width.
    """
    layout = Layout("model", VOCABULARY_FILES, kind.argument)
    try:
        found = locate(_at_hand(reference) or reference, subfolder=None, revision=None, variant=None, layout=layout)
    except AssetMissingError as error:
        fetch = f"vtbench fetch {fetched_by} gets it; or " if fetched_by and "offline" not in error.what else ""
        raise AssetMissingError(
            f"{generator} cannot be run without its text encoder: {error.what}",
            f"{fetch}give the folder that holds {CONFIG}, model*.safetensors and the tokenizer's files: "
            f"{generator},{kind.argument}=FOLDER",
        ) from error
    _check(found, width, generator, kind)
    return found


def files_of(found: Checkpoint) -> tuple[WeightFile, ...]:
    """Every file that moves a feature, with its SHA-256: the weights, then what cuts text into tokens."""
    beside = (found.folder / name for name in VOCABULARY_FILES)
    there = (file for file in beside if file.is_file())
    return (
        *found.weights(),
        *(WeightFile(name=file.name, sha256=digest_file(file), source=found.source) for file in there),
    )


def fingerprint(files: tuple[WeightFile, ...]) -> str:
    """Twelve digits for all files together."""
    return digest_json([[file.name, file.sha256] for file in files], 12)


def _at_hand(reference: str) -> str | None:
    if user_path(reference).is_dir():
        return None
    places = (folder / name for folder in folders() for name in (reference, Path(reference).name))
    return next((str(place) for place in places if place.is_dir()), None)


def _check(found: Checkpoint, width: int, generator: str, kind: TextKind) -> None:
    config: dict[str, Any] = found.config
    if config.get("model_type") not in kind.types:
        raise AdapterError(
            f"{generator}: {found.source} holds a model of type {config.get('model_type')!r}, not {kind.name}",
            f"its text encoder is {kind.published}",
        )
    text = config.get("text_config", config)
    channels = text.get(kind.channels) if isinstance(text, dict) else None
    if channels != width:
        raise AdapterError(
            f"{generator} reads text features of {width} channels; those of {found.source} have {channels}",
            f"its text encoder is {kind.published}",
        )
