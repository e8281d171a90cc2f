"""What a model gave back, in words, where it is not what the contract asks for."""

from __future__ import annotations

import sys
from typing import Any

from vtbench.core.errors import AdapterError, ForeignCodeError

_MOST_SHOWN = 4


def require_images(name: str, value: Any, shape: tuple[int, ...], cause: str) -> None:
    """Check that a model returned float images of one shape.

    Args:
        name: of the model.
        value: what it returned.
        shape: ``(B, 3, H, W)`` that is due, of clips ``(B, T, 3, H, W)``; ``H`` and ``W`` are left out where any size
            is.
        cause: what it was asked with, for the message.

    Raises:
        AdapterError: no tensor, another shape, or no floating point.
    """
    require_tensor(name, value, cause)
    axes = 4 if len(shape) in (2, 4) else 5
    if value.ndim != axes or tuple(value.shape[: len(shape)]) != shape:
        advice = (_clip_advice if axes == 5 else _shape_advice)(tuple(value.shape), shape)
        raise AdapterError(f"{name} returned {in_words(value)} for {cause}", advice)
    if not value.is_floating_point():
        raise AdapterError(f"{name} returned {in_words(value)}", "return float images around [0, 1]")


def require_tensor(name: str, value: Any, cause: str) -> None:
    """Check that a model returned images, whatever they look like.

    Raises:
        AdapterError: something that holds them, or anything else that is no tensor.
    """
    if not _is_tensor(value):
        raise AdapterError(f"{name} returned {in_words(value)} for {cause}", f"return the images alone{_which(value)}")


def one_number_each(name: str, value: Any, count: int) -> list[float]:
    """The values of a metric, one for each image that it was given.

    Raises:
        ForeignCodeError: no tensor or array of that shape.
    """
    values: list[float] = require_one_each(name, value, count).tolist()
    return values


def require_one_each(name: str, value: Any, count: int) -> Any:
    """What a metric returned, a tensor or an array ``[count]``, wherever it lies; nothing of it is read.

    Raises:
        ForeignCodeError: it is neither, or of another shape.
    """
    if tuple(getattr(value, "shape", ())) != (count,):
        raise ForeignCodeError(f"{name} returned {in_words(value)} for {count} images", "return float64 [B]")
    return value


def in_words(value: Any) -> str:
    """A tensor by its dtype and shape, a container by what is in it, anything else by its type."""
    kind = type(value).__name__
    if _is_tensor(value):
        return f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
    if value is None:
        return "nothing (None)"
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        parts = [in_words(part) for part in value[:_MOST_SHOWN]]
        return f"a {kind} of {len(value)} ({', '.join(parts)}{', …' if len(value) > _MOST_SHOWN else ''})"
    fields = _fields(value)
    if fields:
        parts = [f"{name}: {in_words(part)}" for name, part in fields[:_MOST_SHOWN]]
        return f"a {kind} with {', '.join(parts)}{', …' if len(fields) > _MOST_SHOWN else ''}"
    return f"a {kind}"


def _which(value: Any) -> str:
    """How to take the images out of what holds them."""
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        places = [f"[{index}]" for index, part in enumerate(value) if _is_tensor(part) and part.ndim == 4]
    else:
        shown = "[{!r}]" if isinstance(value, dict) else ".{}"
        places = [shown.format(name) for name, part in _fields(value) if _is_tensor(part) and part.ndim == 4]
    return f": {places[0]} of it looks like them" if places else " as a tensor float32 [B,3,H,W]"


def _fields(value: Any) -> list[tuple[str, Any]]:
    """The named parts of a dictionary, a named tuple, a data class or a plain object that hold something."""
    if isinstance(value, dict):
        held: dict[Any, Any] = value
    elif hasattr(value, "_asdict"):
        held = value._asdict()
    else:
        held = getattr(value, "__dict__", {})
    return [(str(name), part) for name, part in held.items() if _is_tensor(part) or isinstance(part, (tuple, list))]


def _shape_advice(got: tuple[int, ...], due: tuple[int, ...]) -> str:
    if len(got) != 4:
        return "return [B,3,H,W]"
    if got[0] != due[0]:
        return f"return one image for each that was given: {due[0]}"
    if got[1] != 3:
        return "return [B,3,H,W]: three channels, before height and width"
    return "a decoder must return [B,3,H,W] of the size that was encoded: crop its padding off"


def _clip_advice(got: tuple[int, ...], due: tuple[int, ...]) -> str:
    if len(got) == 5 and got[1:3] == (3, due[1]):
        return "return [B,T,3,H,W]: time before colours, clips.transpose(1, 2)"
    if len(got) == 5 and got[0] == due[0] and got[2] == 3 and got[1] != due[1]:
        return f"return clips of {due[1]} frames, as many as are asked for"
    return f"return [B,T,3,H,W], one clip for each that was given: {list(due)}"


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)
