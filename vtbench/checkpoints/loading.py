"""A published network with its weights: found, read, accounted for; or built with seeded random ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from vtbench.checkpoints.cards import CommonCard
from vtbench.checkpoints.files import given_path
from vtbench.checkpoints.published import locate_weights
from vtbench.checkpoints.reading import Choice, Published, read_published, renamed_for
from vtbench.checkpoints.state import fill, seeded, without_initialisation
from vtbench.core.errors import UsageError
from vtbench.core.info import RANDOM_REVISION, WeightFile

if TYPE_CHECKING:
    from torch import Tensor


class WeightsFrom(TypedDict, total=False):
    """What every published family takes beside its sizes: ``**where: Unpack[WeightsFrom]``, for ``Source(**where)``.

    Attributes:
        checkpoint: its file.
        card: whose checkpoint is used.
        entry: of the file, where it holds several.
        random_weights_seed: random weights, for tests and speed only.
    """

    checkpoint: str | None
    card: str | None
    entry: str | None
    random_weights_seed: int | None


@dataclass(frozen=True)
class Source:
    """Where the weights of an adapter come from: a local file, the checkpoint of a card, or a seed.

    Attributes:
        checkpoint: file, or folder of one checkpoint.
        card: name of the card.
        random_weights_seed: instead of weights.
        entry: of the file, dots for nesting, instead of the card's or the family's.
    """

    checkpoint: str | None = None
    card: str | None = None
    random_weights_seed: int | None = None
    entry: str | None = None


@dataclass(frozen=True)
class Conventions:
    """How a family publishes its files.

    Attributes:
        family: registered name, for messages.
        listing: ``tokenizers`` or ``generators``: where its cards are listed.
        keys: entries of the file that may hold the weights, in order.
        prefix: of the names, taken off.
        ignore_unexpected: fnmatch patterns of tensors that the network has no use for.
        ignore_missing: patterns of the network's own that a file does not hold.
        entry_argument: which argument chooses among the weights of one file.
        wrappers_count: whether prefixes of training tools tell the family something, and are left.
        settings: entry of the file with the settings of its training, an ``argparse.Namespace``.
    """

    family: str
    listing: str
    keys: tuple[str, ...] = ()
    prefix: str = ""
    ignore_unexpected: tuple[str, ...] = ()
    ignore_missing: tuple[str, ...] = ()
    entry_argument: str = "entry"
    wrappers_count: bool = False
    settings: str = ""


@dataclass(frozen=True)
class LoadedNetwork:
    """A network with its weights.

    Attributes:
        network: in training mode still, on the CPU.
        weights: every file; none of random weights.
        revision: twelve digits of their SHA-256, or ``random-SEED``.
        notes: what a reader of numbers must know of the reading.
    """

    network: Any
    weights: tuple[WeightFile, ...]
    revision: str
    notes: tuple[str, ...] = ()


def require_source(source: Source, card: CommonCard | None, conventions: Conventions) -> None:
    """Refuse what cannot be loaded, as far as that is known without reading anything.

    Raises:
        UsageError: neither a checkpoint, nor a card with one, nor a seed; or a checkpoint and a seed.
        AssetMissingError: a given checkpoint is not there.
    """
    family, seed = conventions.family, source.random_weights_seed
    if seed is not None and source.checkpoint is not None:
        raise UsageError(f"{family}: checkpoint and random_weights_seed exclude one another")
    if seed is None and source.checkpoint is None and (card is None or card.checkpoint is None):
        raise UsageError(
            f"{family} has no weights of its own",
            f"name a card that uses it (vtbench list {conventions.listing}), or {family},checkpoint=FILE",
        )
    if source.checkpoint is not None:
        given_path(source.checkpoint)


def load_network(
    build: Callable[[], Any],
    source: Source,
    card: CommonCard | None,
    conventions: Conventions,
    convert: Callable[[dict[str, Tensor]], dict[str, Tensor]],
    heed: Callable[[Mapping[str, Any]], None] | None = None,
) -> LoadedNetwork:
    """Build the network and fill it.

    Args:
        build: makes it, with the state dict that the converted file has.
        source: of the weights.
        card: found by its name in ``source``, if it has one.
        conventions: of the family's files.
        convert: published names to the network's.
        heed: is told the settings that the file states, before its tensors are looked at, and may refuse them.

    Raises:
        UsageError: neither a checkpoint, nor a card with one, nor a seed; or a checkpoint and a seed.
        AssetMissingError: the checkpoint is neither at hand nor to be had.
        AdapterError: its tensors do not fit the network.
    """
    require_source(source, card, conventions)
    family, seed = conventions.family, source.random_weights_seed
    if seed is not None:
        warnings.warn(f"{family} has random weights: its numbers mean nothing", stacklevel=5)
        note = f"{family} has random weights (seed {seed}): its numbers mean nothing"
        return LoadedNetwork(seeded(build, seed), (), f"{RANDOM_REVISION}{seed}", (note,))
    found = locate_weights(source.checkpoint, card)
    choice = Choice(conventions.keys, source.entry, conventions.entry_argument)
    state = read_published(
        found.path, choice, family, conventions.prefix, conventions.ignore_unexpected, conventions.settings
    )
    if heed is not None:
        heed(state.settings)
    with without_initialisation():
        network = build()
    if conventions.wrappers_count:
        fitting = Published(convert(state.tensors), state.notes)
    else:
        fitting = renamed_for(network, state, convert, conventions.ignore_unexpected, str(found.path))
    fill(
        network,
        fitting.tensors,
        family=family,
        source=str(found.path),
        ignore_unexpected=conventions.ignore_unexpected,
        ignore_missing=conventions.ignore_missing,
    )
    return LoadedNetwork(network, found.weights(), found.sha256[:12], (*found.notes, *fitting.notes))
