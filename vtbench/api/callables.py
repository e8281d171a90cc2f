"""A function as a model: ``vtbench.reconstructor`` and ``vtbench.sampler`` make adapters of callables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.foreign.returned import in_words, require_images
from vtbench.core.info import ConditionKind, GeneratorInfo, TokenizerInfo, role_problem

if TYPE_CHECKING:
    from torch import Tensor

_OVERSHOOT = 0.1
"""How far a decoder may leave [0, 1] before its range is looked at."""
_CLOSE, _GAIN = 0.02, 4.0
"""An output is taken to be in another range where that reading is this close to the input (mean squared error), and
this many times closer than the output as it is."""
_LEVELS = 64.0
"""A value that only images in 8-bit levels have."""


class CallableReconstructor:
    """A function from images to images, as a :class:`~vtbench.core.contracts.Reconstructor`."""

    def __init__(self, function: Callable[[Tensor], Tensor], info: TokenizerInfo) -> None:
        self.function, self.info = function, info

    def reconstruct(self, images: Tensor) -> Tensor:
        """``float32 [B,3,H,W]`` in [0, 1] to the same shape.

        Raises:
            AdapterError: another shape or dtype came back, or values of another range.
        """
        output = self.function(images)
        shape = tuple(images.shape)
        require_images(self.info.name, output, shape, f"images of {list(shape)}")
        _refuse_other_range(self.info.name, output, images)
        return output


class CallableGenerator:
    """A function from conditions and seeds to images, as a :class:`~vtbench.core.contracts.Generator`."""

    def __init__(self, function: Callable[[Any, Tensor], Tensor], info: GeneratorInfo) -> None:
        self.function, self.info = function, info

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """``B`` conditions and ``int64 [B]`` seeds to ``float32 [B,3,H,W]`` around [0, 1].

        Raises:
            AdapterError: another shape or dtype came back, or values of another range.
        """
        output = self.function(self._given(conditions), seeds)
        require_images(self.info.name, output, (len(conditions), 3), f"{len(conditions)} conditions")
        _refuse_levels(self.info.name, output)
        return output

    def _given(self, conditions: Sequence[Condition]) -> Any:
        import torch

        if self.info.images:
            return list(conditions)
        if self.info.conditions == "class":
            return torch.tensor([condition.label for condition in conditions], dtype=torch.int64)
        if self.info.conditions == "prompt":
            return [condition.prompt or "" for condition in conditions]
        return len(conditions)


def reconstructor(function: Callable[[Tensor], Tensor], *, name: str) -> CallableReconstructor:
    """A callable as a model that :func:`vtbench.evaluate` takes.

    ``vtbench.reconstructor(lambda x: vae(x).sample, name="step-5000")``

    Networks that the callable holds, closes over or names are in evaluation mode while it is measured, and in their
    own modes afterwards.

    Args:
        function: ``float32 [B,3,H,W]`` in [0, 1] to the same; may leave the range a little, and is clamped. An image
            whose output holds NaN or infinity is recorded as failed.
        name: what tables call it.

    Raises:
        UsageError: no callable, or an empty name.
    """
    _check(function, name, "a function from images [B,3,H,W] to images")
    return CallableReconstructor(function, TokenizerInfo(name=name, kind="continuous", family="callable"))


def sampler(
    function: Callable[[Any, Tensor], Tensor],
    *,
    name: str,
    conditions: ConditionKind,
    classes: int = 0,
    settings: Mapping[str, Any] | None = None,
    images: Sequence[str] = (),
) -> CallableGenerator:
    """A callable as a generator that ``vtbench.evaluate`` takes.

    Args:
        function: called with conditions and ``seeds`` (``int64 [B]``); returns ``float32 [B,3,H,W]`` around [0, 1].
            Conditions are labels ``int64 [B]`` for ``"class"``, a list of texts for ``"prompt"``, and the number of
            images for ``"none"``. An image may depend on its own condition and seed only.
        name: what tables call it.
        conditions: ``"class"``, ``"prompt"`` or ``"none"``.
        classes: how many, where they are known; 0 where not.
        settings: what the record says it samples with: temperature, steps …
        images: roles of the images that it needs beside, as ``["source"]``. Conditions are then a list of
            :class:`~vtbench.core.contracts.Condition`, with ``label``, ``prompt`` and ``image(role)``.

    Raises:
        UsageError: no callable, an empty name, another kind of conditions, or a role that is no name.
    """
    _check(function, name, "a function of conditions and seeds")
    if isinstance(images, str) or (problem := next(filter(None, map(role_problem, images)), "")):
        raise UsageError(f"images={images!r}", problem if not isinstance(images, str) else "give a list of roles")
    if conditions not in get_args(ConditionKind):
        raise UsageError(f"conditions={conditions!r}", f"one of {', '.join(get_args(ConditionKind))}")
    info = GeneratorInfo(
        name=name,
        conditions=conditions,
        family="callable",
        classes=classes,
        sampler=dict(settings or {}),
        images=tuple(images),
    )
    return CallableGenerator(function, info)


def _check(function: object, name: str, expected: str) -> None:
    if not callable(function):
        raise UsageError(f"{in_words(function)} cannot be called", f"give {expected}")
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"name={name!r}", 'give it a name: name="step-5000"')


def _refuse_other_range(name: str, output: Tensor, images: Tensor) -> None:
    """Outputs in [-1, 1] or in 8-bit levels would be clamped to plausible, wrong numbers.

    Which range an output is in shows in comparison with the input only: a decoder that is not trained yet may leave
    [0, 1] by as much.
    """
    shown = output.detach().float()
    low, high = _span(shown)
    if low > -_OVERSHOOT and high < 1.0 + _OVERSHOOT:
        return
    as_it_is = _error(shown.clamp(0.0, 1.0), images)
    for reading, told in (((shown + 1.0) / 2.0, "(x + 1) / 2"), (shown / 255.0, "x / 255")):
        error = _error(reading, images)
        if error < _CLOSE and _GAIN * error < as_it_is:
            raise AdapterError(f"{name} returned values in [{low:.2f}, {high:.2f}]", f"return images in [0, 1]: {told}")


def _refuse_levels(name: str, output: Tensor) -> None:
    """Of samples there is no input to compare with: only 8-bit levels are beyond doubt."""
    low, high = _span(output.detach().float())
    if high > _LEVELS and low > -1.0:
        raise AdapterError(f"{name} returned values in [{low:.0f}, {high:.0f}]", "return images in [0, 1]: x / 255")


def _span(values: Tensor) -> tuple[float, float]:
    """Smallest and largest of the finite values; those that are not are told sample by sample."""
    import torch

    finite = torch.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return float(finite.min()), float(finite.max())


def _error(values: Tensor, images: Tensor) -> float:
    """Mean squared error over the finite values."""
    import torch

    difference = torch.nan_to_num(values - images.to(values.device), nan=0.0, posinf=0.0, neginf=0.0)
    return float(difference.square().mean())
