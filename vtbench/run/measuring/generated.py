"""Measure one block of generated images: rows, features, code counts, and what sampling took.

Everything is asked of the device first, and read once when the block is finished: see ``reconstructed`` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import SampleFailure
from vtbench.core.errors import AdapterError
from vtbench.core.info import TokenizerInfo
from vtbench.data.conditions import ConditionSample
from vtbench.metrics.catalog.rates import BITS_COLUMN, tokens_column
from vtbench.metrics.codes.usage import count_codes
from vtbench.run.measuring.conditioned.at_size import ConditionsAtSize
from vtbench.run.measuring.conditioned.scores import Conditioned, condition_scores, truth_scores
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.measuring.prompts import prompt_scores
from vtbench.run.measuring.sample_previews import SamplePreviews
from vtbench.run.measuring.sampling import SampledBatch
from vtbench.run.measuring.tally import Tally, asked_features, runs_of_equal_shape
from vtbench.run.measuring.transit.scored import Scored
from vtbench.run.measuring.transit.transfers import Transfers, codes_back, when_done
from vtbench.run.storing.blocks import Block, BlockResult
from vtbench.run.storing.rows import SampleRow, as_samples, strata_of
from vtbench.run.storing.sample_files import SampleFiles


@dataclass(frozen=True, eq=False)
class _AskedSamples:
    """One batch of samples, and what is on its way: tensors of the host, filled when the transfers are done.

    Attributes:
        batch: as it was sampled.
        places: of the samples that did not fail.
        images: theirs, on the host.
        scored: what was asked of them, a run of one shape each.
        codes: theirs, on their way; ``None`` where they are not counted.
        conditioned: the samples with what they were made from, where a metric looks at it.
    """

    batch: SampledBatch
    places: Sequence[int]
    images: Sequence[Tensor]
    scored: Sequence[Scored]
    codes: Codes | None
    conditioned: Sequence[Conditioned] = ()


@dataclass(frozen=True, eq=False)
class GenerationMeter:
    """Measures blocks of sampled images with one set of evaluators.

    Attributes:
        tokenizer: of the generator's codes; ``None`` where it has none.
        transfers: to the device and back.
        columns: metric columns of a row.
        conditions: brings images that samples are compared with to their size.
        strata: fields of a condition's metadata that its row keeps.
        files: keeps every image as a file, where that was asked for.
        keeps_codes: the codes themselves stay in the block, where they are of one geometry.
        tokens_column: what the tokens of a sample are called.
    """

    evaluators: Evaluators
    tokenizer: TokenizerInfo | None
    previews: SamplePreviews
    device: torch.device
    transfers: Transfers
    columns: Sequence[str]
    conditions: ConditionsAtSize
    strata: Sequence[str] = ()
    files: SampleFiles | None = None
    keeps_codes: bool = False
    tokens_column: str = tokens_column(None)

    def measure(self, block: Block, batches: Iterable[SampledBatch], waited_s: float) -> Callable[[], BlockResult]:
        """Measure the samples of one block, in order; what is returned gives the result when the device is done.

        Raises:
            AdapterError: the generator failed on every sample of the block.
        """
        tally = Tally(self.device, block.start)
        tally.seconds["io"] = waited_s
        asked = [self._asked(batch, tally) for batch in batches]
        with tally.timed("metrics"):
            samples = [sample for part in asked for sample in part.conditioned]
            of_block = condition_scores(self.evaluators.condition_metrics, samples, self.transfers)
        return when_done(self.transfers, partial(self._finished, asked, of_block, tally, self.transfers.asked()))

    def _asked(self, batch: SampledBatch, tally: Tally) -> _AskedSamples:
        tally.place(request.id for request in batch.requests)
        tally.spans += batch.spans.items()
        tally.events.extend(batch.events)
        tally.resized |= {batch.resized} if batch.resized else set()
        if batch.cost is not None:
            tally.cost.add(batch.cost, len(batch.requests))
        batch, conditioned = self._conditioned(batch)
        places = [place for place, outcome in enumerate(batch.outcomes) if isinstance(outcome, Tensor)]
        images = [outcome for outcome in batch.outcomes if isinstance(outcome, Tensor)]
        requests = [batch.requests[place] for place in places]
        scored = [self._score(requests[span], images[span], tally) for span in runs_of_equal_shape(images)]
        if self.evaluators.image_metrics:
            with tally.timed("metrics"):
                against = [
                    truth_scores(self.evaluators.image_metrics, conditioned[span], self.transfers)
                    for span in runs_of_equal_shape(images)
                ]
                scored = [one.with_columns(other.columns) for one, other in zip(scored, against, strict=True)]
        counted = batch.codes is not None and self.tokenizer is not None and images
        codes = codes_back(batch.codes, self.transfers) if batch.codes is not None and counted else None
        return _AskedSamples(batch, places, images, scored, codes, conditioned)

    def _conditioned(self, batch: SampledBatch) -> tuple[SampledBatch, list[Conditioned]]:
        """Samples with the images that they are compared with; those that have none to compare with are failures."""
        if not (self.evaluators.image_metrics or self.evaluators.condition_metrics):
            return batch, []
        outcomes: list[Tensor | SampleFailure] = []
        found: list[Conditioned] = []
        for request, image in zip(batch.requests, batch.outcomes, strict=True):
            condition = self.conditions.of(request, image) if isinstance(image, Tensor) else None
            if isinstance(condition, SampleFailure):
                outcomes.append(condition)
                continue
            outcomes.append(image)
            if condition is not None and isinstance(image, Tensor):
                found.append(Conditioned(request.id, image, condition))
        return replace(batch, outcomes=outcomes), found

    def _score(self, requests: Sequence[ConditionSample], images: Sequence[Tensor], tally: Tally) -> Scored:
        """Prompt metrics and features of images of one shape."""
        there = self.transfers.there(images)
        prompts = [request.condition.prompt or "" for request in requests]
        with tally.timed("metrics"):
            columns = prompt_scores(self.evaluators.prompt_metrics, there, prompts, self.transfers)
        with tally.timed("features"):
            features = asked_features(self.evaluators.extractors, self.evaluators.features, there, self.transfers)
        return Scored([request.id for request in requests], columns, features)

    def _finished(
        self, asked: Sequence[_AskedSamples], of_block: Sequence[Scored], tally: Tally, wait: Callable[[], None]
    ) -> BlockResult:
        """Rows and tensors of a block, and what is to be written beside it."""
        wait()
        for part in asked:
            self._note(part, tally)
        tally.add_values(of_block)
        rows = [tally.rows[request.id] for part in asked for request in part.batch.requests]
        refuse_total_failure(rows)
        writes = [
            write
            for part in asked
            for place, image in zip(part.places, part.images, strict=True)
            for write in self._writes(part.batch.requests[place], image, tally)
        ]
        return BlockResult(
            as_samples(rows, self.columns, self.strata),
            tally.tensors(self.evaluators.features),
            tally.meta(len(rows)),
            beside=writes,
        )

    def _note(self, asked: _AskedSamples, tally: Tally) -> None:
        """Rows of a batch, and its share of features and code counts."""
        for request, outcome in zip(asked.batch.requests, asked.batch.outcomes, strict=True):
            if isinstance(outcome, SampleFailure):
                tally.rows[request.id] = SampleRow(request.id, tally.places[request.id], failure=outcome)
        rates = self._code_values(asked, tally)
        values: dict[str, dict[str, float]] = {}
        for scored in asked.scored:
            tally.add(scored, range(len(scored.ids)))
            values |= scored.rows()
        for place, (name, row) in enumerate(values.items()):
            height, width = asked.images[place].shape[-2:]
            found = row | {column: each[place] for column, each in rates.items()}
            told = asked.batch.requests[asked.places[place]].condition.metadata
            tally.rows[name] = SampleRow(name, tally.places[name], height, width, found, strata_of(told, self.strata))

    def _writes(self, request: ConditionSample, image: Tensor, tally: Tally) -> list[Callable[[], None]]:
        index = tally.places[request.id]
        kept = [] if self.files is None else [partial(self.files.write, index, request, image)]
        return [*self.previews.kept(index, request.id, image, request.condition), *kept]

    def _code_values(self, asked: _AskedSamples, tally: Tally) -> dict[str, list[float]]:
        """Rates of each image; its codes and their counts join the block's."""
        if asked.codes is None or self.tokenizer is None:
            return {}
        codes = asked.codes.select(list(asked.places))
        tally.counts.append(count_codes(codes, self.tokenizer))
        tally.add_sampled(codes, self.tokenizer)
        if self.keeps_codes:
            self._keep(codes, self.tokenizer, tally)
        pixels = torch.tensor([image.numel() / image.shape[-3] for image in asked.images], dtype=torch.float64)
        return {
            BITS_COLUMN: (codes.total_bits(self.tokenizer) / pixels).tolist(),
            self.tokens_column: codes.tokens_per_image().tolist(),
        }

    @staticmethod
    def _keep(codes: Codes, tokenizer: TokenizerInfo, tally: Tally) -> None:
        """Keep codes; of several geometries none are, and what compares them says so."""
        try:
            tally.keep_codes(codes, tokenizer)
        except AdapterError as error:
            tally.events.append(f"codes are not compared: {error.what}")
            tally.kept.clear()


def refuse_total_failure(rows: Sequence[SampleRow]) -> None:
    """A generator that fails on a whole block of several images is broken, not unlucky.

    Raises:
        AdapterError: it did.
    """
    failures = [row.failure for row in rows if row.failure is not None]
    if len(rows) > 1 and len(failures) == len(rows) and all(failure.of_model for failure in failures):
        raise AdapterError(
            f"the generator failed on all {len(rows)} samples of a block; the first, {failures[0].id}: "
            f"{failures[0].message}",
            "try `vtbench doctor` on it",
        )
