"""Reference statistics: what a set of real images looks like to an extractor, in one safetensors file.

For every feature of every extractor the file holds the moments (number, mean, scatter about the mean, float64, or
packed where it has to be small) and, unless they were left out, the feature rows (float32), which kernel distances
and nearest-neighbour metrics need. JSON metadata say how each extractor resizes and which weights it has, at what
size the images were, and where they came from. Nothing in it can be executed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import safe_open
from safetensors.numpy import save_file

from vtbench.core.digests import canonical_json, digest_arrays, digest_json
from vtbench.core.disk.files import atomic_path
from vtbench.core.errors import NotComparableError, UsageError, VtbenchError
from vtbench.core.outside.parsing import boundary, load_json, stored
from vtbench.core.outside.seals import UNSEALED
from vtbench.core.outside.tensor_files import SEAL, check_tensors, tensor_seal
from vtbench.metrics.sets.frechet import Moments
from vtbench.metrics.sets.gaussians import checked_gaussian
from vtbench.metrics.sets.packed_scatter import packed, unpacked

FORMAT = 1
_META = "vtbench"
_MADE_FOR = "made for"
_PLACES = "places"
_DIAGONAL, _ABOVE = "variances", "correlations"
_ROWS_AT_ONCE = 1024
_FAILURES_SHOWN = 3


class ExtractorNote(BaseModel):
    """Which extractor made the features of a name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="name, resize, weights fingerprint and dtype; of imported files the name alone")
    assumed: bool = Field(False, description="the file it was imported from does not say which weights made it")


class StatisticsNote(BaseModel):
    """What a file of reference statistics says about itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(FORMAT, ge=1)
    description: str = Field(description="one line, as records name the reference")
    size: tuple[int, int] | None = Field(None, description="height, width of the images; none where they differ")
    preprocess: str = Field("", description="preset that prepared them; empty where not known")
    counts: dict[str, int] = Field(description="images behind each extractor.feature; 0 where not known")
    extractors: dict[str, ExtractorNote]
    data: dict[str, Any] = Field(default_factory=dict, description="source and fingerprint of the images, failures")
    provenance: dict[str, Any] = Field(default_factory=dict, description="how the file was made, or from what imported")


@dataclass(frozen=True, eq=False)
class FeatureSummary:
    """One feature of one extractor: its moments and, unless left out, its rows ``float32 [N,D]``."""

    moments: Moments
    rows: NDArray[np.float32] | None = None


def write_statistics(
    path: Path,
    note: StatisticsNote,
    summaries: Mapping[tuple[str, str], FeatureSummary],
    made_for: str | None = None,
    places: Sequence[int] | None = None,
    pack: bool = False,
) -> ReferenceStatistics:
    """Write the file atomically, sealed, and open it.

    Args:
        summaries: by extractor and feature.
        made_for: the key that the file is kept under, where its place says what it is of.
        places: of the images that rows are of, in their data set; none where every image has a row.
        pack: scatters as :mod:`vtbench.metrics.sets.packed_scatter`.
    """
    tensors: dict[str, NDArray[Any]] = {} if places is None else {_PLACES: np.asarray(places, dtype=np.int64)}
    for (extractor, feature), summary in summaries.items():
        key = f"{extractor}.{feature}"
        tensors[f"{key}.mean"] = np.ascontiguousarray(summary.moments.mean, dtype=np.float64)
        if pack:
            tensors[f"{key}.{_DIAGONAL}"], tensors[f"{key}.{_ABOVE}"] = packed(summary.moments.scatter)
        else:
            tensors[f"{key}.scatter"] = np.ascontiguousarray(summary.moments.scatter, dtype=np.float64)
        if summary.rows is not None:
            tensors[f"{key}.rows"] = np.ascontiguousarray(summary.rows, dtype=np.float32)
    text = note.model_dump_json()
    seal = tensor_seal(digest_arrays(tensors), {"statistics": FORMAT, _MADE_FOR: made_for}, text)
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={_META: text, SEAL: canonical_json(seal)})
    return open_statistics(path)


def open_statistics(path: Path) -> ReferenceStatistics:
    """Open a file; tensors stay on disk until asked for.

    Every byte is held against the file's seal, once as long as it does not change. A file without one, as earlier
    versions made, is opened, and its notes say so.

    Raises:
        UsageError: no such file, or a file of another kind.
        VtbenchError: truncated, damaged, edited, or of a newer format.
    """
    if not path.is_file():
        raise UsageError(
            f"no reference statistics {path}", "make them with: vtbench stats build, or vtbench stats import"
        )
    others = "statistics of other tools are imported with: vtbench stats import FILE"
    with (
        stored(path, "is truncated or not a file of reference statistics", others),
        safe_open(path, framework="numpy") as tensors,
    ):
        found = tensors.metadata() or {}
    if _META not in found:
        raise UsageError(f"{path} holds no reference statistics", "make them with: vtbench stats build")
    if SEAL in found:
        seen = path.stat()
        of = _held_against_seal(path, (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino))
    else:
        of = None
    with boundary(f"{path} is damaged", "make it again"):
        return ReferenceStatistics(path, _note(found[_META], path), of)


def _note(text: str, path: Path) -> StatisticsNote:
    content = load_json(text)
    if content.get("format", 0) > FORMAT:
        raise VtbenchError(
            f"{path} has format {content['format']}; this vtbench reads up to {FORMAT}", "upgrade vtbench"
        )
    try:
        return StatisticsNote.model_validate(content)
    except ValidationError as error:
        raise VtbenchError(f"{path} is damaged: {error.errors()[0]['msg']}", "make it again") from None


@lru_cache(maxsize=64)
def _held_against_seal(path: Path, seen: tuple[int, ...]) -> Mapping[str, Any]:
    """What the seal says that the file is of."""
    del seen  # a file that changed is another entry of the cache
    of: Mapping[str, Any] = check_tensors(path, None, "build or import it again", notes=_META)["of"]
    return of


@dataclass(frozen=True, eq=False)
class ReferenceStatistics:
    """An open file of reference statistics.

    Attributes:
        of: what its seal says that it is of; ``None`` where it has no seal, and its content was not checked.
    """

    path: Path
    note: StatisticsNote
    of: Mapping[str, Any] | None
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def digest(self) -> str:
        """Of what it says and of the means it holds: equal for equal references."""
        means = {key: digest_arrays({"mean": self._tensor(f"{key}.mean")}) for key in sorted(self.note.counts)}
        told = self.note.model_dump(include={"size", "counts", "extractors"}, mode="json")
        return digest_json([told, means])

    def may_lie_under(self, key: str) -> bool:
        """Whether this may be the file that is kept under ``key``: it was made for it, or its digest begins so.

        Files of earlier versions do not say what they were made for, and may.
        """
        if self.of is None or _MADE_FOR not in self.of:
            return True
        return self.of[_MADE_FOR] == key or self.digest.startswith(key)

    @property
    def n(self) -> int:
        """Most images behind a feature; 0 where not known."""
        return max(self.note.counts.values(), default=0)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know: images that could not be used, content that is not checked."""
        unchecked = () if self.of is not None else (f"{self.path.name} {UNSEALED}; its content is not checked",)
        failed, told = int(self.note.data.get("failed", 0)), self.note.data.get("failures", ())
        if not failed:
            return unchecked
        shown = "; ".join(map(str, told[:_FAILURES_SHOWN])) + ("; …" if failed > _FAILURES_SHOWN else "")
        return (f"{failed} of {failed + self.n} reference images could not be used: {shown}", *unchecked)

    def check_sound(self) -> None:
        """Refuse moments that are none, as a file that was edited, damaged or imported by another version may hold.

        Raises:
            VtbenchError: see :func:`~vtbench.metrics.sets.gaussians.checked_gaussian`; or arrays are missing.
        """
        for key, count in self.note.counts.items():
            mean, scatter = self._tensor(f"{key}.mean"), self._scatter(key)
            checked_gaussian(mean, scatter / max(count - 1, 1), f"{self.path}: {key}.mean")

    def moments(self, extractor: str, feature: str) -> Moments | None:
        """Number, mean and scatter of a feature, if the file has it."""
        key = f"{extractor}.{feature}"
        if key not in self.note.counts:
            return None
        return Moments(self.note.counts[key], self._tensor(f"{key}.mean"), self._scatter(key))

    def features(self, extractor: str, feature: str) -> StatisticsRows | None:
        """The rows of a feature, if the file has them."""
        key = f"{extractor}.{feature}.rows"
        with self._opened() as tensors:
            if key not in tensors.keys():  # noqa: SIM118 - a safetensors handle has no __contains__
                return None
            rows, width = tensors.get_slice(key).get_shape()
        return StatisticsRows(self.path, key, (int(rows), int(width)))

    @property
    def places(self) -> NDArray[np.int64] | None:
        """Place in the data set of each row's image; ``None`` where every image has a row."""
        with self._opened() as tensors:
            if _PLACES not in tensors.keys():  # noqa: SIM118 - a safetensors handle has no __contains__
                return None
            found: NDArray[np.int64] = tensors.get_tensor(_PLACES)
            return found

    def check_fits(self, extractor: str, extractor_id: str, size: tuple[int, int] | None) -> None:
        """Refuse features of another network, resize or image size.

        Args:
            extractor: its name.
            extractor_id: of the extractor in use.
            size: height, width at which samples are scored; ``None`` where they differ.

        Raises:
            NotComparableError: with both values named.
        """
        known = self.note.extractors.get(extractor)
        if known is not None and not known.assumed and known.id != extractor_id:
            raise NotComparableError(
                f"{self.path}: its {extractor} is {known.id}, the one in use is {extractor_id}",
                "build the statistics again with the weights in use",
            )
        if size is not None and self.note.size is not None and tuple(size) != tuple(self.note.size):
            theirs, ours = ("x".join(map(str, s)) for s in (self.note.size, size))
            raise NotComparableError(
                f"{self.path} describes images of {theirs}, the task scores images of {ours}",
                "use statistics of the task's size",
            )

    def _scatter(self, key: str) -> NDArray[np.float64]:
        with self._opened() as tensors:
            if f"{key}.{_ABOVE}" not in tensors.keys():  # noqa: SIM118 - a safetensors handle has no __contains__
                return self._tensor(f"{key}.scatter")
            return unpacked(tensors.get_tensor(f"{key}.{_DIAGONAL}"), tensors.get_tensor(f"{key}.{_ABOVE}"))

    def _tensor(self, key: str) -> NDArray[np.float64]:
        with self._opened() as tensors:
            found: NDArray[np.float64] = tensors.get_tensor(key)
            return found

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        with stored(self.path, "is damaged", "make it again"), safe_open(self.path, framework="numpy") as tensors:
            yield tensors


@dataclass(frozen=True, eq=False)
class StatisticsRows:
    """Feature rows that stay in the file: :class:`~vtbench.core.contracts.Features`."""

    path: Path
    key: str
    shape: tuple[int, int]

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Consecutive row blocks, in order."""
        with stored(self.path, "is damaged", "make it again"), safe_open(self.path, framework="numpy") as tensors:
            found = tensors.get_slice(self.key)
            for start in range(0, self.shape[0], _ROWS_AT_ONCE):
                yield found[start : min(start + _ROWS_AT_ONCE, self.shape[0])]

    def rows(self, indices: Sequence[int]) -> NDArray[np.float32]:
        """The named rows, in the order asked for; one pass over the chunks that hold them."""
        wanted = np.asarray(indices, dtype=np.int64)
        picked = np.empty((len(wanted), self.shape[1]), dtype=np.float32)
        chunk_of = wanted // _ROWS_AT_ONCE
        with stored(self.path, "is damaged", "make it again"), safe_open(self.path, framework="numpy") as tensors:
            found = tensors.get_slice(self.key)
            for chunk in np.unique(chunk_of):
                start = int(chunk) * _ROWS_AT_ONCE
                mask = chunk_of == chunk
                picked[mask] = found[start : min(start + _ROWS_AT_ONCE, self.shape[0])][wanted[mask] - start]
        return picked
