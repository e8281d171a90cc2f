"""What measuring a block has found so far, and how it becomes the tensors and the metadata of the block's file."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import FeatureExtractor
from vtbench.core.errors import AdapterError
from vtbench.core.foreign.guard import foreign
from vtbench.core.info import TokenizerInfo
from vtbench.core.outside.tensor_files import Array
from vtbench.metrics.codes.usage import merge_counts
from vtbench.results.records.sampled_codes import SAMPLED_PREFIX
from vtbench.run.device import peak_memory_mb
from vtbench.run.measuring.costs import CostTally
from vtbench.run.measuring.robustness.answers import Found
from vtbench.run.measuring.transit.scored import Scored
from vtbench.run.measuring.transit.transfers import Transfers
from vtbench.run.storing.kept_codes import KEPT_FORM, POOLED_PREFIX, compact, kept_arrays, kept_form
from vtbench.run.storing.rows import SampleRow
from vtbench.run.timing import Span, now

FEATURES_PREFIX = "features."
CODES_PREFIX = "codes."
Extractors = Mapping[str, FeatureExtractor]
FeatureNames = Mapping[str, frozenset[str]]


def feature_key(extractor: str, feature: str) -> str:
    """Name of a prediction feature inside a block file."""
    return f"{FEATURES_PREFIX}{extractor}.{feature}"


@dataclass(eq=False)
class Tally:
    """One block: rows by sample id, features by key, code counts, seconds by part, and what happened.

    Attributes:
        device: where images are.
        start: position in the data set of the block's first sample.
        places: sample id to position in the data set.
        spans: what took how long, told when the device is done.
    """

    device: torch.device
    start: int
    places: dict[str, int] = field(default_factory=dict)
    rows: dict[str, SampleRow] = field(default_factory=dict)
    features: dict[str, list[Array]] = field(default_factory=lambda: defaultdict(list))
    counts: list[dict[str, Array]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    spans: list[tuple[str, Span]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    resized: set[str] = field(default_factory=set)
    cost: CostTally = field(default_factory=CostTally)
    sampled: dict[str, list[Array]] = field(default_factory=lambda: defaultdict(list))
    found: dict[str, list[Array]] = field(default_factory=lambda: defaultdict(list))
    kept: dict[str, list[Array]] = field(default_factory=lambda: defaultdict(list))
    kept_form: dict[str, Any] = field(default_factory=dict)
    pooled: dict[str, list[Array]] = field(default_factory=lambda: defaultdict(list))

    def place(self, ids: Iterable[str]) -> None:
        """The next samples of the block, in the data set's order: no table of all ids is held for it."""
        for sample_id in ids:
            self.places[sample_id] = self.start + len(self.places)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Run the body in inference mode; what it takes counts as ``part``."""
        started = now(self.device)
        with torch.inference_mode():
            yield
        self.spans.append((part, Span(started, now(self.device))))

    def add(self, scored: Scored, kept: Sequence[int]) -> None:
        """Features of images whose rows are kept."""
        for key, found in scored.features.items():
            rows = found.numpy()
            self.features[key].append(rows if len(kept) == len(rows) else rows[list(kept)])

    def add_values(self, of_block: Iterable[Scored]) -> None:
        """What metrics of whole blocks found, beside what the rows have."""
        for scored in of_block:
            for name, values in scored.rows().items():
                row = self.rows[name]
                self.rows[name] = replace(row, values={**row.values, **values})

    def add_sampled(self, codes: Codes, tokenizer: TokenizerInfo) -> None:
        """Keep indices as they were sampled, ``[B,T]`` a level, in as few bytes as the codebook allows."""
        for level, (indices, size) in enumerate(zip(codes.levels, tokenizer.codebook_sizes, strict=False)):
            self.sampled[f"{SAMPLED_PREFIX}{level}"].append(compact(indices, size))

    def add_found(self, found: Found) -> None:
        """Keep what asking the model again found, a row an image."""
        self.seconds["robustness"] += found.seconds
        for name, rows in found.tensors.items():
            self.found[name].append(rows)

    def keep_codes(self, codes: Codes, tokenizer: TokenizerInfo) -> None:
        """Keep every image's codes, for a probe to be fitted on; nothing of latents and payloads, which it is not.

        Raises:
            AdapterError: codes of another geometry than those before.
        """
        if not codes.levels and not codes.bits:
            return
        form = kept_form(codes)
        if self.kept_form not in ({}, form):
            raise AdapterError(
                f"{tokenizer.name} gave codes of grids {self.kept_form['grids']} and {form['grids']}",
                "a probe is fitted on images of one size: use a task that brings them to one",
            )
        self.kept_form = form
        for name, array in kept_arrays(codes, tokenizer).items():
            self.kept[name].append(array)

    def keep_pooled(self, pooled: Mapping[str, Tensor]) -> None:
        """Keep vectors that codes became, a row an image."""
        for name, rows in pooled.items():
            self.pooled[f"{POOLED_PREFIX}{name}"].append(rows.numpy())

    def tensors(self, names: FeatureNames) -> dict[str, Array]:
        """Every feature asked for (of no rows where no image was scored) and the merged code counts."""
        keys = [feature_key(name, feature) for name, features in names.items() for feature in features]
        counts = {f"{CODES_PREFIX}{name}": array for name, array in merge_counts(self.counts).items()}
        of_one_length = {
            key: joined(parts) for key, parts in self.sampled.items() if len({part.shape[1] for part in parts}) == 1
        }
        found = {key: joined(parts) for key, parts in self.found.items()}
        kept = {key: joined(parts) for part in (self.kept, self.pooled) for key, parts in part.items()}
        return {key: joined(self.features.get(key, [])) for key in keys} | counts | of_one_length | found | kept

    def meta(self, samples: int) -> dict[str, Any]:
        """Timings and events of the block; once the device is done."""
        seconds = defaultdict(float, self.seconds)
        for part, span in self.spans:
            seconds[part] += span.seconds
        return {
            "samples": samples,
            "seconds": dict(seconds),
            "events": self.events,
            "resized": sorted(self.resized),
            "peak_memory_mb": peak_memory_mb(self.device),
            **({KEPT_FORM: self.kept_form} if self.kept_form else {}),
            **self.cost.meta(),
        }


def asked_features(
    extractors: Extractors, names: FeatureNames, images: Tensor, transfers: Transfers
) -> dict[str, Tensor]:
    """The named features of ``uint8 [B,3,H,W]``, by key of the block file, on their way to the host."""
    asked = {}
    for name, extractor in extractors.items():
        with foreign(f"features {name}"):
            found = extractor(images)
        for feature in names[name]:
            asked[feature_key(name, feature)] = transfers.back(found[feature])
    return asked


def runs_of_equal_shape(images: Sequence[Tensor], most: int | None = None) -> Iterator[slice]:
    """Slices of neighbours of one shape, each of at most ``most``."""
    start = 0
    for _, group in itertools.groupby(images, key=lambda image: image.shape):
        stop = start + len(list(group))
        step = most or stop - start
        for first in range(start, stop, step):
            yield slice(first, min(first + step, stop))
        start = stop


def joined(arrays: Sequence[Array]) -> Array:
    """Row blocks as one matrix; no rows and no width where there are none."""
    return np.concatenate(arrays) if arrays else np.zeros((0, 0), dtype=np.float32)
