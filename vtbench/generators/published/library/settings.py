"""What a ``config.json`` beside weights says and no tensor shows, held against the network: heads, norms, rotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vtbench.checkpoints.beside import file_beside
from vtbench.checkpoints.cards import CommonCard
from vtbench.checkpoints.loading import Source
from vtbench.checkpoints.pretrained import CONFIG
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.core.outside.parsing import read_json

LLAMA = (
    "num_attention_heads",
    "num_key_value_heads",
    "hidden_act",
    "rms_norm_eps",
    "rope_parameters",
    "attention_bias",
)
"""What changes the values of a decoder of Llama's kind, and no shape."""


def refuse_other_settings(
    wanted: Any, keys: Sequence[str], source: Source, card: CommonCard | None, family: str, part: str = ""
) -> None:
    """Refuse weights whose configuration says that they belong to another network of the same shapes.

    A file without a configuration beside it is taken as it is.

    Args:
        wanted: configuration of the library, as the network is built by.
        keys: of it, that count.
        source: of the weights.
        card: whose weights they are.
        family: for messages.
        part: of the file, that describes the network; the whole unless given.

    Raises:
        AdapterError: a configuration that differs, or is none of this class.
    """
    try:
        file = file_beside(CONFIG, source, card)
    except AssetMissingError:  # the weights will be told to be missing
        return
    if file is None or not file.is_file():
        return
    content = read_json(file, AdapterError)
    told = content.get(part) if part and isinstance(content, dict) else content
    if told is None:
        return
    try:
        found = type(wanted).from_dict(told)
    except Exception as error:
        raise AdapterError(
            f"{family}: {file} is no configuration of it: {type(error).__name__}", "is the folder right?"
        ) from error
    for key in keys:
        theirs, ours = _compared(getattr(found, key, None)), _compared(getattr(wanted, key, None))
        if theirs != ours:
            raise AdapterError(
                f"{family}: {file} says {key} = {theirs!r:.200}, the network has {ours!r:.200}",
                "another size, or another model: name the size, or the card, that the weights are of",
            )


def _compared(value: Any) -> Any:
    """Rotations without what ``rope_type`` was called once, and stands beside it in some files."""
    return {key: told for key, told in value.items() if key != "type"} if isinstance(value, dict) else value
