"""A diffusers pipeline from its folder: safetensors only, no code of its own, every tensor accounted for."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from vtbench.assets.loading_report import refuse_misfit
from vtbench.checkpoints.diffusers import refuse_keys
from vtbench.checkpoints.pretrained import CONFIG
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.core.outside.parsing import read_json
from vtbench.generators.pipelines.folder import LIBRARIES, PipelineFolder

SCHEDULER = "scheduler_config.json"


def load_pipeline(found: PipelineFolder, variant: str | None) -> tuple[Any, tuple[str, ...]]:
    """The pipeline in float32 on the CPU, in evaluation mode, without progress bars; and what is said of it.

    Networks are loaded one by one, since only then do the libraries tell which tensors were missing, and would stay at
    their random initial values, or left over, and belong to another network.

    Raises:
        AssetMissingError: diffusers, or transformers for a component of it, is not installed.
        AdapterError: a class that is not there, tensors that are missing, left over or of another shape, or keys of a
            network's configuration that its class does not take.
    """
    import torch

    try:
        import diffusers
    except ImportError as error:
        raise AssetMissingError("a diffusers pipeline needs diffusers", install_extra("hub")) from error
    kind: Any = getattr(diffusers, found.class_name, None)
    base: type = diffusers.DiffusionPipeline
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise AdapterError(f"{found.source}: diffusers {diffusers.__version__} has no pipeline {found.class_name}")
    loader: Any = kind
    networks = {name: _network(found, name, variant) for name in found.files if _library(found, name)}
    options = {"variant": variant, "use_safetensors": True, "local_files_only": True}
    diffusers.utils.logging.disable_progress_bar()
    try:
        pipeline = loader.from_pretrained(str(found.folder), **networks, **options)
    except Exception as error:
        raise AdapterError(f"{found.source}: diffusers cannot load it: {error}") from error
    finally:
        diffusers.utils.logging.enable_progress_bar()
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):  # brought to float32 here: the two libraries' defaults differ
            part.float().eval().requires_grad_(False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline, _unread_settings(pipeline, found)


def _library(found: PipelineFolder, name: str) -> str:
    """The library whose class a component is, empty for one of a pipeline's own; a class of transformers may be named
    by the module of diffusers that the pipeline lies in (``glm_image``)."""
    library, class_name = found.components[name]
    if library in LIBRARIES:
        return library
    try:
        import transformers
    except ImportError:
        return ""
    return "transformers" if hasattr(transformers, class_name) else ""


def _network(found: PipelineFolder, name: str, variant: str | None) -> Any:
    library, class_name = _library(found, name), found.components[name][1]
    where = f"{found.source}/{name}"
    try:
        module = importlib.import_module(library)
    except ImportError as error:
        raise AssetMissingError(f"{where} needs {library}", install_extra("hub")) from error
    kind = getattr(module, class_name, None)
    if kind is None:
        raise AdapterError(f"{where}: {library} {module.__version__} has no {class_name}")
    has_variant = any(f".{variant}" in file.name for file in found.files[name])
    try:
        network, report = kind.from_pretrained(
            str(found.folder / name),
            variant=variant if has_variant else None,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except Exception as error:
        raise AdapterError(f"{where}: {library} cannot load it: {error}", "is the file complete?") from error
    refuse_misfit(network, report, where)
    if library == "diffusers":
        refuse_keys(where, _config(found.folder / name / CONFIG), network, kind)
    return network


def _unread_settings(pipeline: Any, found: PipelineFolder) -> tuple[str, ...]:
    """Settings of a scheduler that neither its class nor a related one takes: the library ignores them."""
    notes = []
    for name, part in pipeline.components.items():
        file = found.folder / name / SCHEDULER
        if file.is_file() and hasattr(part, "extract_init_dict"):
            config = {key: value for key, value in _config(file).items() if value is not None}
            unread = sorted(type(part).extract_init_dict(config)[1])
            if unread:
                notes.append(f"{found.source}/{name}: {type(part).__name__} does not read {', '.join(unread)}")
    return tuple(notes)


def _config(file: Path) -> dict[str, Any]:
    found = read_json(file, AdapterError) if file.is_file() else {}
    return found if isinstance(found, dict) else {}
