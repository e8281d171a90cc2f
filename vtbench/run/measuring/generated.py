"""Measure one block of generated images: rows, features, code counts, and what sampling took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import SampleFailure
from vtbench.core.errors import AdapterError
from vtbench.core.info import TokenizerInfo
from vtbench.data.conditions import ConditionSample
from vtbench.metrics.codes.usage import count_codes
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.measuring.prompts import prompt_scores
from vtbench.run.measuring.sample_previews import SamplePreviews
from vtbench.run.measuring.sampling import SampledBatch
from vtbench.run.measuring.tally import Tally, runs_of_equal_shape
from vtbench.run.storing.blocks import BlockResult
from vtbench.run.storing.rows import SampleRow, as_samples
from vtbench.run.storing.sample_files import SampleFiles


@dataclass(frozen=True, eq=False)
class GenerationMeter:
    """Measures blocks of sampled images with one set of evaluators.

    Attributes:
        tokenizer: of the generator's codes; ``None`` where it has none.
        indices: sample id to position among the task's conditions.
        columns: metric columns of a row.
        files: keeps every image as a file, where that was asked for.
    """

    evaluators: Evaluators
    tokenizer: TokenizerInfo | None
    indices: Mapping[str, int]
    previews: SamplePreviews
    device: torch.device
    columns: Sequence[str]
    files: SampleFiles | None = None

    def measure(self, batches: Iterable[SampledBatch], waited_s: float) -> BlockResult:
        """Measure the samples of one block, in order.

        Raises:
            AdapterError: the generator failed on every sample of the block.
        """
        tally = Tally(self.device)
        tally.seconds["io"] = waited_s
        order: list[str] = []
        for batch in batches:
            order += [request.id for request in batch.requests]
            self._batch(batch, tally)
        refuse_total_failure([tally.rows[name] for name in order])
        rows = [tally.rows[name] for name in order]
        return BlockResult(
            as_samples(rows, self.columns, ()), tally.tensors(self.evaluators.features), tally.meta(len(rows))
        )

    def _batch(self, batch: SampledBatch, tally: Tally) -> None:
        self._note_cost(batch, tally)
        images: list[Tensor] = []
        requests: list[ConditionSample] = []
        positions: list[int] = []
        for position, (request, outcome) in enumerate(zip(batch.requests, batch.outcomes, strict=True)):
            if isinstance(outcome, SampleFailure):
                tally.rows[request.id] = SampleRow(request.id, self.indices[request.id], failure=outcome)
            else:
                requests.append(request)
                images.append(outcome)
                positions.append(position)
        rates = self._code_values(batch.codes.select(positions), images, tally) if batch.codes and positions else {}
        for span in runs_of_equal_shape(images):
            rows = self._score(requests[span], images[span], tally)
            for place, (request, image) in enumerate(zip(requests[span], images[span], strict=True), span.start):
                values = rows[place - span.start] | {name: column[place] for name, column in rates.items()}
                height, width = image.shape[-2:]
                tally.rows[request.id] = SampleRow(request.id, self.indices[request.id], height, width, values)

    @staticmethod
    def _note_cost(batch: SampledBatch, tally: Tally) -> None:
        tally.seconds["sample"] += batch.sample_s
        tally.seconds["decode"] += batch.decode_s
        tally.events.extend(batch.events)
        tally.resized |= {batch.resized} if batch.resized else set()
        if batch.cost is not None:
            tally.cost.add(batch.cost, len(batch.requests))

    def _score(self, requests: list[ConditionSample], images: list[Tensor], tally: Tally) -> list[dict[str, float]]:
        """Prompt metrics and features of images of one shape."""
        stacked = torch.stack(images).to(self.device)
        prompts = [request.condition.prompt or "" for request in requests]
        with tally.timed("metrics"):
            columns = prompt_scores(self.evaluators.prompt_metrics, stacked, prompts)
        with tally.timed("features"):
            tally.add_features(self.evaluators.extractors, self.evaluators.features, stacked)
        with tally.timed("previews"):
            for request, image in zip(requests, images, strict=True):
                self.previews.consider(self.indices[request.id], request.id, image)
                if self.files is not None:
                    self.files.write(self.indices[request.id], request, image)
        return [{name: column[place] for name, column in columns.items()} for place in range(len(requests))]

    def _code_values(self, codes: Codes, images: Sequence[Tensor], tally: Tally) -> dict[str, list[float]]:
        """Rates of each image; its codes and their counts join the block's."""
        if self.tokenizer is None:
            return {}
        tally.counts.append(count_codes(codes, self.tokenizer))
        tally.add_sampled(codes, self.tokenizer)
        pixels = torch.tensor([float(image[0].numel()) for image in images], dtype=torch.float64)
        return {
            "bits_per_pixel": (codes.total_bits(self.tokenizer) / pixels).tolist(),
            "tokens_per_image": codes.tokens_per_image().tolist(),
        }


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
