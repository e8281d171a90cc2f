"""Images on their way to the device and numbers on their way back, while both go on with what they do.

On a GPU copies have streams of their own and memory that is pinned. Nothing here waits but what :meth:`Transfers.asked`
gives, which whoever needs the numbers calls once for all that was asked before. On a CPU there is nothing to copy, and
nothing to wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import Prepared

Found = TypeVar("Found")


class Transfers(Protocol):
    """Between the host and one device.

    Attributes:
        lags: the device works on while the host goes ahead, so that what it found is known later.
    """

    lags: bool

    def ready(self, sample: Prepared) -> Prepared:
        """The sample in memory from which it can be sent; called wherever samples are loaded."""

    def there(self, images: Sequence[Tensor]) -> Tensor:
        """Images of one shape, of the host or of the device, as one tensor ``[B,*shape]`` on the device."""

    def back(self, tensor: Tensor) -> Tensor:
        """A tensor of the host that will hold what this one holds, once :meth:`asked` says so."""

    def asked(self) -> Callable[[], None]:
        """Waits until everything that was asked until now is there; may be called in another thread."""


class OnHost:
    """The device is the host."""

    lags = False

    def ready(self, sample: Prepared) -> Prepared:
        """As it is."""
        return sample

    def there(self, images: Sequence[Tensor]) -> Tensor:
        """Stacked."""
        return torch.stack(list(images))

    def back(self, tensor: Tensor) -> Tensor:
        """Itself."""
        return tensor.cpu()

    def asked(self) -> Callable[[], None]:
        """Nothing is to be waited for."""
        return _nothing


class ToGpu:
    """A stream for copies to a GPU, and one for copies back.

    Args:
        device: the GPU.
    """

    lags = True

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._sending, self._returning = (torch.cuda.Stream(device) for _ in range(2))  # type: ignore[no-untyped-call]

    def ready(self, sample: Prepared) -> Prepared:
        """Pinned; what is both input and reference once."""
        given = sample.model_input.pin_memory()
        reference = given if sample.reference is sample.model_input else sample.reference.pin_memory()
        return replace(sample, model_input=given, reference=reference)

    def there(self, images: Sequence[Tensor]) -> Tensor:
        """Images of the host are sent while the device works; what it is asked next waits for them."""
        if images[0].device == self._device:
            return torch.stack(list(images))
        working = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._sending):
            sent = torch.empty((len(images), *images[0].shape), dtype=images[0].dtype, device=self._device)
            for place, image in enumerate(images):
                sent[place].copy_(image if image.is_pinned() else image.pin_memory(), non_blocking=True)
        working.wait_stream(self._sending)
        sent.record_stream(working)
        return sent

    def back(self, tensor: Tensor) -> Tensor:
        """Copied while the device goes on."""
        if tensor.device != self._device:
            return tensor
        held = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        self._returning.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._returning):
            held.copy_(tensor, non_blocking=True)
        tensor.record_stream(self._returning)
        return held

    def asked(self) -> Callable[[], None]:
        """An event behind both the work and its copies."""
        self._returning.wait_stream(torch.cuda.current_stream(self._device))
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(self._returning)
        wait: Callable[[], None] = event.synchronize
        return wait


@lru_cache(maxsize=8)
def transfers_to(device: torch.device) -> Transfers:
    """Those of a device; one a process."""
    return ToGpu(device) if device.type == "cuda" else OnHost()


def when_done(transfers: Transfers, finish: Callable[[], Found]) -> Callable[[], Found]:
    """What ``finish`` finds, to be asked for once; where nothing lags it is found now."""
    if transfers.lags:
        return finish
    found = finish()
    return lambda: found


def codes_back(codes: Codes, transfers: Transfers) -> Codes:
    """Codes as they are counted on the host; of latents only how many there are."""
    return Codes(
        levels=tuple(transfers.back(level) for level in codes.levels),
        bits=tuple(transfers.back(plane) for plane in codes.bits),
        latents=None if codes.latents is None else codes.latents.to("meta"),
        payload=codes.payload,
        bits_per_image=None if codes.bits_per_image is None else transfers.back(codes.bits_per_image),
        image_size=codes.image_size,
    )


def _nothing() -> None:
    pass
