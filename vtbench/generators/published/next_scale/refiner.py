"""A second network for a strategy that hands over to it: taken from a generator of the same family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.core.errors import UsageError
from vtbench.core.naming.arguments import bind
from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.generators.sampling.next_scale.strategies.collaboration import Refiner

if TYPE_CHECKING:
    from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule


def refiner_of(reference: str, family: type[Any], schedule: ScaleSchedule) -> Refiner:
    """The network of the generator that ``reference`` names, for scales of ``schedule``.

    Args:
        reference: a card of the family, or the family, with arguments.
        family: of the host.
        schedule: of the host.

    Raises:
        UsageError: no generator of the family, or one of other scales.
        AssetMissingError: its weights cannot be had.
    """
    named = _expanded(parse_reference(reference), family)
    made = family(**bind(family, named, "generator"))
    if made._schedule != schedule:
        told = f"{made._schedule.as_recorded()}, not {schedule.as_recorded()}"
        raise UsageError(f"refiner={reference} has scales {told}", "both networks predict the same scales")
    info = made.info
    return Refiner(
        network=made._network,
        name=info.name,
        revision=info.revision,
        parameters=info.parameters,
        weights=tuple(file for file in info.weights if file not in made.tokenizer.info.weights),
    )


def _expanded(reference: Reference, family: type[Any]) -> Reference:
    if reference.target == family.family:
        return reference
    card = load_generator_cards().get(reference.target)
    if card is None or card.target != family.family:
        raise UsageError(
            f"refiner={reference} is no generator of the family {family.family}",
            f"name one of its cards, e.g. {_examples(family.family)}",
        )
    return reference.over(card.target, {**card.args, "card": card.name})


def _examples(family: str) -> str:
    return ", ".join(card.name for card in load_generator_cards().values() if card.target == family)
