"""Where a file of an asset may already lie: an explicit path, the folders of ``$VTBENCH_ASSETS``, the cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vtbench.assets.canonical import SUFFIX
from vtbench.assets.manifest import Asset
from vtbench.core.disk.caches import is_there, places
from vtbench.core.disk.files import cache_dir, user_path

FOLDERS_VARIABLE = "VTBENCH_ASSETS"
CACHE = "cache"
FOLDER = "assets"


def at_hand(asset: Asset) -> Iterator[tuple[str, Path]]:
    """Places in the order they are tried, whether there is a file or not: name of the place, path.

    An explicit file, then the canonical and the published names in each folder, then the cache.
    """
    explicit = os.environ.get(asset.variable)
    if explicit:
        yield asset.variable, user_path(explicit)
    for folder in folders():
        for file in known_files(asset):
            yield FOLDERS_VARIABLE, folder / file
    for folder in places(FOLDER):
        yield CACHE, folder / f"{asset.name}{SUFFIX}"


def known_files(asset: Asset) -> list[str]:
    """File names that are understood: the canonical one, then the published ones."""
    return list(dict.fromkeys([f"{asset.name}{SUFFIX}", *(source.file for source in asset.sources)]))


def folders() -> list[Path]:
    """The folders of ``$VTBENCH_ASSETS``, which is a list as ``$PATH`` is."""
    value = os.environ.get(FOLDERS_VARIABLE, "")
    return [user_path(folder) for folder in value.split(os.pathsep) if folder]


def cached(asset: Asset) -> Path:
    """The canonical file in the cache, present or not."""
    return asset_cache() / f"{asset.name}{SUFFIX}"


def asset_folders() -> list[Path]:
    """Every folder that may hold a file of ours: those of ``$VTBENCH_ASSETS``, then the cache."""
    return [*folders(), cache_dir()]


def asset_cache() -> Path:
    """The folder of canonical files, below the cache folder."""
    return cache_dir() / FOLDER


def looked_at(asset: Asset) -> list[str]:
    """One line a place that holds nothing, for error messages."""
    lines = [] if os.environ.get(asset.variable) else [f"{asset.variable}: not set"]
    if not folders():
        lines.append(f"{FOLDERS_VARIABLE}: not set")
    for folder in folders():
        if not any(is_there(folder / file) for file in known_files(asset)):
            lines.append(f"{FOLDERS_VARIABLE}: {folder} holds none of {', '.join(known_files(asset))}")
    if not is_there(cached(asset)):
        lines.append(f"cache: no {cached(asset)}")
    return lines
