"""Measure one block: predictions, rows, features, code counts. Every network runs at most once an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import Prepared, SampleFailure
from vtbench.core.errors import AdapterError
from vtbench.core.foreign.guard import foreign
from vtbench.core.foreign.returned import one_number_each
from vtbench.core.info import TokenizerInfo
from vtbench.core.outside.tensor_files import Array
from vtbench.metrics.codes.usage import count_codes
from vtbench.run.measuring.block_scores import Pair, score_block
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.measuring.predict import Batch, Predictor
from vtbench.run.measuring.previews import PreviewKeeper
from vtbench.run.measuring.tally import Tally, joined, runs_of_equal_shape
from vtbench.run.storing.blocks import Block, BlockResult
from vtbench.run.storing.references import ReferenceFeatures
from vtbench.run.storing.rows import SampleRow, as_samples, scored_row


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
        tally = Tally(self.device)
        tally.seconds["io"] = waited_s
        prepared = [item for item in items if isinstance(item, Prepared)]
        self._reference_features(block, prepared, tally)
        for batch in self.predictor.predict(prepared):
            self._batch(batch, tally)
        _refuse_total_failure(prepared, tally.rows)
        with tally.timed("metrics"):
            self._block_metrics(prepared, tally)
        failed = {item.id: self._failure_row(item) for item in items if isinstance(item, SampleFailure)}
        rows = [(tally.rows | failed)[item.id] for item in items]
        with tally.timed("previews"):
            self.previews.flush()
        return BlockResult(
            as_samples(rows, self.columns, self.strata), tally.tensors(self.evaluators.features), tally.meta(len(rows))
        )

    def _block_metrics(self, prepared: Sequence[Prepared], tally: Tally) -> None:
        """Rows that depend on the whole block, however the model's batches cut it."""
        pairs = [tally.pairs[sample.id] for sample in prepared if sample.id in tally.pairs]
        for sample_id, values in score_block(self.evaluators.block_metrics, pairs, self.device).items():
            row = tally.rows[sample_id]
            tally.rows[sample_id] = replace(row, values={**row.values, **values})

    def _batch(self, batch: Batch, tally: Tally) -> None:
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
        if batch.found is not None:
            found = batch.found.select(good)
            values |= found.columns
            tally.add_found(found)
        for span in runs_of_equal_shape(predictions):
            rows = self._score(samples[span], predictions[span], tally)
            rates = {name: column[span] for name, column in values.items()}
            for place, (sample, row) in enumerate(zip(samples[span], rows, strict=True)):
                values_here = row | {name: rates[name][place] for name in rates}
                tally.rows[sample.id] = scored_row(sample, self.indices[sample.id], values_here, self.strata)

    def _score(self, samples: list[Prepared], predictions: list[Tensor], tally: Tally) -> list[dict[str, float]]:
        """Image metrics and features of predictions of one shape."""
        prediction = torch.stack(predictions).to(self.device)
        reference = torch.stack([sample.reference for sample in samples]).to(self.device)
        targets = [sample.target for sample in samples]
        columns: dict[str, list[float]] = {}
        with tally.timed("metrics"):
            for metric in self.evaluators.image_metrics.values():
                with foreign(f"metric {metric.info.name}"):
                    values = metric(prediction, reference, targets)
                columns[metric.info.row_column] = one_number_each(f"metric {metric.info.name}", values, len(samples))
        with tally.timed("features"):
            tally.add_features(self.evaluators.extractors, self.evaluators.features, prediction)
        rows = [{name: column[i] for name, column in columns.items()} for i in range(len(samples))]
        if self.evaluators.text is not None:
            with tally.timed("reading"), foreign("reader"):
                for row, texts in zip(rows, self.evaluators.text(prediction, reference, targets), strict=True):
                    row.update(texts)
        if self.evaluators.instances is not None:
            with tally.timed("instances"), foreign("judge of instances"):
                for row, sums in zip(rows, self.evaluators.instances(prediction, reference, targets), strict=True):
                    row.update(sums)
        for sample, image, row in zip(samples, predictions, rows, strict=True):
            self.previews.consider(self.indices[sample.id], sample, image, row)
        return rows

    def _reference_features(self, block: Block, prepared: Sequence[Prepared], tally: Tally) -> None:
        """Features of the references, unless an earlier tokenizer left them."""
        for name, store in self.references.items():
            if store.has(block):
                continue
            with tally.timed("reference_features"):
                store.write(block, self._features_of([sample.reference for sample in prepared], name))

    def _features_of(self, images: list[Tensor], name: str) -> dict[str, Array]:
        parts: dict[str, list[Array]] = {feature: [] for feature in self.evaluators.features[name]}
        for span in runs_of_equal_shape(images, self.batch_size):
            with foreign(f"features {name}"):
                found = self.evaluators.extractors[name](torch.stack(images[span]).to(self.device))
            for feature, arrays in parts.items():
                arrays.append(found[feature].cpu().numpy())
        return {feature: joined(arrays) for feature, arrays in parts.items()}

    def _code_values(self, codes: Codes, samples: list[Prepared], tally: Tally) -> dict[str, list[float]]:
        """Rates of each image; the counts of its codes join the block's."""
        tally.counts.append(count_codes(codes, self.info))
        pixels = torch.tensor([float(sample.model_input[0].numel()) for sample in samples], dtype=torch.float64)
        return {
            "bits_per_pixel": (codes.total_bits(self.info) / pixels).tolist(),
            "tokens_per_image": codes.tokens_per_image().tolist(),
        }

    def _failure_row(self, failure: SampleFailure) -> SampleRow:
        return SampleRow(failure.id, self.indices[failure.id], failure=failure)


def _refuse_total_failure(prepared: Sequence[Prepared], rows: Mapping[str, SampleRow]) -> None:
    """A model that fails on a whole block of several images is broken, not unlucky."""
    failures = [rows[sample.id].failure for sample in prepared]
    first = failures[0] if failures else None
    if first is not None and len(failures) > 1 and all(failure and failure.of_model for failure in failures):
        raise AdapterError(
            f"the model failed on all {len(prepared)} samples of a block; the first, {first.id}: {first.message}",
            "try `vtbench doctor` on it",
        )
