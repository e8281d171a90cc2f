"""Published tensors into a network: every one accounted for, in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AdapterError

if TYPE_CHECKING:
    from torch import Tensor

SHOWN = 4
_INITIALISERS = frozenset(
    f"{name}_"
    for name in (
        *("uniform", "normal", "trunc_normal", "exponential", "erfinv", "orthogonal"),
        *("kaiming_uniform", "kaiming_normal", "xavier_uniform", "xavier_normal"),
    )
)


def fill(
    network: Any,
    state: Mapping[str, Tensor],
    *,
    family: str,
    source: str,
    ignore_unexpected: Sequence[str] = (),
    ignore_missing: Sequence[str] = (),
) -> None:
    """Put every tensor in; floating-point ones in the network's own precision, whatever the file's.

    Args:
        network: module whose parameters and buffers are wanted; its tensors are replaced, not copied into.
        state: published tensors, under the network's names.
        family: named in messages.
        source: file, named in messages.
        ignore_unexpected: fnmatch patterns of tensors the network has no use for.
        ignore_missing: fnmatch patterns of buffers that the network computes itself; a parameter is never left out.

    Raises:
        AdapterError: tensors missing, left over or of another shape: the first of each are named.
    """
    wanted = network.state_dict()
    parameters = {name for name, _ in network.named_parameters(remove_duplicate=False)}
    missing = [
        name for name in wanted if name not in state and (name in parameters or not matches(name, ignore_missing))
    ]
    given = {name: value for name, value in state.items() if not matches(name, ignore_unexpected)}
    unexpected = [name for name in given if name not in wanted]
    shapes = [
        f"{name} is {_shape(given[name])} in the file, {_shape(value)} is expected"
        for name, value in wanted.items()
        if name in given and given[name].shape != value.shape
    ]
    shapes += [
        f"{name} holds {given[name].dtype}, {value.dtype} is expected"
        for name, value in wanted.items()
        if name in given and given[name].is_floating_point() != value.is_floating_point()
    ]
    if missing or unexpected or shapes:
        hint = _why(missing, unexpected, shapes, len(wanted), fits=any(name in wanted for name in given))
        raise _misfit(family, source, missing, unexpected, shapes, len(wanted), hint)
    cast = {name: value.to(wanted[name].dtype) if value.is_floating_point() else value for name, value in given.items()}
    network.load_state_dict(cast, strict=False, assign=True)


def _misfit(
    family: str, source: str, missing: list[str], unexpected: list[str], shapes: list[str], total: int, hint: str
) -> AdapterError:
    are = "is" if len(unexpected) == 1 else "are"
    parts = [
        *([f"{len(missing)} of {total} tensors are missing ({first_of(missing)})"] if missing else []),
        *([f"{len(unexpected)} {are} unknown ({first_of(unexpected)})"] if unexpected else []),
        *([f"{len(shapes)} have another shape ({first_of(shapes, '; ')})"] if shapes else []),
    ]
    return AdapterError(f"{family}: {source} does not fit: {', '.join(parts)}", hint)


def _why(missing: list[str], unexpected: list[str], shapes: list[str], total: int, fits: bool) -> str:
    mixed = [name for name in unexpected if any(name.endswith(f".{wanted}") for wanted in missing)]
    if mixed and 2 * len(mixed) >= len(missing):
        prefix = "" if fits else _common_prefix(mixed[0], missing, unexpected)
        if prefix:
            return f"its names begin with {prefix!r}, as those of a part of a larger model: save that part without"
        return f"{len(mixed)} of the unknown ones are missing ones behind a prefix that not all tensors carry"
    if len(missing) >= total / 2:
        return "is it another family's checkpoint?"
    if shapes:
        return "another geometry: is it the checkpoint of another card?"
    if missing and not unexpected:
        return "is the file complete?"
    return "most of it fits: is it of another version of this network, with parts that are not known here?"


def _common_prefix(one: str, wanted: Sequence[str], names: Sequence[str]) -> str:
    """What stands before a wanted name in ``one``, where all ``names`` begin with it; else empty."""
    prefixes = (one.removesuffix(name) for name in wanted if one.endswith(f".{name}"))
    return next((found for found in prefixes if all(name.startswith(found) for name in names)), "")


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether ``name`` fits one of the fnmatch patterns, letters' case counting."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def seeded(build: Callable[[], Any], seed: int) -> Any:
    """A network initialised from ``seed`` on the CPU; the global random state is as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


@contextmanager
def without_initialisation() -> Iterator[None]:
    """Networks built inside keep uninitialised parameters, which saves most of the time; buffers are computed."""
    import torch
    from torch.overrides import TorchFunctionMode

    class Skip(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = getattr(func, "__name__", "")
            if name in _INITIALISERS and (args or "tensor" in (kwargs or {})):
                return args[0] if args else kwargs["tensor"]
            return func(*args, **(kwargs or {}))

    # torch's own truncated normal draws until all values lie within the bounds, which skipped draws never do
    name = "_no_grad_trunc_normal_"
    own = getattr(torch.nn.init, name, None)
    if own is not None:
        setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)
    try:
        with Skip():
            yield
    finally:
        if own is not None:
            setattr(torch.nn.init, name, own)


def _shape(tensor: Tensor) -> str:
    return "x".join(str(side) for side in tensor.shape) or "a scalar"


def first_of(names: Sequence[str], separator: str = ", ") -> str:
    """The first few names, and a sign that there are more."""
    return separator.join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
