"""Measure one block: predictions, rows, features, code counts. Every network runs at most once an image.

First everything is asked of the device, batch after batch. What it found is read once, when the block is finished; on
a GPU that is done by whoever writes the block, while the next one is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import Prepared, SampleFailure
from vtbench.core.errors import AdapterError
from vtbench.core.foreign.guard import foreign
from vtbench.core.info import TokenizerInfo
from vtbench.metrics.catalog.rates import BITS_COLUMN, tokens_column
from vtbench.metrics.codes.usage import count_codes
from vtbench.metrics.probes.pooling import Pooling
from vtbench.run.measuring.block_scores import Pair, score_block
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.measuring.predict import Batch, Predictor, settled
from vtbench.run.measuring.previews import PreviewKeeper
from vtbench.run.measuring.tally import Tally, asked_features, joined, runs_of_equal_shape
from vtbench.run.measuring.transit.asked import AskedBatch
from vtbench.run.measuring.transit.scored import Scored, values_back
from vtbench.run.measuring.transit.transfers import Transfers, codes_back, when_done
from vtbench.run.storing.blocks import Block, BlockResult
from vtbench.run.storing.references import ReferenceFeatures
from vtbench.run.storing.rows import SampleRow, as_samples, scored_row

ReferenceParts = Mapping[str, Mapping[str, list[Tensor]]]
"""Extractor to feature to ``float32 [n,D]``, on their way to the host."""


@dataclass(eq=False)
class BlockMeter:
    """Measures blocks, one after another, with one predictor and one set of evaluators.

    Attributes:
        references: extractor name to where its reference features are kept.
        transfers: to the device and back.
        batch_size: images given to an extractor at once.
        columns: metric columns of a row.
        strata: fields of a target that its row keeps.
        keeps_codes: the codes themselves stay in the block.
        pooling: makes one vector an image of them, which stays in the block, too.
        tokens_column: what the tokens of a sample are called.
    """

    predictor: Predictor
    evaluators: Evaluators
    references: Mapping[str, ReferenceFeatures]
    info: TokenizerInfo
    previews: PreviewKeeper
    device: torch.device
    transfers: Transfers
    batch_size: int
    columns: Sequence[str]
    strata: Sequence[str] = ()
    keeps_codes: bool = False
    pooling: Pooling | None = None
    tokens_column: str = tokens_column(None)

    def measure(
        self, block: Block, items: Sequence[Prepared | SampleFailure], waited_s: float
    ) -> Callable[[], BlockResult]:
        """Measure the samples of one block, in order; what is returned gives the result when the device is done.

        Raises:
            AdapterError: the model broke its contract, or failed on every sample of the block. Of what only the device
                knows yet, it is raised when the result is asked for.
        """
        tally = Tally(self.device, block.start)
        tally.place(item.id for item in items)
        tally.seconds["io"] = waited_s
        prepared = [item for item in items if isinstance(item, Prepared)]
        references = self._reference_features(block, prepared, tally)
        asked = [self._asked(batch, tally) for batch in self.predictor.predict(prepared)]
        with tally.timed("metrics"):
            pairs = [pair for part in asked for pair in part.pairs]
            of_block = score_block(self.evaluators.block_metrics, pairs, self.transfers)
        finish = partial(self._finished, block, items, tally, asked, of_block, references, self.transfers.asked())
        return when_done(self.transfers, finish)

    def _asked(self, batch: Batch, tally: Tally) -> AskedBatch:
        """Everything about a batch that is asked of the device, or that the host finds by itself."""
        if self.evaluators.block_metrics:  # one sample moves what they say of others
            batch = settled(batch, self.transfers)
        tally.spans += batch.spans.items()
        tally.events.extend(batch.events)
        tally.resized |= {batch.resized} if batch.resized else set()
        good = [place for place, outcome in enumerate(batch.outcomes) if isinstance(outcome, Tensor)]
        samples = [batch.samples[place] for place in good]
        predictions = [outcome for outcome in batch.outcomes if isinstance(outcome, Tensor)]
        here = [self.transfers.back(image) for image in predictions]
        return AskedBatch(
            failures=[outcome for outcome in batch.outcomes if isinstance(outcome, SampleFailure)],
            samples=samples,
            pixels=here,
            scored=[
                self._score(samples[span], predictions[span], here[span], tally)
                for span in runs_of_equal_shape(predictions)
            ],
            codes=None if batch.codes is None or not good else codes_back(batch.codes, self.transfers),
            places=good,
            found=batch.found,
            broken=None if batch.broken is None else batch.broken.back(self.transfers),
            pairs=[Pair(*pair) for pair in zip(samples, predictions, strict=True)]
            if self.evaluators.block_metrics
            else [],
            pooled=self._pooled(batch.codes, tally) if good else {},
        )

    def _pooled(self, codes: Codes | None, tally: Tally) -> dict[str, Tensor]:
        if codes is None or self.pooling is None:
            return {}
        with tally.timed("features"):
            return {name: self.transfers.back(rows) for name, rows in self.pooling(codes).items()}

    def _score(
        self, samples: Sequence[Prepared], predictions: Sequence[Tensor], here: Sequence[Tensor], tally: Tally
    ) -> Scored:
        """Image metrics and features of predictions of one shape; ``here``: the same on the host."""
        prediction = self.transfers.there(predictions)
        reference = self.transfers.there([sample.reference for sample in samples])
        targets = [sample.target for sample in samples]
        columns: dict[str, Tensor] = {}
        with tally.timed("metrics"):
            for metric in self.evaluators.image_metrics.values():
                name = f"metric {metric.info.name}"
                with foreign(name):
                    values = metric(prediction, reference, targets)
                columns[metric.info.row_column] = values_back(name, values, len(samples), self.transfers)
        with tally.timed("features"):
            features = asked_features(self.evaluators.extractors, self.evaluators.features, prediction, self.transfers)
        return Scored([sample.id for sample in samples], columns, features, self._read(samples, here, tally))

    def _read(self, samples: Sequence[Prepared], here: Sequence[Tensor], tally: Tally) -> list[dict[str, float]]:
        """What readers and judges say, who look at images on the host."""
        rows: list[dict[str, float]] = [{} for _ in samples]
        judges = {"reading": self.evaluators.text, "instances": self.evaluators.instances}
        if not any(judges.values()):
            return rows
        self.transfers.asked()()
        prediction, reference = torch.stack(list(here)), torch.stack([sample.reference for sample in samples])
        for part, judge in judges.items():
            if judge is not None:
                with tally.timed(part), foreign(part):
                    for row, found in zip(rows, judge(prediction, reference, [s.target for s in samples]), strict=True):
                        row.update(found)
        return rows

    def _reference_features(self, block: Block, prepared: Sequence[Prepared], tally: Tally) -> ReferenceParts:
        """Features of the references, unless an earlier tokenizer left them."""
        asked = {}
        for name, store in self.references.items():
            if store.has(block):
                continue
            with tally.timed("reference_features"):
                asked[name] = self._features_of([sample.reference for sample in prepared], name)
        return asked

    def _features_of(self, images: list[Tensor], name: str) -> dict[str, list[Tensor]]:
        parts: dict[str, list[Tensor]] = {feature: [] for feature in self.evaluators.features[name]}
        for span in runs_of_equal_shape(images, self.batch_size):
            there = self.transfers.there(images[span])
            with foreign(f"features {name}"):
                found = self.evaluators.extractors[name](there)
            for feature, arrays in parts.items():
                arrays.append(self.transfers.back(found[feature]))
        return parts

    def _finished(
        self,
        block: Block,
        items: Sequence[Prepared | SampleFailure],
        tally: Tally,
        asked: Sequence[AskedBatch],
        of_block: Sequence[Scored],
        references: ReferenceParts,
        wait: Callable[[], None],
    ) -> BlockResult:
        """Rows and tensors of a block, and what is to be written beside it."""
        wait()
        for part in asked:
            self._note(part, tally)
        tally.add_values(of_block)
        _refuse_total_failure([item for item in items if isinstance(item, Prepared)], tally.rows)
        failed = {item.id: _failure_row(item, tally) for item in items if isinstance(item, SampleFailure)}
        rows = [(tally.rows | failed)[item.id] for item in items]
        features = [
            partial(
                self.references[name].write,
                block,
                {key: joined([one.numpy() for one in found]) for key, found in parts.items()},
            )
            for name, parts in references.items()
        ]
        return BlockResult(
            as_samples(rows, self.columns, self.strata),
            tally.tensors(self.evaluators.features),
            tally.meta(len(rows)),
            beside=(*features, *self.previews.flush()),
        )

    def _note(self, asked: AskedBatch, tally: Tally) -> None:
        """Rows of a batch, and its share of features and code counts."""
        late = asked.late()
        for failure in (*asked.failures, *(one for one in late if one is not None)):
            tally.rows[failure.id] = _failure_row(failure, tally)
        kept = [place for place, failure in enumerate(late) if failure is None]
        beside = self._code_values(asked, kept, tally) | self._found(asked, kept, tally)
        begin = 0
        for scored in asked.scored:
            places = range(begin, begin + len(scored.ids))
            begin += len(scored.ids)
            tally.add(scored, [place - places.start for place in places if late[place] is None])
            for place, row in zip(places, scored.rows().values(), strict=True):
                if late[place] is None:
                    sample = asked.samples[place]
                    self.previews.consider(tally.places[sample.id], sample, asked.pixels[place], row)
                    values = row | {name: column[place] for name, column in beside.items()}
                    tally.rows[sample.id] = scored_row(sample, tally.places[sample.id], values, self.strata)

    def _code_values(self, asked: AskedBatch, kept: Sequence[int], tally: Tally) -> dict[str, dict[int, float]]:
        """Rates of each image that is kept; the counts of its codes join the block's."""
        if asked.codes is None or not kept:
            return {}
        codes = asked.codes.select([asked.places[place] for place in kept])
        tally.counts.append(count_codes(codes, self.info))
        if self.keeps_codes:
            tally.keep_codes(codes, self.info)
        tally.keep_pooled({name: rows[[asked.places[place] for place in kept]] for name, rows in asked.pooled.items()})
        inputs = [asked.samples[place].model_input for place in kept]
        pixels = torch.tensor([given.numel() / given.shape[-3] for given in inputs], dtype=torch.float64)
        rates = (codes.total_bits(self.info) / pixels).tolist()
        return {
            BITS_COLUMN: dict(zip(kept, rates, strict=True)),
            self.tokens_column: dict(zip(kept, codes.tokens_per_image().tolist(), strict=True)),
        }

    @staticmethod
    def _found(asked: AskedBatch, kept: Sequence[int], tally: Tally) -> dict[str, dict[int, float]]:
        """What asking the model again found, of images that are kept."""
        if asked.found is None or not kept:
            return {}
        found = asked.found.select([asked.places[place] for place in kept])
        tally.add_found(found)
        return {name: dict(zip(kept, column, strict=True)) for name, column in found.columns.items()}


def _failure_row(failure: SampleFailure, tally: Tally) -> SampleRow:
    return SampleRow(failure.id, tally.places[failure.id], failure=failure)


def _refuse_total_failure(prepared: Sequence[Prepared], rows: Mapping[str, SampleRow]) -> None:
    """A model that fails on a whole block of several images is broken, not unlucky."""
    failures = [rows[sample.id].failure for sample in prepared]
    first = failures[0] if failures else None
    if first is not None and len(failures) > 1 and all(failure and failure.of_model for failure in failures):
        raise AdapterError(
            f"the model failed on all {len(prepared)} samples of a block; the first, {first.id}: {first.message}",
            "try `vtbench doctor` on it",
        )
