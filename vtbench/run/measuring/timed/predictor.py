"""Predictions one image at a time, each with what encoding and decoding it took."""

from __future__ import annotations

from dataclasses import replace

from torch import Size

from vtbench.core.contracts import Prepared
from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.costs import COST_COLUMNS
from vtbench.run.measuring.model import LoadedModel
from vtbench.run.measuring.predict import Batch, ModelPredictor, Predictor
from vtbench.run.measuring.robustness.answers import Found
from vtbench.run.measuring.timed.watch import Watch


class TimedPredictor(ModelPredictor):
    """A model that is called with one image at a time, warm, whatever the run's batch size.

    The first image of each shape goes through the model ``warm_up`` times before it is timed: allocators, autotuning
    and compilers settle there. Nothing but the model's own ``encode`` and ``decode`` is timed: what brings an image to
    the size of a fixed-size model and back is not.

    Args:
        model: on its device.
        seed: of the run.
        warm_up: calls that are not timed.

    Raises:
        UsageError: the model has no ``encode`` and ``decode``.
    """

    def __init__(self, model: LoadedModel, seed: int, warm_up: int) -> None:
        if not model.encodes:
            raise _nothing_to_time(model.info.name)
        super().__init__(model, seed, batch_size=1)
        self._warm_up = warm_up
        self._warm: set[Size] = set()

    def _run(self, batch: list[Prepared]) -> Batch:
        shape = batch[0].model_input.shape
        for _ in range(0 if shape in self._warm else self._warm_up):
            super()._run(batch)
        self._warm.add(shape)
        watch = Watch(self.model.device)
        with self.model.watched_by(watch):
            predicted = super()._run(batch)
        return replace(predicted, found=Found({name: [watch.columns[name]] for name in COST_COLUMNS}))


def timed(predictor: Predictor, warm_up: int) -> TimedPredictor:
    """The same model, timed.

    Raises:
        UsageError: images that were made elsewhere, or a model without ``encode`` and ``decode``.
    """
    if not isinstance(predictor, ModelPredictor):
        raise _nothing_to_time("a folder of images")
    return TimedPredictor(predictor.model, predictor.seed, warm_up)


def _nothing_to_time(name: str) -> UsageError:
    return UsageError(f"{name} has no encode and decode to be timed", "leave it out of tasks of kind cost")
