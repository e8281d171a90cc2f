"""``vtbench stats build`` without its command line: names to objects, then the build."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from vtbench.core.contracts import FeatureExtractor
from vtbench.core.errors import UsageError
from vtbench.data.fingerprint import notes_of
from vtbench.data.open import open_data
from vtbench.data.preparing.presets import make_preset
from vtbench.data.sources.subset import Subset
from vtbench.features import EXTRACTORS, OF_VIDEOS
from vtbench.metrics.sets.reference_statistics import ReferenceStatistics
from vtbench.run.device import choose_device, make_deterministic
from vtbench.run.measuring.evaluators import made_extractor
from vtbench.run.options import RunOptions
from vtbench.run.progress import say
from vtbench.run.statistics.building import StatisticsRequest, build_statistics
from vtbench.run.worker import Worker


def build_from_command_line(
    *,
    data: str,
    out: Path,
    extractors: Sequence[str],
    preset: str,
    size: int | None,
    keep_rows: bool,
    limit: int | None,
    device: str,
    workers: int | None,
    command: tuple[str, ...],
) -> ReferenceStatistics:
    """Build reference statistics of ``data`` at ``out``.

    Args:
        extractors: names, each with ``.feature`` where one feature is enough.

    Raises:
        UsageError: an unknown name, or a feature that the extractor does not have.
        AssetMissingError: weights that cannot be had.
    """
    make_deterministic()
    place = choose_device(device, Worker())
    dataset = open_data(data)
    if limit is not None and limit < len(dataset):
        dataset = Subset(dataset, limit)
    wanted: dict[str, set[str]] = {}
    for text in extractors:
        name, _, feature = text.partition(".")
        wanted.setdefault(name, set()).update({feature} if feature else ())
    frames: int | None = getattr(dataset, "frames", None)
    _check_takes(wanted, data, frames)
    networks = {name: made_extractor(name).to(device=place) for name in sorted(wanted)}
    features = {name: _features(name, network, wanted[name]) for name, network in networks.items()}
    request = StatisticsRequest(
        source=data,
        dataset=dataset,
        preset=make_preset(preset, size, frames),
        features=features,
        keep_rows=keep_rows,
        decoders=RunOptions(workers=workers).decoders,
        provenance={"command": " ".join(command[1:])},
    )
    made = build_statistics(request, networks, place, out)
    for note in (*notes_of(dataset), *made.notes):
        say(f"warning: {note}")
    return made


def _check_takes(extractors: Iterable[str], data: str, frames: int | None) -> None:
    """Built-in extractors of clips take clips, and the others images."""
    for name in extractors:
        if name in EXTRACTORS.builtin and (name in OF_VIDEOS) != (frames is not None):
            takes, given = ("clips", "images") if frames is None else ("images", "clips")
            hint = "give videos,path=DIR,frames=16" if frames is None else f"of clips: {', '.join(OF_VIDEOS)}"
            raise UsageError(f"{name} takes {takes}, and {data} holds {given}", hint)


def _features(name: str, network: FeatureExtractor, wanted: set[str]) -> frozenset[str]:
    known: tuple[str, ...] = getattr(network, "features", ())
    strange = sorted(wanted - set(known)) if known else []
    if strange:
        raise UsageError(f"{name} has no feature {strange[0]}", f"it has: {', '.join(known)}")
    return frozenset(wanted or known)
