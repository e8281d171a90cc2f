"""Names of tensors as training tools leave them: behind ``module.`` (DDP), ``_orig_mod.`` (torch.compile) …"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")
BEFORE_ALL = ("module.", "model.")
"""Before every name of a wrapped network; before some of them they may be names of its own."""
ANYWHERE = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_forward_module.")
"""Wherever they stand, a wrapper's: torch.compile, FSDP, activation checkpoints, Lightning Fabric."""
COUNTER = "n_averaged"
"""How many weights ``torch.optim.swa_utils.AveragedModel`` has averaged; it stands beside what it wraps."""


def unwrapped(state: Mapping[str, T]) -> tuple[dict[str, T], str]:
    """The tensors under the names that the network itself gave them, and the wrappers that were taken off.

    A wrapper before all names is taken off only where every tensor carries it. The second value is empty, and the
    names are as they were, where there is none, or where two tensors would come to share a name.
    """
    wrappers: list[str] = []
    names = {name: name for name in state if name != COUNTER or len(state) == 1}
    while found := _next(list(names.values())):
        wrappers.append(found)
        names = {old: _without(name, found) for old, name in names.items()}
    if not wrappers or len(set(names.values())) < len(names):
        return dict(state), ""
    first = next(iter(state))  # told in the order in which they stand there
    told_of = sorted(dict.fromkeys(wrappers), key=first.find)
    return {name: state[old] for old, name in names.items()}, "".join(told_of)


def told(source: str, wrappers: str) -> str:
    """What a reader of the numbers is told."""
    return f"{source}: the names of its tensors are wrapped in {wrappers!r}, which was taken off"


def _next(names: list[str]) -> str:
    for wrapper in ANYWHERE:
        if any(f".{wrapper}" in f".{name}" for name in names):
            return wrapper
    return next((wrapper for wrapper in BEFORE_ALL if names and all(name.startswith(wrapper) for name in names)), "")


def _without(name: str, wrapper: str) -> str:
    if wrapper in BEFORE_ALL:
        return name.removeprefix(wrapper)
    return f".{name}".replace(f".{wrapper}", ".").removeprefix(".")
