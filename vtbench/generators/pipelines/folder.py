"""Where a diffusers pipeline lies and what it is made of, read before any of it is loaded: a pickle or code of its
own is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtbench.assets.dangling_links import dangling
from vtbench.assets.hub import told_of_folder
from vtbench.assets.weight_files import indexed_shards
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.core.info import WeightFile
from vtbench.core.network import offline
from vtbench.core.outside.parsing import read_json

INDEX = "model_index.json"
LIBRARIES = ("diffusers", "transformers")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_STEM = r"(?:diffusion_pytorch_model|pytorch_model|model)"
_SHARD = r"-\d{5}-of-\d{5}"


@dataclass(frozen=True)
class PipelineFolder:
    """A pipeline on this machine.

    Attributes:
        folder: that holds ``model_index.json``.
        class_name: of the pipeline, in diffusers.
        components: name to (library, class), of those that are there.
        files: the weight files that will be read, by component; components without weights are left out.
        source: how it was named.
        revision: commit on the hub; empty for a local folder.
    """

    folder: Path
    class_name: str
    components: Mapping[str, tuple[str, str]]
    files: Mapping[str, tuple[Path, ...]]
    source: str
    revision: str

    def weights(self) -> tuple[WeightFile, ...]:
        """Name, SHA-256 and source of every weight file."""
        return tuple(
            WeightFile(name=file.relative_to(self.folder).as_posix(), sha256=digest_file(file), source=self.source)
            for files in self.files.values()
            for file in files
        )


def locate_pipeline(path: str, *, revision: str | None, variant: str | None) -> PipelineFolder:
    """Find a pipeline, downloading it when ``path`` is a hub id and the network is allowed.

    Raises:
        AssetMissingError: nothing there, no connection (or ``VTBENCH_OFFLINE=1``) and no cached copy, or weights only
            as a pickle.
        AdapterError: an index that cannot be read, or one that asks for code of its own.
    """
    local = user_path(path)
    if local.is_dir():
        folder, source, resolved = local, path, revision or ""
    else:
        folder = _download(path, revision, variant)
        source, resolved = f"hub:{path}", folder.name
    class_name, components = _read_index(folder, source)
    files = {name: _weight_files(folder / name, f"{source}/{name}", variant) for name in components}
    return PipelineFolder(folder, class_name, components, {n: f for n, f in files.items() if f}, source, resolved)


def _download(path: str, revision: str | None, variant: str | None) -> Path:
    options = {"revision": revision, "variant": variant, "use_safetensors": True, "local_files_only": offline()}
    with told_of_folder(path, INDEX, ValueError):
        return Path(_pipelines().download(path, **options))


def _pipelines() -> Any:
    try:
        from diffusers import DiffusionPipeline
    except ImportError as error:
        raise AssetMissingError("a diffusers pipeline needs diffusers", install_extra("hub")) from error
    return DiffusionPipeline


def _read_index(folder: Path, source: str) -> tuple[str, dict[str, tuple[str, str]]]:
    file = folder / INDEX
    if not file.is_file():
        raise AssetMissingError(
            f"{source}: no {INDEX}", dangling(folder) or "give the folder that save_pretrained wrote"
        )
    index = read_json(file, AdapterError)
    class_name = index.get("_class_name") if isinstance(index, dict) else None
    if not isinstance(class_name, str):
        raise _own_code(source, f"_class_name {class_name!r}")
    entries = {name: entry for name, entry in index.items() if isinstance(entry, list) and len(entry) == 2}
    components = {name: (library, kind) for name, (library, kind) in entries.items() if library and kind}
    for name, parts in components.items():
        if not all(isinstance(part, str) for part in parts):
            raise AdapterError(f"{file}: {name} is {parts!r:.80}, not a library and a class")
    for name, (library, kind) in components.items():
        if library not in LIBRARIES and not _is_part_of_diffusers(str(library)):
            raise _own_code(source, f"the component {name} ({library}.{kind})")
        if name != Path(name).name:
            raise _own_code(source, f"the component {name!r} lies elsewhere")
    return class_name, components


def _is_part_of_diffusers(library: str) -> bool:
    """Components such as the safety checker are named by the module of diffusers that their pipeline lies in."""
    from importlib.util import find_spec

    try:
        return library.isidentifier() and find_spec(f"diffusers.pipelines.{library}") is not None
    except ImportError as error:
        raise AssetMissingError("a diffusers pipeline needs diffusers", install_extra("hub")) from error


def _own_code(source: str, what: str) -> AdapterError:
    return AdapterError(
        f"{source} is refused: {what} is no class of {' or '.join(LIBRARIES)}, and loading it would run its code",
        "wrap it in a generator of your own: docs/adding-a-generator.md",
    )


def _weight_files(folder: Path, source: str, variant: str | None) -> tuple[Path, ...]:
    """Weights of one component; none for a scheduler or a text tokenizer.

    As diffusers does, a component without files of the variant falls back to those without one.
    """
    names = sorted(file.name for file in folder.glob("*") if file.is_file())
    tensors = [name for name in names if name.endswith(".safetensors")]
    for wanted in ([variant] if variant else []) + [None]:
        found = [name for name in tensors if _pattern(wanted).fullmatch(name)]
        if found:
            return _one_checkpoint(folder, found, source, wanted)
    pickles = [name for name in names if name.endswith(_PICKLES)]
    if pickles:
        raise AssetMissingError(
            f"{source}: refused {pickles[0]}: a pickle can run code when it is loaded",
            "save it again with save_pretrained(DIR, safe_serialization=True) where you trust it",
        )
    if tensors:
        raise AssetMissingError(f"{source}: no weights but {', '.join(tensors)}", "give variant=NAME")
    if missing := dangling(folder):
        raise AssetMissingError(f"{source}: no weights", missing)
    return ()


def _one_checkpoint(folder: Path, names: list[str], source: str, variant: str | None) -> tuple[Path, ...]:
    """The single file, or the shards that its index names.

    Raises:
        AdapterError: several checkpoints, or a missing shard.
    """
    single = [name for name in names if not re.search(_SHARD, name)]
    if len(single) > 1 or (single and len(names) > 1):
        raise AdapterError(
            f"{source} holds two checkpoints: {single[0]}, and {next(name for name in names if name != single[0])} …",
            "one of them is stale: remove it, or copy the other into a folder of its own",
        )
    stems = (re.match(_STEM, names[0]) or [""])[0]
    ending = "index.json" if variant is None else f"index.{variant}.json"
    index = folder / f"{stems}.safetensors.{ending}"
    if single and index.is_file():
        raise AdapterError(f"{source} holds {single[0]} and {index.name}, of shards", "remove the one that is stale")
    if single or not index.is_file():
        return tuple(folder / name for name in names)
    return indexed_shards(index)


def _pattern(variant: str | None) -> re.Pattern[str]:
    if variant is None:
        return re.compile(rf"{_STEM}(?:{_SHARD})?\.safetensors")
    name = re.escape(variant)
    return re.compile(rf"{_STEM}(?:\.{name}(?:{_SHARD})?|{_SHARD}\.{name})\.safetensors")


def read_parameters(parts: Mapping[str, Any]) -> int:
    """Parameters of the networks among a pipeline's components."""
    import torch

    return sum(
        weight.numel() for part in parts.values() if isinstance(part, torch.nn.Module) for weight in part.parameters()
    )
