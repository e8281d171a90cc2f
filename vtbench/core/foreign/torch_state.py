"""torch's settings that are one for the whole process, and the random streams: see ``process_state`` beside it.

torch is looked up among the modules that are loaded, never imported.
"""

from __future__ import annotations

import random
import sys
from operator import attrgetter
from typing import Any

from vtbench.core.foreign.process_state import Setting

_PRECISIONS = (
    "backends", "backends.cuda.matmul", "backends.cudnn", "backends.cudnn.conv", "backends.cudnn.rnn",
    "backends.mkldnn", "backends.mkldnn.matmul", "backends.mkldnn.conv", "backends.mkldnn.rnn",
)  # fmt: skip
"""Where torch keeps ``fp32_precision``, wholes before their parts; older releases have none of them."""

_FLAGS = (
    "backends.cudnn.enabled", "backends.cudnn.benchmark", "backends.cudnn.deterministic",
    "backends.cuda.matmul.allow_fp16_reduced_precision_reduction",
    "backends.cuda.matmul.allow_bf16_reduced_precision_reduction",
    "utils.deterministic.fill_uninitialized_memory",
)  # fmt: skip

# Denormal numbers become zero in a thread that was told so; torch can set that and not say it.
_SMALL = sys.float_info.min


def _torch() -> Any:
    return sys.modules["torch"]


def _at(path: str) -> Any:
    found = _torch()
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _flag(path: str) -> Setting:
    owner, _, name = path.rpartition(".")
    read = attrgetter(path)  # in C: these are read twice at every call
    return Setting(f"torch.{path}", "torch", lambda: read(_torch()), lambda value: setattr(_at(owner), name, value))


def _precision(owner: str) -> Setting:
    def write(value: str | None) -> None:
        if value is not None:
            _at(owner).fp32_precision = value

    return Setting(f"torch.{owner}.fp32_precision", "torch", lambda: getattr(_at(owner), "fp32_precision", None), write)


def _device() -> Any:
    torch = _torch()
    # A default tensor type of a GPU shows in new tensors alone, and nobody can have set one without CUDA.
    return torch.tensor(()).device if torch.cuda.is_initialized() else torch.get_default_device()


def _set_device(device: Any) -> None:
    torch = _torch()
    torch.set_default_device(None if device.type == "cpu" else device)
    if torch.cuda.is_initialized() and torch.tensor(()).device != device:
        dtype = torch.get_default_dtype()
        torch.set_default_tensor_type(torch.FloatTensor)
        torch.set_default_dtype(dtype)


def _autocast() -> tuple[Any, ...]:
    torch = _torch()
    return tuple((torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in ("cpu", "cuda"))


def _set_autocast(values: tuple[Any, ...]) -> None:
    for kind, (enabled, dtype) in zip(("cpu", "cuda"), values, strict=True):
        _torch().set_autocast_enabled(kind, enabled)
        _torch().set_autocast_dtype(kind, dtype)


def _attention() -> tuple[bool, ...]:
    cuda = _torch().backends.cuda
    return (
        cuda.flash_sdp_enabled(),
        cuda.mem_efficient_sdp_enabled(),
        cuda.math_sdp_enabled(),
        cuda.cudnn_sdp_enabled(),
    )


def _set_attention(values: tuple[bool, ...]) -> None:
    cuda = _torch().backends.cuda
    for switch, value in zip(
        (cuda.enable_flash_sdp, cuda.enable_mem_efficient_sdp, cuda.enable_math_sdp, cuda.enable_cudnn_sdp),
        values,
        strict=True,
    ):
        switch(value)


_inference_modes: list[Any] = []


def _set_inference(mode: bool) -> None:
    """Undo a mode that was entered and never left; torch ends one with its object, so the undoing one is kept."""
    undoing = _torch().inference_mode(mode)
    undoing.__enter__()
    _inference_modes.append(undoing)


def _cuda_device() -> int | None:
    cuda = _torch().cuda
    return cuda.current_device() if cuda.is_initialized() else None


def _set_cuda_device(index: int | None) -> None:
    if index is not None:
        _torch().cuda.set_device(index)


def _flushes() -> bool:
    return _SMALL / 2 == 0.0


def _torch_setting(name: str, read: str, write: str) -> Setting:
    reader = attrgetter(read)
    return Setting(name, "torch", lambda: reader(_torch())(), lambda value: _at(write)(value))


def _pop_modes(depth: int) -> None:
    """Modes that were entered and never left, such as ``torch.device("meta")`` as a context."""
    while _torch()._C._len_torch_function_stack() > depth:
        _torch()._C._pop_torch_function_stack()


TORCH: tuple[Setting, ...] = (
    # First, since restoring the others may make tensors.
    Setting("default device", "torch", _device, _set_device),
    Setting("modes", "torch", lambda: _torch()._C._len_torch_function_stack(), _pop_modes),
    _torch_setting("default dtype", "get_default_dtype", "set_default_dtype"),
    Setting("inference mode", "torch", lambda: _torch().is_inference_mode_enabled(), _set_inference),
    _torch_setting("grad mode", "is_grad_enabled", "set_grad_enabled"),
    Setting("autocast", "torch", _autocast, _set_autocast),
    _torch_setting("anomaly detection", "is_anomaly_enabled", "autograd.set_detect_anomaly"),
    _torch_setting("threads", "get_num_threads", "set_num_threads"),
    Setting("CUDA device", "torch", _cuda_device, _set_cuda_device),
    Setting("denormals", "torch", _flushes, lambda value: _torch().set_flush_denormal(value)),
    _torch_setting("deterministic algorithms", "get_deterministic_debug_mode", "set_deterministic_debug_mode"),
    *map(_flag, _FLAGS),
    Setting("attention kernels", "torch", _attention, _set_attention),
    _torch_setting("mkldnn", "_C._get_mkldnn_enabled", "_C._set_mkldnn_enabled"),
    # The older switches before the newer ones, which have the last word.
    _torch_setting("matmul precision", "get_float32_matmul_precision", "set_float32_matmul_precision"),
    _flag("backends.cuda.matmul.allow_tf32"),
    _flag("backends.cudnn.allow_tf32"),
    *map(_precision, _PRECISIONS),
)


def forget_precisions() -> None:
    """float32 at full precision on every backend, whichever of torch's ways to say another was used."""
    for owner in _PRECISIONS:
        if hasattr(_at(owner), "fp32_precision"):
            _at(owner).fp32_precision = "none"
    _torch().set_float32_matmul_precision("highest")


def save_streams() -> list[Any]:
    """The state of every global random stream; a library that is not loaded has none."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    cuda = torch.cuda if torch is not None and torch.cuda.is_initialized() else None
    return [
        random.getstate(),
        None if numpy is None else numpy.random.get_state(),
        None if torch is None else torch.get_rng_state(),
        None if cuda is None else cuda.get_rng_state_all(),  # of every GPU: `seed_streams` seeds them all
    ]


def restore_streams(saved: list[Any]) -> None:
    """What :func:`save_streams` found."""
    own, of_numpy, of_torch, of_cuda = saved
    random.setstate(own)
    if of_numpy is not None:
        sys.modules["numpy"].random.set_state(of_numpy)
    if of_torch is not None:
        _torch().set_rng_state(of_torch)
    if of_cuda is not None:
        _torch().cuda.set_rng_state_all(of_cuda)


def seed_streams(seed: int) -> None:
    """Start every global random stream at ``seed``."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    if "torch" in sys.modules:
        torch = _torch()
        torch.default_generator.manual_seed(seed)  # manual_seed() would note the call stack for a CUDA not yet there
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(seed)
