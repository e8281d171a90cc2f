"""A diffusers network from its folder: every key of the configuration and every tensor accounted for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.assets.checkpoint import load_checkpoint
from vtbench.assets.weight_files import read_shards
from vtbench.assets.wrapped_names import told, unwrapped
from vtbench.checkpoints.naming import renamed
from vtbench.checkpoints.pretrained import CONFIG, Checkpoint
from vtbench.checkpoints.state import fill, without_initialisation
from vtbench.core.errors import AdapterError, AssetMissingError, VtbenchError
from vtbench.core.extras import install_extra

if TYPE_CHECKING:
    from torch import Tensor

OLD_ATTENTION = (
    (r"\.query\.(weight|bias)$", r".to_q.\1"),
    (r"\.key\.(weight|bias)$", r".to_k.\1"),
    (r"\.value\.(weight|bias)$", r".to_v.\1"),
    (r"\.proj_attn\.(weight|bias)$", r".to_out.0.\1"),
)
"""Names of attention in checkpoints older than 2023, as the library itself still reads them."""

OF_PIPELINES = ("force_upcast",)
"""Keys that tell a pipeline in which precision to run a network: they change nothing of it, taken or not."""


def load_network(checkpoint: Checkpoint, class_name: str, family: str) -> tuple[Any, tuple[str, ...]]:
    """The network in float32 on the CPU, in evaluation mode, and what a reader of its numbers must know.

    Args:
        checkpoint: configuration and files.
        class_name: of the library.
        family: the adapter's name, for messages.

    Raises:
        AssetMissingError: diffusers is not installed.
        AdapterError: keys that the class does not take, or tensors that are missing, left over or of another shape.
    """
    try:
        import diffusers
    except ImportError as error:
        raise AssetMissingError(f"{family} needs diffusers", install_extra("hub")) from error
    network = _built(getattr(diffusers, class_name), checkpoint)
    state, wrappers = _fitting(read_tensors(checkpoint.files), network.state_dict())
    ignored = tuple(getattr(network, "_keys_to_ignore_on_load_unexpected", None) or ())
    state = {name: tensor for name, tensor in state.items() if not any(re.search(rule, name) for rule in ignored)}
    fill(network, state, family=family, source=checkpoint.source)
    notes = (told(checkpoint.source, wrappers),) if wrappers else ()
    return network.eval().requires_grad_(False), notes


def read_tensors(files: Iterable[Path]) -> dict[str, Tensor]:
    """The tensors of all files, in the precision they are stored in.

    Raises:
        AdapterError: a file that is damaged or no safetensors, or one name in two files.
    """
    try:
        return read_shards(files, load_checkpoint)
    except VtbenchError as error:
        raise AdapterError(error.what, error.hint) from error


def refuse_keys(source: str, config: Mapping[str, Any], network: Any, *others: type) -> None:
    """Refuse keys of a configuration that say something and that no constructor takes.

    Args:
        source: for messages.
        config: as its file has it. The library's own keys begin with ``_``.
        network: made from it.
        others: classes that the network stands in for, whose arguments count too.

    Raises:
        AdapterError: there are such keys.
    """
    import diffusers

    kind = type(network)
    own = _registered(kind, config, others)
    unknown = (key for key in _unknown(config, kind, *others) if key not in OF_PIPELINES)
    left = [key for key in unknown if key not in own or own[key] != _plain(config[key])]
    if left:
        raise AdapterError(
            f"{source}: {CONFIG} has keys that {kind.__name__} of diffusers {diffusers.__version__} does not take: "
            f"{', '.join(left)}",
            "they may describe another network: use the version of diffusers that wrote them; remove them from "
            f"{CONFIG} only where they change nothing",
        )


def _unknown(config: Mapping[str, Any], *classes: Any) -> list[str]:
    taken = {name for kind in classes for name in inspect.signature(kind.__init__).parameters}
    return [key for key, value in config.items() if not key.startswith("_") and key not in taken and value is not None]


def _registered(kind: Any, config: Mapping[str, Any], others: Iterable[type]) -> dict[str, Any]:
    """What a class writes into its configuration itself, beside its arguments; those entries must agree."""
    import torch

    unknown = _unknown(config, kind, *others)
    if not unknown:
        return {}
    with torch.device("meta"), without_initialisation():
        made = kind.from_config({key: value for key, value in config.items() if key not in unknown})
    return {key: _plain(value) for key, value in made.config.items()}


def _built(kind: Any, checkpoint: Checkpoint) -> Any:
    """The network its configuration describes."""
    known = {key: value for key, value in checkpoint.config.items() if key not in _unknown(checkpoint.config, kind)}
    try:
        with without_initialisation():
            network = kind.from_config(known)
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise AdapterError(f"{checkpoint.source}: diffusers cannot build a {kind.__name__}: {first}") from error
    refuse_keys(checkpoint.source, checkpoint.config, network)
    return network


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _fitting(state: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """The state under the network's names: unwrapped where nothing fits as it is, old names of attention renewed."""
    wrappers = ""
    if not any(name in wanted for name in state):
        state, wrappers = unwrapped(state)
    old = {name: tensor for name, tensor in state.items() if name not in wanted}
    new = renamed(old, OLD_ATTENTION)
    if len(new) < len(old) or any(name in state for name in new if name not in old):
        return state, wrappers  # two tensors for one place: the names stay, to be told
    return {name: tensor for name, tensor in state.items() if name in wanted} | new, wrappers
