"""What the libraries of diffusers and transformers report of a checkpoint they read, and would go on in spite of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from vtbench.assets.wrapped_names import unwrapped
from vtbench.core.errors import AdapterError

_SHOWN = 4


def refuse_misfit(network: Any, report: Mapping[str, Any], where: str, *, allow_unread: bool = False) -> None:
    """Refuse tensors that stayed at their random initial values, and those that nothing reads.

    Args:
        network: as loaded. Buffers that it computes itself may lie in old files.
        report: of ``from_pretrained(…, output_loading_info=True)``.
        where: the checkpoint, for messages.
        allow_unread: for networks that are one part of what their checkpoint holds.

    Raises:
        AdapterError: tensors are missing, of another shape, or unknown; the first are named.
    """
    buffers = {name for name, _ in network.named_buffers()}
    missing, shapes = _names(report, "missing_keys"), _names(report, "mismatched_keys")
    unread = [name for name in _names(report, "unexpected_keys") if name not in buffers]
    told = [
        *([f"{len(missing)} tensors are missing ({_first(missing)})"] if missing else []),
        *([f"{len(unread)} are unknown ({_first(unread)})"] if unread and not allow_unread else []),
        *([f"{len(shapes)} have another shape ({_first(shapes)})"] if shapes else []),
    ]
    if not told:
        return
    wrappers = unwrapped(dict.fromkeys(unread))[1] if missing else ""
    if wrappers:
        hint = f"all its names begin with {wrappers!r}: save it again without"
    else:
        hint = "is the file complete?" if missing else "is it of another network?"
    raise AdapterError(f"{where} does not fit: {', '.join(told)}", hint)


def _names(report: Mapping[str, Any], key: str) -> list[str]:
    return sorted(str(name) for name in report.get(key) or ())


def _first(names: Collection[str]) -> str:
    return ", ".join(list(names)[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
