"""From what a user typed to a tokenizer: cards, registered names, plug-ins, modules and files."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vtbench.checkpoints.cards import load_cards, load_generator_cards
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.info import TokenizerInfo
from vtbench.core.naming.parameters import parameters_of
from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.tokenizers import IMAGES, TOKENIZERS
from vtbench.tokenizers.switches import apply_switches, take_switches

if TYPE_CHECKING:
    from vtbench.core.contracts import Reconstructor, Tokenizer


def tokenizer_names() -> list[str]:
    """Registered names and cards, sorted."""
    return sorted({*TOKENIZERS.names(), *load_cards()})


def resolve_tokenizer(text: str, **extra: Any) -> Tokenizer | Reconstructor:
    """Create what ``text`` names: ``NAME[,key=value…]``, NAME a card, a registered name, ``package.module:Class`` or
    ``./file.py:Class``.

    Args:
        text: the reference. Arguments override those of a card; published ones take ``compile`` and ``tiled`` too.
        extra: arguments passed on only where the target takes them and the user did not give them.

    Raises:
        UsageError: unknown name (with a suggestion) or wrong arguments.
        AdapterError: the object is neither a tokenizer nor a reconstructor.
    """
    return _made(text, frozenset(), extra)


def resolve_uncompiled(text: str) -> Tokenizer | Reconstructor:
    """The same, without ``compile`` where that is a switch of vtbench's.

    Raises:
        UsageError: as :func:`resolve_tokenizer`.
        AdapterError: likewise.
    """
    return _made(text, frozenset({"compile"}), {})


def _made(text: str, left_out: frozenset[str], extra: Mapping[str, Any]) -> Tokenizer | Reconstructor:
    reference = expand(parse_reference(text))
    reference, switches = take_switches(reference, _own_arguments(reference.target))
    tokenizer = TOKENIZERS.create(reference, **extra)
    _check_interface(tokenizer, reference.target)
    apply_switches(tokenizer, {name: value for name, value in switches.items() if name not in left_out})
    checked: Tokenizer | Reconstructor = tokenizer
    return checked


def tokenizer_arguments(reference: Reference) -> dict[str, Any]:
    """What the arguments given in ``reference`` mean, as a record holds them; a card's own are left out.

    Raises:
        UsageError: as :func:`resolve_tokenizer`.
    """
    whole = expand(reference)
    rest, switches = take_switches(whole, _own_arguments(whole.target))
    meant = {**TOKENIZERS.arguments(rest), **switches}
    return {key: meant[key] for key in reference.args if key in meant}


def expand(reference: Reference) -> Reference:
    """Replace a card's name by its target and arguments.

    Raises:
        UsageError: a name that is neither registered, nor a card, nor a path to code.
    """
    target = reference.target
    if target in TOKENIZERS or ":" in target:
        return reference
    card = load_cards().get(target)
    if card is not None:
        named = {} if card.checkpoint is None else {"card": card.name}
        return reference.over(card.target, {**card.args, **named})
    if target == IMAGES:
        raise UsageError(
            f"{IMAGES} is a folder of reconstructions, which is scored and not run",
            "vtbench run --tokenizer images,path=DIR --task NAME, or vtbench score --pred DIR --task NAME",
        )
    if target in load_generator_cards():
        raise UsageError(f"{target} is a generator", f"vtbench run --generator {target}")
    close = difflib.get_close_matches(target, [*tokenizer_names(), IMAGES], n=3, cutoff=0.5)
    own = "name your own as package.module:Class or ./file.py:Class"
    hint = f"did you mean {' or '.join(close)}?" if close else f"see vtbench list tokenizers, or {own}"
    raise UsageError(f"unknown tokenizer {target!r}", hint)


def _own_arguments(target: str) -> frozenset[str]:
    parameters = parameters_of(TOKENIZERS.load(target))
    return frozenset() if parameters is None else frozenset(parameters.named)


def _check_interface(tokenizer: object, target: str) -> None:
    info = getattr(tokenizer, "info", None)
    if not isinstance(info, TokenizerInfo):
        problem = "has no info" if info is None else f"has an info of type {type(info).__name__}"
        raise AdapterError(f"{target} {problem}", "set self.info = TokenizerInfo(name=…, kind=…)")
    missing = [name for name in ("encode", "decode") if not callable(getattr(tokenizer, name, None))]
    if missing and not callable(getattr(tokenizer, "reconstruct", None)):
        raise AdapterError(
            f"{target} has no method {' and no '.join(missing)}",
            "a tokenizer has encode and decode; one without codes has reconstruct",
        )
