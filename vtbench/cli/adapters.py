"""What is known of an adapter, by its name or by its place in code, without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vtbench.cli.names import registries
from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import NAME
from vtbench.core.naming.signatures import Argument, Signature, signature_of

if TYPE_CHECKING:
    from vtbench.core.registry import Registry

_NAME = Argument(NAME, "str", "the reference", "what tables call it; every model takes it")
_SWITCHES = (
    Argument("compile", "bool | str", "False", "encoder and decoder through torch.compile; text names the backend"),
    Argument("tiled", "bool | int", "False", "overlapping tiles of large images, where the network can; their side"),
)
_IMAGES = "vtbench.run.planning.models:images_folder"
_PUBLISHED = "random_weights_seed"
"""An argument that every model of a published family takes, and no other does."""


def summary_of(registry: Registry, name: str) -> str:
    """One sentence of what a registered name stands for; of a plug-in, its package too."""
    signature = signature_of(_target(registry, name))
    told = signature.summary if signature is not None else ""
    if name in registry.builtin:
        return told
    package = _package(registry, name)
    return f"{told} (plug-in of {package})" if told else f"plug-in of {package}"


def adapter_fields(name: str) -> list[dict[str, Any]]:
    """The fields of everything that is registered under ``name``, kind by kind."""
    return [_fields(registry, name) for registry in registries().values() if name in registry]


def own_code_fields(target: str) -> dict[str, Any]:
    """Of ``package.module:Class`` or ``./file.py:Class``.

    Raises:
        UsageError: no source of that class is found.
    """
    signature = signature_of(target)
    if signature is None:
        raise UsageError(f"no source of {target} is found", "write package.module:Class or ./file.py:Class")
    return {"kind": "own code", "summary": signature.summary, "import path": target, **_told(signature.arguments)}


def images_fields() -> dict[str, str]:
    """The arguments of ``images``, a folder that is read and not created."""
    signature = signature_of(_IMAGES)
    return _told(signature.arguments if signature is not None else ())


def card_arguments(shelf: str, target: str, given: Mapping[str, Any]) -> dict[str, str]:
    """The arguments of a card's family, with the card's own values for defaults.

    Args:
        shelf: ``tokenizers`` or ``generators``.
        target: the family.
        given: the card's values.
    """
    registry = registries()[shelf]
    arguments = _arguments(registry, signature_of(_target(registry, target)))
    return _told([replace(item, default=str(given.get(item.name, item.default))) for item in arguments])


def _fields(registry: Registry, name: str) -> dict[str, Any]:
    target = _target(registry, name)
    package = {} if name in registry.builtin else {"plug-in of": _package(registry, name)}
    signature = signature_of(target)
    summary = signature.summary if signature is not None else ""
    told = _told(_arguments(registry, signature)) if signature is not None else {}
    return {"kind": registry.kind, "name": name, "summary": summary, "import path": target, **package, **told}


def _arguments(registry: Registry, signature: Signature | None) -> list[Argument]:
    own = list(signature.arguments) if signature is not None else []
    names = {item.name for item in own}
    switches = _SWITCHES if registry.kind == "tokenizer" and _PUBLISHED in names else ()
    shared = [*switches, *([_NAME] if NAME in registry.universal else [])]
    return [*own, *(item for item in shared if item.name not in names)]


def _told(arguments: list[Argument] | tuple[Argument, ...]) -> dict[str, str]:
    return {f"argument {item.name}": item.told for item in arguments} or {"arguments": "none"}


def _target(registry: Registry, name: str) -> str:
    return registry.builtin.get(name) or registry.plugins()[name].value.partition("[")[0].strip()


def _package(registry: Registry, name: str) -> str:
    point = registry.plugins()[name]
    return point.dist.name if point.dist is not None else point.value.partition(":")[0]
