"""What a task of robustness asks of a model: to encode altered images and its own output, and to decode mistakes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.robustness import (
    DRIFTS,
    GENERATION,
    PSNR_TO_FLOAT32,
    drift_columns,
    perturbed_base,
    robustness_rule,
)
from vtbench.metrics.codes.agreement import Agreement, agreement, drift, mean_agreement
from vtbench.metrics.codes.alterations import Alteration
from vtbench.metrics.codes.arithmetic import InFloat32
from vtbench.metrics.codes.perturbing import Perturbation, Perturber
from vtbench.metrics.codes.rounds import Again
from vtbench.metrics.images.pixel import Psnr
from vtbench.run.device import synchronize
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.measuring.model import LoadedModel
from vtbench.run.measuring.predict import ModelPredictor, Predictor
from vtbench.run.measuring.robustness.answers import PARTS_PREFIX, Asked, Found, asks_in_float32, perturbed_key
from vtbench.run.measuring.robustness.asking import Asking
from vtbench.tasks import MetricRequest, TaskSpec

_COUNTED = ("levels", "bits")
"""Forms of codes of which a share can stay the same."""


def probed(
    predictor: Predictor, task: TaskSpec, evaluators: Evaluators, in_float32: Callable[[], LoadedModel]
) -> Predictor:
    """A predictor that asks its model more where the task does.

    Args:
        predictor: of the model.
        task: what is asked.
        evaluators: of the task.
        in_float32: makes the model once more, where the task compares it with itself.

    Raises:
        UsageError: there is no model to ask.
    """
    if not task.robustness_metrics:
        return predictor
    if not isinstance(predictor, ModelPredictor):
        raise UsageError(f"{task.name} encodes again what a model made", "images made elsewhere have no model to ask")
    twin = in_float32() if asks_in_float32(task.robustness_metrics) else None
    predictor.beside = Probe(predictor.model, task.robustness_metrics, evaluators, predictor.seed, twin)
    return predictor


@dataclass(eq=False)
class Probe:
    """Asks one model, batch by batch.

    Attributes:
        model: on its device.
        requests: the task's robustness metrics.
        evaluators: its plain metrics, which perturbed ones share.
        seed: the run's.
        twin: the same model in float32 and not compiled, where it is compared with.
    """

    model: LoadedModel
    requests: Sequence[MetricRequest]
    evaluators: Evaluators
    seed: int
    twin: LoadedModel | None = None
    _perturbers: dict[Perturbation, Perturber] = field(default_factory=dict)

    def __call__(self, batch: Asked) -> Found:
        """Everything that the task asks and the model can answer.

        Raises:
            SampleError: an image comes back with values that are not finite.
        """
        started = time.perf_counter()
        asking = Asking(self.model, self.evaluators, self.seed, batch)
        parts = [*self._rounds(asking), *self._in_float32(asking)]
        if batch.codes is not None:
            parts += [*self._altered(asking, batch.codes), *self._perturbed(asking, batch.codes)]
        synchronize(self.model.device)
        columns = {name: values for part in parts for name, values in part.columns.items()}
        tensors = {name: rows for part in parts for name, rows in part.tensors.items()}
        return Found(columns, tensors, time.perf_counter() - started)

    @cached_property
    def _rules(self) -> dict[str, Any]:
        return {request.name: robustness_rule(request.name, request.params) for request in self.requests}

    def _rounds(self, asking: Asking) -> Iterator[Found]:
        """Encode and decode over and over; the second encoding is the one that agreement is told of."""
        generations = self._rules.get(GENERATION)
        again = [name for name, rule in self._rules.items() if isinstance(rule, Again)]
        last = max(generations.rounds[-1] if generations else 1, 2 if again else 1)
        for number, codes, pixels in _generations(asking, last, decodes=generations is not None):
            if generations is not None and number in generations.rounds and pixels is not None:
                yield Found({generations.column(number): asking.scored(Psnr(), pixels)})
            if number == 2 and codes is not None and asking.batch.codes is not None:
                yield from (_compared(name, asking.batch.codes, codes) for name in again)

    def _in_float32(self, asking: Asking) -> Iterator[Found]:
        """What the twin makes of the same images, against what the model made."""
        if self.twin is None:
            return
        names = [name for name, rule in self._rules.items() if isinstance(rule, InFloat32)]
        there = replace(asking, model=self.twin)
        images = torch.stack([sample.model_input for sample in asking.batch.samples])
        codes = there.encoded(images) if self.twin.has_codes else None
        if PSNR_TO_FLOAT32 in names:
            pixels = there.reconstructed(images) if codes is None else there.decoded(codes)
            yield Found({PSNR_TO_FLOAT32: Psnr()(asking.batch.pixels, pixels, [None] * len(pixels)).tolist()})
        if codes is not None and asking.batch.codes is not None:
            yield from (_compared(name, codes, asking.batch.codes) for name in names if name != PSNR_TO_FLOAT32)

    def _altered(self, asking: Asking, codes: Codes) -> Iterator[Found]:
        images = torch.stack([sample.model_input for sample in asking.batch.samples])
        alterations = {name: rule for name, rule in self._rules.items() if isinstance(rule, Alteration)}
        for name, rule in alterations.items() if codes.form in _COUNTED else ():
            altered = rule.altered(images, asking.own_seeds(name))
            again = [rule.undone(asking.encoded(each)) for each in altered]
            found = [None if other is None else agreement(codes, other) for other in again]
            known = [one for one in found if one is not None]
            yield _agreed(name, mean_agreement(known) if len(known) == len(found) else None)

    def _perturbed(self, asking: Asking, codes: Codes) -> Iterator[Found]:
        """Image metrics and features of reconstructions from codes that were perturbed, each rule once."""
        wanted = {name: rule for name, rule in self._rules.items() if isinstance(rule, Perturbation)}
        for rule in dict.fromkeys(wanted.values()):
            perturber = self._perturbers.setdefault(rule, Perturber(rule, self.model.codebook))
            changed = perturber(codes, asking.own_seeds("perturbed"))
            if changed is None:
                continue
            pixels = asking.decoded(changed)
            bases = {perturbed_base(name) or "" for name, other in wanted.items() if other == rule}
            metrics = {base: self.evaluators.image_metrics.get(base) for base in sorted(bases)}
            for metric in (metric for metric in metrics.values() if metric is not None):
                yield Found({f"{metric.info.row_column}_perturbed": asking.scored(metric, pixels)})
            if None in metrics.values():
                features = asking.features(pixels)
                yield Found(tensors={perturbed_key(rule, key): rows for key, rows in features.items()})


def _generations(asking: Asking, last: int, decodes: bool) -> Iterator[tuple[int, Codes | None, Tensor | None]]:
    """Number, codes and pixels of each round; pixels only where somebody looks at them."""
    pixels = asking.batch.pixels
    yield 1, asking.batch.codes, pixels
    for number in range(2, last + 1):
        if not asking.model.has_codes:
            pixels = asking.reconstructed(pixels)
            yield number, None, pixels
            continue
        codes = asking.encoded(pixels)
        if not decodes:
            yield number, codes, None
            return
        pixels = asking.decoded(codes)
        yield number, codes, pixels


def _compared(name: str, first: Codes, second: Codes) -> Found:
    if name not in DRIFTS:
        return _agreed(name, agreement(first, second))
    if first.latents is None or second.latents is None:
        return Found()
    sums = drift(first.latents, second.latents)
    return Found({column: part.tolist() for column, part in zip(drift_columns(name), sums, strict=True)})


def _agreed(name: str, found: Agreement | None) -> Found:
    if found is None:
        return Found()
    return Found({name: found.overall.tolist()}, {f"{PARTS_PREFIX}{name}": found.parts.cpu().numpy()})
