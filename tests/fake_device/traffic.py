"""A GPU that computes nothing: torch's fake tensors on ``cuda``, and a count of what crosses between it and the host.

Under :class:`FakeGpu` an operation on tensors of two devices raises, as on a real GPU. What makes a real GPU or its
host wait for the other is counted, with the function of vtbench that asked for it. All that has nothing to do with the
GPU is done for real: seeds, random numbers of the host, schedules. Streams and events are there where
:meth:`FakeGpu.with_streams` is said: they take note of who waits, and memory counts as pinned where it was asked for.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import vtbench

GPU = torch.device("cuda", 0)
_PACKAGE = Path(vtbench.__file__).parent
_ATEN = torch.ops.aten
_NUMBERS = (_ATEN._local_scalar_dense.default, _ATEN.item.default)
_COPIES = {_ATEN._to_copy.default: 0, _ATEN.copy_.default: 1}
# One for the whole process: tensors that vtbench keeps by device may be met again in another test.
_FAKES = FakeTensorMode(allow_non_fake_inputs=True)


class FakeGpu(TorchDispatchMode):
    """Counts, while it is entered, what crosses.

    A number read from the device is 1, or true: nobody knows what it would have been. What needs to know how many of
    its values are true (``nonzero``) cannot be told, and raises torch's ``DynamicOutputShapeException``.

    Attributes:
        to_host: copies and numbers read, by ``module.py:function``.
        to_device: copies, likewise.
        beside: copies, either way, between pinned memory and the device that nobody waits for.
        waits: waiting for an event or for the device, by the thread that did.
    """

    def __init__(self) -> None:
        super().__init__()
        self.to_host: Counter[str] = Counter()
        self.to_device: Counter[str] = Counter()
        self.beside: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()

    def __enter__(self) -> FakeGpu:
        _FAKES.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        _FAKES.__exit__(*raised)

    def count_anew(self) -> None:
        """Nothing has crossed."""
        for counter in (self.to_host, self.to_device, self.beside, self.waits):
            counter.clear()

    @contextmanager
    def with_streams(self) -> Iterator[None]:
        """In the body ``torch.cuda`` has streams and events, which take no time, and memory can be pinned."""

        def event(**_: Any) -> _Event:
            return _Event(self._waited)

        with (
            patch("torch.cuda.Stream", lambda *_: _Stream()),
            patch("torch.cuda.current_stream", lambda *_: _Stream()),
            patch("torch.cuda.stream", lambda _: nullcontext()),
            patch("torch.cuda.Event", event),
            patch("torch.cuda.synchronize", lambda *_: self._waited()),
            patch("torch.cuda.max_memory_allocated", lambda *_: 0),
            patch.object(Tensor, "record_stream", lambda *_: None),
            patch.object(Tensor, "pin_memory", _pinned),
            patch.object(Tensor, "is_pinned", lambda tensor: getattr(tensor, "_pinned_here", False)),
        ):
            yield

    def _waited(self) -> None:
        self.waits[threading.current_thread().name] += 1

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        pinned = bool(kwargs.pop("pin_memory", False))
        if pinned:
            return _pinned(func(*args, **kwargs))
        if not _concerns_gpu(args, kwargs):
            with unset_fake_temporarily():
                return func(*args, **kwargs)
        if func in _NUMBERS:
            return self._number(args[0])
        if func.namespace == "aten" and _is_composite(func):  # inference mode hands these over whole
            with self:
                return func.decompose(*args, **kwargs)
        found = func(*args, **kwargs)
        if func in _COPIES:
            self._copied(args, kwargs, args[_COPIES[func]], found)
        return found

    def _copied(self, args: Any, kwargs: Mapping[str, Any], source: Tensor, target: Tensor) -> None:
        """A copy that need not be waited for is one between the device and pinned memory."""
        free = kwargs.get("non_blocking") or (len(args) > 2 and args[2] is True)
        host = source if source.device.type == "cpu" else target
        if free and source.device.type != target.device.type and getattr(host, "_pinned_here", False):
            self.beside[_asking()] += 1
        else:
            self._count(source.device, target.device)

    def _number(self, tensor: Tensor) -> Any:
        self._count(tensor.device, torch.device("cpu"))
        return True if tensor.dtype is torch.bool else 1.0 if tensor.is_floating_point() else 1

    def _count(self, source: torch.device, target: torch.device) -> None:
        if source.type != target.type:
            counter = self.to_host if target.type == "cpu" else self.to_device
            counter[_asking()] += 1


class _Stream:
    """Work of its own that is done at once."""

    def wait_stream(self, stream: _Stream) -> None:
        """Nothing to wait for."""


class _Event:
    """A mark in a stream."""

    def __init__(self, waited: Callable[[], None]) -> None:
        self.synchronize = waited

    def record(self, stream: _Stream) -> None:
        """Nothing happens."""

    def elapsed_time(self, later: _Event) -> float:
        """Milliseconds to a later one."""
        return 0.0


def _pinned(tensor: Tensor) -> Tensor:
    tensor._pinned_here = True  # type: ignore[attr-defined]
    return tensor


def _concerns_gpu(args: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether something lies there, comes from there, or is to go there."""
    return any(
        isinstance(leaf, FakeTensor) or (isinstance(leaf, torch.device) and leaf.type == "cuda")
        for leaf in tree_leaves((args, kwargs))
    )


def _is_composite(func: Any) -> bool:
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")


def _asking() -> str:
    """The innermost function of vtbench, ``module.py:function``."""
    frame = sys._getframe(1)
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if _PACKAGE in file.parents:
            return f"{file.relative_to(_PACKAGE).as_posix()}:{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return "elsewhere"
