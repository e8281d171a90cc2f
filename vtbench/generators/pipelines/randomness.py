"""Calls whose images depend on their own seed only, also where the callee draws from the global random state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import Condition

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class SeededCalls:
    """Calls in batches until the first one that moves the global random state; from then on one image at a time.

    The global state is what it was after every call.

    Args:
        call: conditions and a CPU generator each to ``[B,3,H,W]``.
        batched: whether several images are asked for at once at all.
    """

    def __init__(
        self, call: Callable[[Sequence[Condition], list[torch.Generator]], Tensor], batched: bool = True
    ) -> None:
        self._call = call
        self._batched = batched

    def sample(self, conditions: Sequence[Condition], seeds: Sequence[int]) -> Tensor:
        """``[B,3,H,W]``."""
        import torch

        if self._batched:
            with _own_random_state():
                before = _states()
                images = self._call(conditions, _generators(seeds))
                if all(map(torch.equal, before, _states())):
                    return images
            self._batched = False
        return torch.cat([self._alone(condition, seed) for condition, seed in zip(conditions, seeds, strict=True)])

    def _alone(self, condition: Condition, seed: int) -> Tensor:
        import torch

        with _own_random_state():
            torch.manual_seed(seed)
            return self._call([condition], _generators([seed]))


def _generators(seeds: Sequence[int]) -> list[torch.Generator]:
    import torch

    return [torch.Generator("cpu").manual_seed(seed) for seed in seeds]


def _states() -> list[Tensor]:
    import torch

    return [torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in _devices())]


def _devices() -> list[int]:
    """GPUs; none before the first use of one, which asking for their state would be."""
    import torch

    cuda: Any = torch.cuda
    return list(range(cuda.device_count())) if cuda.is_available() and cuda.is_initialized() else []


@contextmanager
def _own_random_state() -> Iterator[Any]:
    import torch

    with torch.random.fork_rng(_devices()):
        yield
