"""Text to the ids that a decoder reads itself: the ``tokenizer.json`` beside its weights, special tokens by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vtbench.checkpoints.beside import file_beside
from vtbench.checkpoints.cards import CommonCard
from vtbench.checkpoints.loading import Source
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.core.info import WeightFile

FILE = "tokenizer.json"
BYTES = 256


@dataclass(frozen=True)
class Vocabulary:
    """How text is cut into tokens.

    Attributes:
        cut: text to ids; it adds nothing before or behind.
        special: ids of the tokens that the family names.
        files: that decide it.
    """

    cut: Callable[[str], list[int]]
    special: Mapping[str, int]
    files: tuple[WeightFile, ...] = field(default=())

    def ids(self, *parts: str) -> list[int]:
        """Ids of texts one after the other; a part that is the name of a special token is that token."""
        return [found for part in parts for found in ([self.special[part]] if part in self.special else self.cut(part))]


def locate_vocabulary(given: str | None, source: Source, card: CommonCard | None, generator: str) -> Path | None:
    """The ``tokenizer.json`` that was given, or beside the weights, or in the repository of the card.

    Returns:
        ``None`` for random weights without a file.

    Raises:
        AssetMissingError: it is not there; with how to give it.
    """
    if given is None and source.random_weights_seed is not None:
        return None
    try:
        file = file_beside(FILE, source, card) if given is None else _named(given)
    except AssetMissingError as error:
        raise _missing(generator, error.what) from error
    if file is None or not file.is_file():
        raise _missing(generator, "no address of one is known" if file is None else f"{file} is not there")
    return file


def _named(given: str) -> Path:
    path = user_path(given)
    return path / FILE if path.is_dir() else path


def read_vocabulary(file: Path | None, special: Sequence[str], entries: int) -> Vocabulary:
    """The vocabulary of a file; of none, the bytes of a text and the special tokens behind them, for random weights.

    Args:
        file: ``tokenizer.json``. Nothing of it is executed.
        special: names of tokens that must be there.
        entries: of the network's table.

    Raises:
        AssetMissingError: the package ``tokenizers`` is not installed.
        AdapterError: no such file format, a special token that it has not, or more entries than the network.
    """
    if file is None:
        return Vocabulary(lambda text: list(text.encode()), {name: BYTES + at for at, name in enumerate(special)})
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise AssetMissingError("text is cut by the package tokenizers", install_extra("hub")) from error
    try:
        read = Tokenizer.from_file(str(file))
    except Exception as error:  # the package raises the bare class
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise AdapterError(f"{file} is no text tokenizer: {first}", f"copy or download {FILE} again") from error
    found: dict[str, int] = {}
    for name in special:
        if (number := read.token_to_id(name)) is not None:
            found[name] = number
    lacking = [name for name in special if name not in found]
    if lacking:
        raise AdapterError(
            f"{file} has no token {' or '.join(lacking)}", "it is of another model: take the one beside the weights"
        )
    most = max(read.get_vocab(with_added_tokens=True).values(), default=0)
    if most >= entries:
        raise AdapterError(
            f"{file} has {most + 1} entries, the network {entries}",
            "it is of another model: take the one beside the weights",
        )
    weights = WeightFile(name=file.name, sha256=digest_file(file), source=str(file))
    return Vocabulary(lambda text: list(read.encode(text, add_special_tokens=False).ids), found, (weights,))


def _missing(generator: str, why: str) -> AssetMissingError:
    return AssetMissingError(
        f"{generator} cannot be run without its text tokenizer: {why}",
        f"put {FILE} beside the weights, or give it: {generator},vocabulary=FILE",
    )
