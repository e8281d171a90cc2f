"""From an asset to its verified canonical file: local places first, then the published sources, in order."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from vtbench.assets import canonical, lookup, sources
from vtbench.assets.manifest import Asset, Source, manifest
from vtbench.core.disk.caches import alone_in, is_there, kept_in, kept_meanwhile, not_kept, places
from vtbench.core.errors import AssetMissingError, StorageFullError, VtbenchError
from vtbench.core.network import OFFLINE_VARIABLE, offline


def resolve_asset(asset: Asset) -> Path:
    """The verified canonical file of an asset; downloaded where that is needed and allowed.

    Raises:
        AssetMissingError: no place and no source has it; each is listed with its reason.
    """
    found, reasons = _resolve_locally(asset)
    if found is not None:
        return found
    if offline():
        raise _missing(asset, [*reasons, f"{OFFLINE_VARIABLE}=1: the network was not used"])
    return _download(asset, reasons)


def _resolve_locally(asset: Asset) -> tuple[Path | None, list[str]]:
    reasons = lookup.looked_at(asset)
    for place, path in lookup.at_hand(asset):
        explicit = place == asset.variable
        if not is_there(path) and not explicit:
            continue
        try:
            return _adopt(asset, path), reasons
        except VtbenchError as error:
            reasons.append(f"{place}: {_told(error)}")
            if explicit:  # a file somebody asked for by name is never silently replaced by another
                raise _missing(asset, reasons[-1:]) from error
    return None, reasons


def _adopt(asset: Asset, path: Path) -> Path:
    """A file at hand: a canonical one as it is, a published one by way of the cache."""
    if not is_there(path):
        raise VtbenchError(f"{path} does not exist")
    if path.suffix == canonical.SUFFIX:
        canonical.verify(asset, path)
        return path
    source = next((source for source in asset.sources if source.file == path.name), None)
    if source is None:
        raise VtbenchError(f"{path} has another name than {', '.join(lookup.known_files(asset))}")
    with alone_in(kept_in(lookup.FOLDER)):
        return _verified_cache(asset) or _convert(asset, source, path)


def _download(asset: Asset, reasons: list[str]) -> Path:
    with alone_in(kept_in(lookup.FOLDER)):
        cached = _verified_cache(asset)  # another process may have been faster
        if cached is not None:
            return cached
        for source in asset.sources:
            print(f"vtbench: fetching {asset.name} from {source}", file=sys.stderr, flush=True)
            try:
                published = sources.download(source, kept_in(lookup.FOLDER, "downloads"))
                path = _convert(asset, source, published)
            except VtbenchError as error:
                reasons.append(f"{source}: {_told(error)}")
            else:
                _discard(asset, published)
                return path
    raise _missing(asset, reasons)


def _convert(asset: Asset, source: Source, published: Path) -> Path:
    from vtbench.assets.conversion import convert

    data = sources.read_verified(source, published)
    beside = sources.read_beside(source, published)
    arrays = convert(source.conversion, data, source.member or published.name, beside)
    file = lookup.cached(asset).name
    try:
        return canonical.write(asset, source, arrays, kept_in(lookup.FOLDER) / file)
    except StorageFullError as error:
        not_kept(error, lookup.asset_cache())
        return canonical.write(asset, source, arrays, kept_meanwhile(lookup.FOLDER) / file)


def _discard(asset: Asset, published: Path) -> None:
    """Delete a converted download, unless another asset still waits for the same archive."""
    waiting = [
        other
        for other in manifest().values()
        if other.name != asset.name
        and published.name in {source.file for source in other.sources}
        and not is_there(lookup.cached(other))
    ]
    if not waiting:
        published.unlink(missing_ok=True)


def _verified_cache(asset: Asset) -> Path | None:
    for folder in places(lookup.FOLDER):
        path = folder / lookup.cached(asset).name
        with suppress(VtbenchError):
            canonical.verify(asset, path)
            return path
    return None


def _missing(asset: Asset, reasons: list[str]) -> AssetMissingError:
    lines = "".join(f"\n    {reason}" for reason in reasons)
    command = f"vtbench fetch {asset.name}"
    files = " or ".join(lookup.known_files(asset))
    return AssetMissingError(
        f"asset {asset.name!r} is not available:{lines}",
        f"run `{command}` on a connected machine, or put {files} into a folder named by {lookup.FOLDERS_VARIABLE}",
    )


def _told(error: VtbenchError) -> str:
    return error.what if error.hint is None else f"{error.what} ({error.hint})"
