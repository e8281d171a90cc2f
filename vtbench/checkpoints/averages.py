"""Averaged (EMA) weights as checkpoints of SEED-Voken hold them: beside the raw ones, under names without dots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtbench.core.errors import AdapterError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

PREFIX = "model_ema."


def wants_averages(weights: str, family: str) -> bool:
    """Whether ``weights`` asks for the averages (``ema``) or for those of the last training step (``raw``).

    Raises:
        UsageError: it asks for neither.
    """
    if weights not in ("ema", "raw"):
        raise UsageError(f"{family} has no weights {weights!r}", "weights=ema or weights=raw")
    return weights == "ema"


def chosen_weights(state: dict[str, Tensor], averaged: bool, family: str) -> dict[str, Tensor]:
    """The tensors under their plain names; what has no average is taken as it is.

    Raises:
        AdapterError: averages are wanted, and there are none.
    """
    raw = {name: tensor for name, tensor in state.items() if not name.startswith(PREFIX)}
    if not averaged:
        return raw
    names = {name: f"{PREFIX}{name.replace('.', '')}" for name in raw}
    if not any(average in state for average in names.values()):
        raise AdapterError(
            f"{family}: the checkpoint has no averaged weights ({PREFIX}*)",
            "weights=raw takes those of the last training step",
        )
    return {name: state.get(average, raw[name]) for name, average in names.items()}


def told_choice(state: dict[str, Tensor], averaged: bool) -> tuple[str, ...]:
    """What a reader of the numbers is told where a checkpoint holds both."""
    if not any(name.startswith(PREFIX) for name in state):
        return ()
    taken, left, argument = ("averaged", "raw", "raw") if averaged else ("raw", "averaged", "ema")
    return (f"took the {taken} weights of a checkpoint that holds {left} ones too: weights={argument} takes those",)
