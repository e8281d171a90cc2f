"""Somebody else's metrics, extractors and models on a CPU: the same bits at any number of threads, as vtbench's own.

Its own metrics and extractors see to that themselves. Others run on one thread, or, where they say by
``concurrent = True`` that several threads may call them at once, an image at a time on as many as there are. A model
without that word keeps its threads: one would make it slow, and the bits of its images are then those of the number of
threads that the record names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from vtbench.core.codes import Codes
from vtbench.core.threads.lanes import in_lanes, on_one_thread

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def steady(thing: Any) -> Any:
    """A metric or an extractor as it is, or in the same interface with its threads seen to."""
    return thing if is_own(thing) else _Steady(thing)


def is_own(thing: object) -> bool:
    """Whether its class is vtbench's."""
    return type(thing).__module__.partition(".")[0] == "vtbench"


def one_thread_unless_own(thing: object) -> AbstractContextManager[None]:
    """Around a call of what takes more than an image: a metric of blocks or of sets."""
    return nullcontext() if is_own(thing) else on_one_thread()


class _Steady:
    """Everything but calls is that of what is called."""

    def __init__(self, called: Any) -> None:
        self._called = called

    def __getattr__(self, name: str) -> Any:
        if name == "_called":  # asked before it is there, by what copies objects
            raise AttributeError(name)
        return getattr(self._called, name)

    def to(self, *, device: torch.device | str) -> _Steady:
        """Move what can be moved; returns itself."""
        if hasattr(self._called, "to"):
            self._called = self._called.to(device=device)
        return self

    def __call__(self, images: Tensor, *others: Any) -> Any:
        """Batches of equal length to what is found of them."""
        if images.device.type != "cpu":
            return self._called(images, *others)
        if getattr(self._called, "concurrent", False) and len(images):
            batches = (images, *others)
            found = in_lanes(lambda at: self._called(*(batch[at : at + 1] for batch in batches)), range(len(images)))
            return _joined(found)
        with on_one_thread():
            return self._called(images, *others)


def _joined(parts: Sequence[Any]) -> Any:
    """A tensor or array an image, or several by name, as one of all."""
    import torch

    if isinstance(parts[0], Mapping):
        return {name: _joined([part[name] for part in parts]) for name in parts[0]}
    return torch.cat([torch.as_tensor(part) for part in parts])


def model_in_lanes(model: Any, device: torch.device) -> Any:
    """A tokenizer or reconstructor that runs an image at a time, a thread each, where it may; else as it is."""
    return _InLanes(model) if device.type == "cpu" and getattr(model, "concurrent", False) else model


class _InLanes:
    """What a batch gives is what its images give: no bit depends on the batch size either."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def encode(self, images: Tensor, seeds: Tensor | None = None) -> Any:
        """The codes of each image, joined."""
        parts = self._each("encode", _each_of(images), seeds)
        return Codes.joined(parts) if all(isinstance(part, Codes) for part in parts) else parts[0]

    def decode(self, codes: Codes, seeds: Tensor | None = None) -> Any:
        """The image of each code, stacked."""
        return _stacked(self._each("decode", [codes.select([at]) for at in range(codes.batch_size)], seeds))

    def reconstruct(self, images: Tensor, seeds: Tensor | None = None) -> Any:
        """Each image, stacked."""
        return _stacked(self._each("reconstruct", _each_of(images), seeds))

    def _each(self, method: str, given: Sequence[Any], seeds: Tensor | None) -> list[Any]:
        called = getattr(self._model, method)
        extra = [{} if seeds is None else {"seeds": seeds[at : at + 1]} for at in range(len(given))]
        return in_lanes(lambda at: called(given[at], **extra[at]), range(len(given)))


def _each_of(images: Tensor) -> list[Tensor]:
    return [images[at : at + 1] for at in range(len(images))]


def _stacked(parts: Sequence[Any]) -> Any:
    """Whatever else is not as it should be, the first shows as well as all."""
    import torch

    return torch.cat(list(parts)) if all(isinstance(part, torch.Tensor) for part in parts) else parts[0]
