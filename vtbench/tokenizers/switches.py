"""Arguments that every published tokenizer takes, whatever its own: ``compile`` and ``tiled``, both off by default.

They change how the same network is run, and with it the last digits (``compile``) or what each pixel sees (``tiled``);
both are arguments, so they are in the record and in the job's key.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import Reference

SWITCHES = ("compile", "tiled")
_OTHERS: dict[str, type] = {"compile": str, "tiled": int}
"""What a switch takes beside true and false: the name of a backend, the side of a tile in pixels."""


def take_switches(reference: Reference, own: frozenset[str]) -> tuple[Reference, dict[str, Any]]:
    """The reference without the switches that are on or off in it, and those.

    Args:
        reference: what the user named.
        own: argument names of the target, which keep their meaning.
    """
    switches = {name: value for name, value in reference.args.items() if name in SWITCHES and name not in own}
    return reference.without(switches), switches


def apply_switches(tokenizer: Any, switches: dict[str, Any]) -> None:
    """Turn on what was asked for.

    ``compile=true`` runs encoder and decoder through ``torch.compile``; a name instead of ``true`` is the backend.
    ``tiled=true`` lets the network work on overlapping tiles of large images, blended where they meet: memory stays
    bounded, and the reconstruction is another one, so ``+tiled`` is added to the name; a number instead of ``true`` is
    the side of a tile in pixels, and is added too. Where the seams lie is told in the notes.

    Raises:
        UsageError: a tokenizer that cannot, or a value that is neither a switch's nor a backend's.
    """
    for name, value in switches.items():
        if not isinstance(value, bool | _OTHERS[name]):
            raise UsageError(f"{name}={value} is neither true nor false", f"write {name}=true")
        if value is False:
            continue
        method = getattr(tokenizer, {"compile": "compile", "tiled": "enable_tiles"}[name], None)
        if method is None:
            raise UsageError(
                f"{tokenizer.info.name} takes no {name}={value}",
                "only networks of the diffusers library work in tiles; --dtype bfloat16 halves the memory"
                if name == "tiled"
                else "only published networks are compiled",
            )
        method(*(() if value is True else (value,)))
        if name == "tiled":
            side = "" if value is True else value
            tokenizer.info = replace(tokenizer.info, name=f"{tokenizer.info.name}+tiled{side}")


def compiled(tokenizer: Any, methods: tuple[str, ...], backend: str = "inductor") -> None:
    """Replace methods of the object by compiled ones.

    Raises:
        UsageError: torch knows no such backend.
    """
    import torch

    known = torch.compiler.list_backends(exclude_tags=())
    if backend not in known:
        raise UsageError(f"torch.compile has no backend {backend!r}", f"known: {', '.join(known)}")
    for name in methods:
        setattr(tokenizer, name, torch.compile(getattr(tokenizer, name), backend=backend))
