"""Measure one block of real images under a generator: rows of bits, and counts of their codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch

from vtbench.core.contracts import Prepared, SampleFailure
from vtbench.core.info import GeneratorInfo, TokenizerInfo
from vtbench.metrics.codes.usage import count_codes
from vtbench.run.measuring.batching import CarefulBatches, of_one_shape
from vtbench.run.measuring.generated import refuse_total_failure
from vtbench.run.measuring.likelihoods.asking import Answer, Asked, ask
from vtbench.run.measuring.predict import model_failure
from vtbench.run.measuring.tally import Tally
from vtbench.run.storing.blocks import Block, BlockResult
from vtbench.run.storing.rows import SampleRow, as_samples, scored_row


@dataclass(eq=False)
class LikelihoodMeter:
    """Measures blocks, one after another, with one generator; see :class:`CarefulBatches`.

    Attributes:
        told: of a batch of images of one size, how likely they are.
        info: of the generator.
        tokenizer: whose codes are counted; ``None`` where there are none.
        given: what the task tells the generator of an image.
        batch_size: images given to the generator at once.
        columns: metric columns of a row.
        strata: fields of a target that its row keeps.
        side: at which images are encoded, in pixels; ``None`` for as they are.
    """

    told: Callable[[Sequence[Asked]], Answer]
    info: GeneratorInfo
    tokenizer: TokenizerInfo | None
    given: Literal["label", "text", "nothing"]
    device: torch.device
    batch_size: int
    columns: Sequence[str]
    strata: Sequence[str] = ()
    side: int | None = None

    def measure(self, block: Block, items: Sequence[Prepared | SampleFailure], waited_s: float) -> BlockResult:
        """Measure the samples of one block, in order.

        Raises:
            AdapterError: the generator broke its contract, or failed on every image of the block.
        """
        tally = Tally(self.device, block.start)
        tally.place(item.id for item in items)
        tally.seconds["io"] = waited_s
        told = [ask(item, self.given, self.info) if isinstance(item, Prepared) else item for item in items]
        asked = [one for one in told if isinstance(one, Asked)]
        for failure in (one for one in told if isinstance(one, SampleFailure)):
            tally.rows[failure.id] = _failure_row(failure, tally)
        for answer in self._batches.over(asked, self.told):
            self._note(answer, tally)
        refuse_total_failure([tally.rows[one.sample.id] for one in asked])
        rows = [tally.rows[item.id] for item in items]
        meta = tally.meta(len(rows)) | ({"encoded_side": self.side} if tally.resized else {})
        return BlockResult(as_samples(rows, self.columns, self.strata), tally.tensors({}), meta)

    @cached_property
    def _batches(self) -> CarefulBatches[Asked, Answer]:
        return CarefulBatches(self.info.name, self.batch_size, of_one_shape(_shape), _failed)

    def _note(self, answer: Answer, tally: Tally) -> None:
        tally.seconds["encode"] += answer.encode_s
        tally.seconds["likelihood"] += answer.likelihood_s
        tally.events.extend(self._batches.take_events())
        tally.resized |= {answer.resized} if answer.resized else set()
        good = [place for place, value in enumerate(answer.values) if not isinstance(value, SampleFailure)]
        rates = self._code_values(answer, good, tally)
        for place, (one, value) in enumerate(zip(answer.asked, answer.values, strict=True)):
            if isinstance(value, SampleFailure):
                tally.rows[value.id] = _failure_row(value, tally)
                continue
            values = dict(value) | rates.get(place, {})
            tally.rows[one.sample.id] = scored_row(one.sample, tally.places[one.sample.id], values, self.strata)

    def _code_values(self, answer: Answer, good: list[int], tally: Tally) -> dict[int, dict[str, float]]:
        """Rates of each image, a pixel at the size at which it is scored; its codes join the block's counts."""
        if answer.codes is None or self.tokenizer is None or not good:
            return {}
        codes = answer.codes.select(good)
        tally.counts.append(count_codes(codes, self.tokenizer))
        pixels = [answer.asked[place].sample.reference[0].numel() for place in good]
        rates = zip(codes.total_bits(self.tokenizer).tolist(), codes.tokens_per_image().tolist(), strict=True)
        return {
            place: {"bits_per_pixel": bits / count, "tokens_per_image": tokens}
            for place, count, (bits, tokens) in zip(good, pixels, rates, strict=True)
        }


def _failure_row(failure: SampleFailure, tally: Tally) -> SampleRow:
    return SampleRow(failure.id, tally.places[failure.id], failure=failure)


def _failed(one: Asked, error: Exception) -> Answer:
    return Answer([one], [model_failure(one.sample.id, error)])


def _shape(one: Asked) -> torch.Size:
    return one.sample.model_input.shape
