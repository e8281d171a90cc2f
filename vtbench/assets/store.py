"""The names of weights, and what they stand for: verified files, tensors, fingerprints and where they come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.assets import canonical, lookup
from vtbench.assets.manifest import Asset, asset, manifest
from vtbench.assets.resolution import resolve_asset
from vtbench.core.disk.caches import is_there
from vtbench.core.disk.files import CACHE_VARIABLE, require_writable
from vtbench.core.errors import AssetMissingError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class AssetStatus:
    """What can be said of an asset without the network and without torch.

    Attributes:
        path: the file at hand, present but not yet verified; ``None`` if there is none.
        found_in: the place that holds it: ``VTBENCH_ASSET_<NAME>``, ``VTBENCH_ASSETS``, ``cache``, or ``""``.
        fingerprint: of the canonical tensors, where the manifest states it.
        megabytes: size of the first published source.
        sources: where it could come from, in the order they are tried.
    """

    name: str
    summary: str
    licence: str
    citation: str
    path: Path | None
    found_in: str
    fingerprint: str | None
    megabytes: float
    sources: tuple[str, ...]

    def __str__(self) -> str:
        origin = self.sources[0] if self.path is None else f"{self.path} ({self.found_in})"
        state = "to be fetched from" if self.path is None else "at hand:"
        return f"{self.summary} Licence: {self.licence}. {state[0].upper()}{state[1:]} {origin}"

    @property
    def available(self) -> bool:
        """A file is at hand: nothing need be downloaded."""
        return self.path is not None

    @property
    def cached(self) -> bool:
        """The canonical file is in the cache."""
        return self.found_in == lookup.CACHE


def names() -> list[str]:
    """Every asset of the manifest, in its order."""
    return list(manifest())


def status(name: str) -> AssetStatus:
    """What is at hand of ``name``, and where it could come from. Touches neither the network nor torch.

    Raises:
        UsageError: unknown asset.
    """
    entry = asset(name)
    held = ((place, path) for place, path in lookup.at_hand(entry) if is_there(path))
    place, path = next(held, ("", None))
    return AssetStatus(
        name=name,
        summary=entry.summary,
        licence=entry.licence,
        citation=entry.citation,
        path=path,
        found_in=place,
        fingerprint=entry.fingerprint,
        megabytes=entry.sources[0].megabytes,
        sources=tuple(str(source) for source in entry.sources),
    )


def resolve(name: str) -> Path:
    """The verified canonical safetensors file of ``name``; downloaded where that is needed and allowed.

    Raises:
        UsageError: unknown asset.
        AssetMissingError: no source has it; every place looked at is listed with its reason.
    """
    return resolve_asset(asset(name))


def load_tensors(name: str) -> dict[str, Tensor]:
    """The canonical tensors of ``name``, on the CPU. Raises as :func:`resolve`."""
    from safetensors.torch import load_file

    return load_file(resolve(name))


def fingerprint(name: str) -> str:
    """Digest of the canonical tensors: stated by the manifest, else taken from the resolved file.

    Raises as :func:`resolve`.
    """
    entry = asset(name)
    return entry.fingerprint or canonical.verify(entry, resolve_asset(entry))


def fetch(wanted: Iterable[str]) -> dict[str, Path]:
    """Resolve several assets; what failed is told when all have been tried.

    Raises:
        UsageError: an unknown asset, or a cache that cannot keep what is fetched; nothing is.
        AssetMissingError: for each missing asset, what its sources said.
    """
    entries = [asset(name) for name in dict.fromkeys(wanted)]
    if not all(_is_at_hand(entry) for entry in entries):
        require_writable(lookup.asset_cache(), f"set {CACHE_VARIABLE} to a folder that can be written")
    found: dict[str, Path] = {}
    failures: list[AssetMissingError] = []
    for entry in entries:
        try:
            found[entry.name] = resolve_asset(entry)
        except AssetMissingError as error:
            failures.append(error)
    if failures:
        raise AssetMissingError("\n  ".join(error.what for error in failures), failures[0].hint)
    return found


def _is_at_hand(entry: Asset) -> bool:
    """A canonical file lies somewhere: the cache need not be written."""
    return any(path.suffix == canonical.SUFFIX and is_there(path) for _, path in lookup.at_hand(entry))
