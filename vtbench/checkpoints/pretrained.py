"""Where a folder of diffusers or transformers lies, here or on the hub: safetensors only, network only when allowed."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtbench.assets.dangling_links import dangling
from vtbench.assets.hub import hub_folder
from vtbench.assets.weight_files import indexed_shards, numbered_shards
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.core.info import WeightFile
from vtbench.core.outside.parsing import read_json

CONFIG = "config.json"


@dataclass(frozen=True)
class Layout:
    """How a library names the files of a folder.

    Attributes:
        stem: of the weights' names.
        beside: fnmatch patterns of what is fetched with weights and configuration.
        argument: what the user names the folder by, for messages.
    """

    stem: str
    beside: tuple[str, ...] = ()
    argument: str = "path"


DIFFUSERS = Layout("diffusion_pytorch_model")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on this machine: its folder, its configuration, and the weight files that will be read."""

    folder: Path
    config: dict[str, Any]
    files: tuple[Path, ...]
    source: str
    revision: str
    variant: str | None = None

    def weights(self) -> tuple[WeightFile, ...]:
        """Name, SHA-256 and source of every weight file."""
        return tuple(WeightFile(name=file.name, sha256=digest_file(file), source=self.source) for file in self.files)


def locate(
    path: str,
    *,
    subfolder: str | None,
    revision: str | None,
    variant: str | None,
    layout: Layout = DIFFUSERS,
) -> Checkpoint:
    """Find a checkpoint, downloading it when ``path`` is a hub id and the network is allowed.

    Args:
        path: a local folder, or ``owner/name`` on the hub.
        subfolder: folder inside it, e.g. ``vae``.
        revision: branch, tag or commit of a hub repository; the commit it resolves to is what is recorded.
        variant: e.g. ``fp16`` for ``diffusion_pytorch_model.fp16.safetensors``.
        layout: of the folder.

    Raises:
        UsageError: the path of a file.
        AssetMissingError: nothing there, no connection (or ``VTBENCH_OFFLINE=1``) and no cached copy, or weights only
            as a pickle.
        AdapterError: a configuration that cannot be read, a missing shard, or two checkpoints in one folder.
    """
    local = user_path(path)
    if local.is_file():
        raise UsageError(
            f"{path} is a file", f"give the folder that holds it and {CONFIG}: {layout.argument}={local.parent}"
        )
    if local.is_dir():
        root, source, resolved = local, path, revision or ""
    else:
        _refuse_misspelt(path, local, layout)
        root = _download(path, subfolder, revision, variant, layout)
        source, resolved = f"hub:{path}", root.name
    folder = root / subfolder if subfolder else root
    source = f"{source}/{subfolder}" if subfolder else source
    config = _read_config(folder, root, source)
    return Checkpoint(folder, config, _weight_files(folder, source, variant, layout), source, resolved, variant)


def _refuse_misspelt(path: str, local: Path, layout: Layout) -> None:
    """What is almost the name of a folder here is not asked of the hub."""
    beside = [item.name for item in local.parent.iterdir() if item.is_dir()] if local.parent.is_dir() else []
    close = difflib.get_close_matches(local.name, beside, n=1, cutoff=0.6)
    if local.parent.name and close:
        raise AssetMissingError(f"no folder {path}", f"did you mean {layout.argument}={local.parent / close[0]}?")


def _download(path: str, subfolder: str | None, revision: str | None, variant: str | None, layout: Layout) -> Path:
    prefix = f"{subfolder}/" if subfolder else ""
    wanted = (CONFIG, *_patterns(variant, layout.stem), *layout.beside)
    return hub_folder(path, [prefix + name for name in wanted], CONFIG, revision, layout.argument)


def _patterns(variant: str | None, stem: str) -> tuple[str, ...]:
    """Names of unsharded weights, shards, and the index of shards, as the libraries write them."""
    if variant is None:
        return f"{stem}.safetensors", f"{stem}-?????-of-?????.safetensors", f"{stem}.safetensors.index.json"
    return (
        f"{stem}.{variant}.safetensors",
        f"{stem}-?????-of-?????.{variant}.safetensors",
        f"{stem}.{variant}-?????-of-?????.safetensors",
        f"{stem}.safetensors.index.{variant}.json",
    )


def _read_config(folder: Path, root: Path, source: str) -> dict[str, Any]:
    file = folder / CONFIG
    if not file.is_file():
        raise AssetMissingError(f"{source}: no {CONFIG}", dangling(folder) or _elsewhere(folder, root))
    config = read_json(file, AdapterError)
    if not isinstance(config, dict):
        raise AdapterError(f"{file} does not hold a mapping")
    return config


def _elsewhere(folder: Path, root: Path) -> str:
    inside = sorted(found.parent.name for found in root.glob(f"*/{CONFIG}"))
    if not inside:
        return "is the path right?"
    close = difflib.get_close_matches(folder.name, inside, n=1, cutoff=0.5) if folder != root else []
    if close or len(inside) == 1:
        return f"did you mean subfolder={(close or inside)[0]}? it has {CONFIG} in: {', '.join(inside)}"
    return f"it has {CONFIG} in: {', '.join(inside)}; give subfolder=NAME"


def _weight_files(folder: Path, source: str, variant: str | None, layout: Layout) -> tuple[Path, ...]:
    """The one file of weights, or the shards of one checkpoint."""
    single, *shards, index = _patterns(variant, layout.stem)
    sharded = sorted({file for pattern in shards for file in folder.glob(pattern)})
    if (folder / single).is_file() and (sharded or (folder / index).is_file()):
        raise AdapterError(
            f"{source} holds two checkpoints: {single}, and shards ({index if not sharded else sharded[0].name} …)",
            "one of them is stale: remove it, or copy the other into a folder of its own",
        )
    if (folder / index).is_file():
        return indexed_shards(folder / index)
    if (folder / single).is_file():
        return (folder / single,)
    return numbered_shards(sharded) if sharded else _refused(folder, source, single)


def _refused(folder: Path, source: str, single: str) -> tuple[Path, ...]:
    pickles = sorted(file.name for file in folder.glob("*") if file.suffix in (".bin", ".pt", ".pth", ".ckpt"))
    if pickles:
        raise AssetMissingError(
            f"{source}: refused {pickles[0]}: a pickle can run code when it is loaded",
            "save it again with save_pretrained(DIR, safe_serialization=True) where you trust it",
        )
    others = sorted(file.name for file in folder.glob("*.safetensors") if file.is_file())
    instead = f"it has {', '.join(others)}; is the variant right?" if others else "fetch the whole checkpoint"
    raise AssetMissingError(f"{source}: no {single}", dangling(folder) or instead)
