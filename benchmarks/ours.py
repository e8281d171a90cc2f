"""vtbench as a contender: each call is one tokenizer more on the same references."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from harness import Handed, make_evaluators, make_task, measure, plan_job, score
from machine import Run, Spent
from photographs import Pairs
from torch import Tensor

from vtbench.core.disk.files import CACHE_VARIABLE
from vtbench.features.inception import InceptionTF


class Ours:
    """The first call computes the references' features, later ones find them; :meth:`forget` starts anew."""

    def __init__(
        self, inception: Mapping[str, Tensor], image_metrics: Sequence[str], set_metrics: Sequence[Any], batch_size: int
    ) -> None:
        self._task = make_task("benchmark", image_metrics, set_metrics, batch_size)
        self._evaluators = make_evaluators(self._task, {"inception_tf": InceptionTF(dict(inception))})
        self._batch_size = batch_size
        self.forget()

    def forget(self) -> None:
        """A new, empty run folder and cache."""
        self._folder = tempfile.TemporaryDirectory()
        self._tokenizers = 0

    def __call__(self, pairs: Pairs) -> Run:
        predictions = dict(zip(pairs.ids, pairs.predictions, strict=True))
        self._tokenizers += 1
        source = Handed(f"tokenizer-{self._tokenizers}", lambda sample: predictions[sample.id], self._batch_size)
        with patch.dict(os.environ, {CACHE_VARIABLE: str(Path(self._folder.name) / "cache")}):
            begun = Spent.now()
            plan = plan_job(source, self._task, pairs, Path(self._folder.name) / "runs")
            measure(plan, self._evaluators)
            measured = Spent.now()
            record = score(plan)
            ended = Spent.now()
        torch.use_deterministic_algorithms(False)  # the harness switches them on; the peers do not ask for them
        return Run(measured - begun, ended - measured, {result.metric: result.value for result in record.results})
