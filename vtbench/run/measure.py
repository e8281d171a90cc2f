"""Measure one block: predictions, rows, features, code counts. Every network runs at most once an image."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import Prepared, SampleFailure
from vtbench.core.errors import AdapterError
from vtbench.core.info import TokenizerInfo
from vtbench.metrics.codes import count_codes, merge_counts
from vtbench.run.block_scores import Pair, score_block
from vtbench.run.device import peak_memory_mb, synchronize
from vtbench.run.evaluators import Evaluators
from vtbench.run.predict import Batch, Predictor
from vtbench.run.previews import PreviewKeeper
from vtbench.run.references import ReferenceFeatures
from vtbench.run.rows import SampleRow, as_samples, scored_row
from vtbench.run.store import Array, Block, BlockResult

FEATURES_PREFIX = "features."
CODES_PREFIX = "codes."


def feature_key(extractor: str, feature: str) -> str:
    """Name of a prediction feature inside a block file."""
    return f"{FEATURES_PREFIX}{extractor}.{feature}"


@dataclass
class _Tally:
    """What one block has found so far."""

    rows: dict[str, SampleRow] = field(default_factory=dict)
    features: dict[str, list[Array]] = field(default_factory=lambda: defaultdict(list))
    counts: list[dict[str, Array]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    events: list[str] = field(default_factory=list)
    resized: set[str] = field(default_factory=set)
    pairs: dict[str, Pair] = field(default_factory=dict)


@dataclass(eq=False)
class BlockMeter:
    """Measures blocks, one after another, with one predictor and one set of evaluators.

    Attributes:
        references: extractor name to where its reference features are kept.
        indices: sample id to position in the data set.
        batch_size: images given to an extractor at once.
        columns: metric columns of a row.
        strata: fields of a target that its row keeps.
    """

    predictor: Predictor
    evaluators: Evaluators
    references: Mapping[str, ReferenceFeatures]
    info: TokenizerInfo
    indices: Mapping[str, int]
    previews: PreviewKeeper
    device: torch.device
    batch_size: int
    columns: Sequence[str]
    strata: Sequence[str] = ()

    def measure(self, block: Block, items: Sequence[Prepared | SampleFailure], waited_s: float) -> BlockResult:
        """Measure the samples of one block, in order.

        Raises:
            AdapterError: the model broke its contract, or failed on every sample of the block.
        """
        tally = _Tally()
        tally.seconds["io"] = waited_s
        prepared = [item for item in items if isinstance(item, Prepared)]
        self._reference_features(block, prepared, tally)
        for batch in self.predictor.predict(prepared):
            self._batch(batch, tally)
        _refuse_total_failure(prepared, tally.rows)
        with self._timed("metrics", tally):
            self._block_metrics(prepared, tally)
        failed = {item.id: self._failure_row(item) for item in items if isinstance(item, SampleFailure)}
        rows = [(tally.rows | failed)[item.id] for item in items]
        with self._timed("previews", tally):
            self.previews.flush()
        return BlockResult(
            as_samples(rows, self.columns, self.strata), self._tensors(tally), self._meta(tally, len(rows))
        )

    def _block_metrics(self, prepared: Sequence[Prepared], tally: _Tally) -> None:
        """Rows that depend on the whole block, however the model's batches cut it."""
        pairs = [tally.pairs[sample.id] for sample in prepared if sample.id in tally.pairs]
        for sample_id, values in score_block(self.evaluators.block_metrics, pairs, self.device).items():
            row = tally.rows[sample_id]
            tally.rows[sample_id] = replace(row, values={**row.values, **values})

    def _batch(self, batch: Batch, tally: _Tally) -> None:
        tally.seconds["encode"] += batch.encode_s
        tally.seconds["decode"] += batch.decode_s
        tally.events.extend(batch.events)
        tally.resized |= {batch.resized} if batch.resized else set()
        good = [position for position, outcome in enumerate(batch.outcomes) if isinstance(outcome, Tensor)]
        for outcome in batch.outcomes:
            if isinstance(outcome, SampleFailure):
                tally.rows[outcome.id] = self._failure_row(outcome)
        if not good:
            return
        samples = [batch.samples[position] for position in good]
        predictions = [outcome for outcome in batch.outcomes if isinstance(outcome, Tensor)]
        if self.evaluators.block_metrics:
            tally.pairs |= {s.id: Pair(s, image.cpu()) for s, image in zip(samples, predictions, strict=True)}
        values = self._code_values(batch.codes.select(good), samples, tally) if batch.codes is not None else {}
        for span in _runs_of_equal_shape(predictions):
            rows = self._score(samples[span], predictions[span], tally)
            rates = {name: column[span] for name, column in values.items()}
            for place, (sample, row) in enumerate(zip(samples[span], rows, strict=True)):
                values_here = row | {name: rates[name][place] for name in rates}
                tally.rows[sample.id] = scored_row(sample, self.indices[sample.id], values_here, self.strata)

    def _score(self, samples: list[Prepared], predictions: list[Tensor], tally: _Tally) -> list[dict[str, float]]:
        """Image metrics and features of predictions of one shape."""
        prediction = torch.stack(predictions).to(self.device)
        reference = torch.stack([sample.reference for sample in samples]).to(self.device)
        targets = [sample.target for sample in samples]
        columns: dict[str, list[float]] = {}
        with self._timed("metrics", tally):
            for metric in self.evaluators.image_metrics.values():
                columns[metric.info.row_column] = metric(prediction, reference, targets).tolist()
        with self._timed("features", tally):
            self._prediction_features(prediction, tally)
        rows = [{name: column[i] for name, column in columns.items()} for i in range(len(samples))]
        if self.evaluators.text is not None:
            with self._timed("reading", tally):
                for row, texts in zip(rows, self.evaluators.text(prediction, reference, targets), strict=True):
                    row.update(texts)
        if self.evaluators.instances is not None:
            with self._timed("instances", tally):
                for row, sums in zip(rows, self.evaluators.instances(prediction, reference, targets), strict=True):
                    row.update(sums)
        for sample, image, row in zip(samples, predictions, rows, strict=True):
            self.previews.consider(self.indices[sample.id], sample, image, row)
        return rows

    def _prediction_features(self, prediction: Tensor, tally: _Tally) -> None:
        for name, extractor in self.evaluators.extractors.items():
            found = extractor(prediction)
            for feature in self.evaluators.features[name]:
                tally.features[feature_key(name, feature)].append(found[feature].cpu().numpy())

    def _reference_features(self, block: Block, prepared: Sequence[Prepared], tally: _Tally) -> None:
        """Features of the references, unless an earlier tokenizer left them."""
        for name, store in self.references.items():
            if store.has(block):
                continue
            with self._timed("reference_features", tally):
                store.write(block, self._features_of([sample.reference for sample in prepared], name))

    def _features_of(self, images: list[Tensor], name: str) -> dict[str, Array]:
        parts: dict[str, list[Array]] = {feature: [] for feature in self.evaluators.features[name]}
        for span in _runs_of_equal_shape(images, self.batch_size):
            found = self.evaluators.extractors[name](torch.stack(images[span]).to(self.device))
            for feature, arrays in parts.items():
                arrays.append(found[feature].cpu().numpy())
        return {feature: _joined(arrays) for feature, arrays in parts.items()}

    def _code_values(self, codes: Codes, samples: list[Prepared], tally: _Tally) -> dict[str, list[float]]:
        """Rates of each image; the counts of its codes join the block's."""
        tally.counts.append(count_codes(codes, self.info))
        pixels = torch.tensor([float(sample.model_input[0].numel()) for sample in samples], dtype=torch.float64)
        return {
            "bits_per_pixel": (codes.total_bits(self.info) / pixels).tolist(),
            "tokens_per_image": codes.tokens_per_image().tolist(),
        }

    def _failure_row(self, failure: SampleFailure) -> SampleRow:
        return SampleRow(failure.id, self.indices[failure.id], failure=failure)

    def _tensors(self, tally: _Tally) -> dict[str, Array]:
        tensors = {
            feature_key(name, feature): _joined(tally.features.get(feature_key(name, feature), []))
            for name, features in self.evaluators.features.items()
            for feature in features
        }
        tensors |= {f"{CODES_PREFIX}{name}": array for name, array in merge_counts(tally.counts).items()}
        return tensors

    def _meta(self, tally: _Tally, samples: int) -> dict[str, Any]:
        return {
            "samples": samples,
            "seconds": dict(tally.seconds),
            "events": tally.events,
            "resized": sorted(tally.resized),
            "peak_memory_mb": peak_memory_mb(self.device),
        }

    @contextmanager
    def _timed(self, part: str, tally: _Tally) -> Iterator[None]:
        started = time.perf_counter()
        with torch.inference_mode():
            yield
        synchronize(self.device)
        tally.seconds[part] += time.perf_counter() - started


def _refuse_total_failure(prepared: Sequence[Prepared], rows: Mapping[str, SampleRow]) -> None:
    """A model that fails on a whole block of several images is broken, not unlucky."""
    if len(prepared) > 1 and all(rows[sample.id].failure for sample in prepared):
        first = rows[prepared[0].id].failure
        assert first is not None
        raise AdapterError(
            f"the model failed on all {len(prepared)} samples of a block; the first, {first.id}: {first.message}",
            "try `vtbench doctor` on it",
        )


def _runs_of_equal_shape(images: Sequence[Tensor], most: int | None = None) -> Iterator[slice]:
    start = 0
    for _, group in itertools.groupby(images, key=lambda image: image.shape):
        stop = start + len(list(group))
        step = most or stop - start
        for first in range(start, stop, step):
            yield slice(first, min(first + step, stop))
        start = stop


def _joined(arrays: Sequence[Array]) -> Array:
    return np.concatenate(arrays) if arrays else np.zeros((0, 0), dtype=np.float32)
