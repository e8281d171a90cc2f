"""A diffusers pipeline from its folder: safetensors only, no code of its own, every tensor accounted for."""

from __future__ import annotations

import importlib
from typing import Any

from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.generators.pipeline_folder import LIBRARIES, PipelineFolder


def load_pipeline(found: PipelineFolder, variant: str | None) -> Any:
    """The pipeline in float32 on the CPU, in evaluation mode, without progress bars.

    Networks are loaded one by one, since only then do the libraries tell which tensors were missing: those would
    silently stay at their random initial values.

    Raises:
        AssetMissingError: diffusers, or transformers for a component of it, is not installed.
        AdapterError: a class that is not there, or weights that do not fill a network.
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
    networks = {name: _network(found, name, variant) for name in found.files if found.components[name][0] in LIBRARIES}
    options = {"variant": variant, "use_safetensors": True, "local_files_only": True}
    diffusers.utils.logging.disable_progress_bar()
    try:
        pipeline = loader.from_pretrained(str(found.folder), **networks, **options)
    except (OSError, ValueError, RuntimeError, TypeError, ImportError) as error:
        raise AdapterError(f"{found.source}: diffusers cannot load it: {error}") from error
    finally:
        diffusers.utils.logging.enable_progress_bar()
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):  # brought to float32 here: the two libraries' defaults differ
            part.float().eval().requires_grad_(False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _network(found: PipelineFolder, name: str, variant: str | None) -> Any:
    library, class_name = found.components[name]
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
    except (OSError, ValueError, RuntimeError) as error:
        raise AdapterError(f"{where}: {library} cannot load it: {error}", "is the file complete?") from error
    wrong = {key: sorted(map(str, report[key])) for key in ("missing_keys", "mismatched_keys") if report.get(key)}
    if wrong:
        raise AdapterError(f"{where}: the weights do not fill the model: {wrong}", "is the file complete?")
    return network
