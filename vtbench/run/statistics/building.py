"""Build reference statistics from images: moments streamed in order, rows kept in memory as float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vtbench.core.contracts import FeatureExtractor, ImageDataset, Prepared, SampleFailure
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.foreign.guard import foreign
from vtbench.core.threads.blas import blas_on_one_thread
from vtbench.data.loader import iterate_blocks
from vtbench.data.preparing.presets import Preset
from vtbench.metrics.sets.frechet import Moments
from vtbench.metrics.sets.reference_statistics import (
    ExtractorNote,
    FeatureSummary,
    ReferenceStatistics,
    StatisticsNote,
    write_statistics,
)
from vtbench.run.measuring.tally import runs_of_equal_shape
from vtbench.run.progress import JobProgress, job_progress
from vtbench.version import __version__

_BLOCK, _BLOCK_OF_CLIPS = 64, 8
_MOST_FAILURES_TOLD = 20


@dataclass(frozen=True, eq=False)
class StatisticsRequest:
    """What statistics are asked for.

    Attributes:
        source: the data set as it was named.
        features: extractor name to the features wanted.
        keep_rows: whether feature rows are stored beside the moments.
        decoders: decoding processes.
        pack: whether moments are stored in a quarter of the bytes.
    """

    source: str
    dataset: ImageDataset
    preset: Preset
    features: Mapping[str, frozenset[str]]
    keep_rows: bool = True
    decoders: int = 0
    provenance: Mapping[str, Any] = field(default_factory=dict)
    pack: bool = False


@blas_on_one_thread()
def build_statistics(
    request: StatisticsRequest,
    extractors: Mapping[str, FeatureExtractor],
    device: torch.device,
    path: Path,
    made_for: str | None = None,
) -> ReferenceStatistics:
    """Extract features of every image, in order, and write their statistics to ``path``.

    An image that cannot be decoded is left out, counted, and listed in the file. ``made_for`` is as in
    :func:`~vtbench.metrics.sets.reference_statistics.write_statistics`.

    Raises:
        UsageError: no images.
        VtbenchError: fewer than two of them could be used.
    """
    count = len(request.dataset)
    if count == 0:
        raise UsageError(f"{request.source} holds no images")
    gathered = _Gathered(request, extractors, device)
    block = _BLOCK if request.preset.frames is None else _BLOCK_OF_CLIPS
    spans = [(index, start, min(start + block, count)) for index, start in enumerate(range(0, count, block))]
    with job_progress(f"statistics of {request.source}", count) as progress:
        gathered.read(spans, progress)
    return write_statistics(path, gathered.note(), gathered.summaries(), made_for, gathered.places, request.pack)


class _Gathered:
    """Features of the images read so far."""

    def __init__(
        self, request: StatisticsRequest, extractors: Mapping[str, FeatureExtractor], device: torch.device
    ) -> None:
        self._request, self._extractors, self._device = request, extractors, device
        self._rows: dict[tuple[str, str], list[NDArray[np.float32]]] = {
            (name, feature): [] for name, features in request.features.items() for feature in sorted(features)
        }
        self._moments: dict[tuple[str, str], list[Moments]] = {key: [] for key in self._rows}
        self._failures: list[SampleFailure] = []
        self._sizes: set[tuple[int, int]] = set()
        self._places: list[int] = []

    @property
    def places(self) -> list[int] | None:
        """Of the images that rows are of, where some have none."""
        return self._places if self._failures and self._request.keep_rows else None

    def read(self, spans: Sequence[tuple[int, int, int]], progress: JobProgress) -> None:
        request = self._request
        for index, items in iterate_blocks(request.dataset, request.preset, spans, request.decoders):
            good = (place for place, item in enumerate(items) if isinstance(item, Prepared))
            self._places += [index * _BLOCK + place for place in good]
            self._failures += [item for item in items if isinstance(item, SampleFailure)]
            self._add([item.reference for item in items if isinstance(item, Prepared)])
            progress.advance(len(items))

    def _add(self, images: list[torch.Tensor]) -> None:
        self._sizes |= {(int(image.shape[-2]), int(image.shape[-1])) for image in images}
        for name, extractor in self._extractors.items():
            with foreign(f"features {name}"):
                parts = [extractor(torch.stack(images[span]).to(self._device)) for span in runs_of_equal_shape(images)]
            for feature in sorted(self._request.features[name]) if parts else ():
                self._take((name, feature), np.concatenate([part[feature].cpu().numpy() for part in parts]))

    def _take(self, key: tuple[str, str], rows: NDArray[np.float32]) -> None:
        moments = Moments.of(rows.astype(np.float64))
        # Merged at once: a list of scatters would take D² numbers a block.
        self._moments[key] = [reduce(Moments.merged, [*self._moments[key], moments])]
        if self._request.keep_rows:
            self._rows[key].append(rows)

    def summaries(self) -> dict[tuple[str, str], FeatureSummary]:
        found = {}
        for key, moments in self._moments.items():
            if not moments or moments[0].n < 2:
                told = (
                    f"; the first failure, {self._failures[0].id}: {self._failures[0].message}"
                    if self._failures
                    else ""
                )
                raise VtbenchError(f"{self._request.source}: fewer than two images could be used{told}")
            rows = np.concatenate(self._rows[key]) if self._request.keep_rows else None
            found[key] = FeatureSummary(moments[0], rows)
        return found

    def note(self) -> StatisticsNote:
        request = self._request
        n = len(request.dataset) - len(self._failures)
        return StatisticsNote.model_validate(
            {
                "description": f"{n} {_what(request.preset.frames)} of {request.source}, {request.preset.id}",
                "size": self._sizes.pop() if len(self._sizes) == 1 else None,
                "preprocess": request.preset.id,
                "counts": {f"{name}.{feature}": n for name, feature in self._rows},
                "extractors": {
                    name: ExtractorNote(id=extractor.id, assumed=False) for name, extractor in self._extractors.items()
                },
                "data": {
                    "source": request.source,
                    "fingerprint": request.dataset.fingerprint,
                    **({} if request.preset.frames is None else {"frames": request.preset.frames}),
                    "failed": len(self._failures),
                    "failures": [f"{item.id}: {item.message}" for item in self._failures[:_MOST_FAILURES_TOLD]],
                },
                "provenance": {"made_by": f"vtbench {__version__}", **request.provenance},
            }
        )


def _what(frames: int | None) -> str:
    return "images" if frames is None else f"clips of {frames} frames"
