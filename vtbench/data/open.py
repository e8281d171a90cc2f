"""From what a person writes after ``--data`` to a data set."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from vtbench.core.contracts import ImageDataset
from vtbench.core.disk.files import expand_user
from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.core.registry import Registry
from vtbench.core.secrets import masked
from vtbench.data import DATASETS
from vtbench.data.stores.urls import is_url, path_of


def open_data(text: str, registry: Registry = DATASETS) -> ImageDataset:
    """Open a data set by name or by path.

    In this order: a registered name or ``module:Class`` with its arguments (``photos-mini``, ``hub,path=…``), so that
    a task's source means the same whatever lies in the working folder (write ``./photos-mini`` for a folder of that
    name); a folder (of images, else of Parquet files, else of tars); a ``.parquet`` or ``.npz`` file; a ``.tar`` file
    or pattern; a URL, or a pattern of URLs, of ``.tar`` or ``.parquet`` files.

    Raises:
        UsageError: no such name or path, or nothing in it.
    """
    if is_url(text):
        return cast(ImageDataset, registry.create(_of_url(text)))
    if _is_reference(text, registry):
        return cast(ImageDataset, registry.create(parse_reference(text)))
    path = Path(expand_user(text))
    if path.is_dir():
        return cast(ImageDataset, registry.create(_of_folder(path)))
    if path.suffix == ".parquet" and path.is_file():
        return cast(ImageDataset, registry.create(Reference("parquet", {"path": text})))
    if path.suffix in (".npz", ".npy") and path.is_file():  # of a .npy, the npz reader says how to save it
        return cast(ImageDataset, registry.create(Reference("npz", {"path": text})))
    if text.endswith(".tar"):
        return cast(ImageDataset, registry.create(Reference("webdataset", {"path": text})))
    if path.exists():
        raise UsageError(
            f"{text} is neither a folder, a .tar, a .parquet nor an .npz file", "give the folder that holds it"
        )
    if "/" in text.split(",", 1)[0] or text.startswith(("~", ".")):
        raise UsageError(f"no data at {text}: the path does not exist", "check it, or give a name: vtbench list data")
    return cast(ImageDataset, registry.create(parse_reference(text)))


def _of_url(url: str) -> Reference:
    kinds = {".tar": "webdataset", ".parquet": "parquet"}
    for suffix, kind in kinds.items():
        if path_of(url).lower().endswith(suffix):
            return Reference(kind, {"path": url})
    raise UsageError(
        f"{masked(url)} is neither a .tar nor a .parquet file", "of others, and of folders, give a copy on this machine"
    )


def _is_reference(text: str, registry: Registry) -> bool:
    target = text.split(",", 1)[0].strip()
    return target in registry or (":" in target and not Path(expand_user(text)).exists())


def _of_folder(path: Path) -> Reference:
    """Images win: a folder may hold an index or an archive beside them."""
    from vtbench.data.sources.listing import is_image, suffix_of, walk

    if not any(is_image(name) for name in walk(path)):
        if any(suffix_of(name) == ".parquet" for name in walk(path)):
            return Reference("parquet", {"path": str(path)})
        if any(path.glob("*.tar")):
            return Reference("webdataset", {"path": str(path / "*.tar")})
    return Reference("folder", {"path": str(path)})
