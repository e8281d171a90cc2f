"""Pictures of a run for the page: previews cut into their parts and made small."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from vtbench.report.gather import Board, Run
from vtbench.results.records.nearest import NEAREST, NEAREST_BY, Pair
from vtbench.results.records.previews import PREVIEWS, open_preview, preview_files
from vtbench.results.records.samples import Samples

_GAP = 4
"""White columns between the parts of a preview, as the runner leaves them; of clips rows."""
_LARGEST, _WIDEST = 320, 960
"""Sides of a picture on the page; samples beside what they were made from, and strips, are wider than high."""
_QUALITY = 82
SAMPLES_SHOWN = 4
SHEET = 24


@dataclass(frozen=True)
class Shot:
    """One image of one run, or a strip of a clip's frames: data URIs of the parts, and what is said about it."""

    run: str
    sample: str
    prediction: str
    original: str = ""
    error: str = ""
    caption: str = ""
    strip: bool = False
    """Several images beside one another, in one picture."""


@dataclass(frozen=True)
class Grid:
    """The same sample through every run of a board."""

    sample: str
    why: str
    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class Nearest:
    """The pairs of a run that are nearest by one extractor; the picture of each holds sample and training image."""

    run: str
    extractor: str
    shots: tuple[Shot, ...]


def grids(board: Board) -> list[Grid]:
    """The samples whose pictures every run kept."""
    kept = {id(run): preview_files(run.folder) for run in board.runs}
    common = set.intersection(*(set(previews) for previews in kept.values())) if kept else set()
    indices = sorted(common)[:SAMPLES_SHOWN]
    middle = _median_of(board, indices)
    chosen = [(index, "Nearest the median" if index == middle else "Fixed sample") for index in indices]
    found = []
    for index, why in chosen:
        shots = tuple(shot for run in board.runs if (shot := _shot(run, kept[id(run)][index], index)) is not None)
        if shots:
            found.append(Grid(_sample_id(board.runs[0].samples, index), why, shots))
    return found


def worst(board: Board) -> list[Shot]:
    """The lowest PSNR of every run, where its picture was kept; of clips that of all frames."""
    shots = []
    for run in board.runs:
        previews = preview_files(run.folder)
        values = {} if run.samples is None else _values(run.samples, quality_of(run))
        kept = [(value, index) for index, value in values.items() if index in previews]
        if kept:
            shot = _shot(run, previews[min(kept)[1]], min(kept)[1])
            shots += [shot] if shot is not None else []
    return shots


def sheets(board: Board) -> list[tuple[str, tuple[Shot, ...]]]:
    """Samples of generators, a sheet a run."""
    found = []
    for run in board.runs:
        kept = sorted(preview_files(run.folder).items())[:SHEET]
        shots = [_shot(run, path, index, whole=True) for index, path in kept]
        found.append((run.label, tuple(shot for shot in shots if shot is not None)))
    return [(label, shots) for label, shots in found if shots]


def pairs(board: Board) -> list[Nearest]:
    """Samples of generators beside the training images nearest to them, by each extractor that told any."""
    found: dict[tuple[str, str], Nearest] = {}
    for run in board.runs:
        for result in run.record.results:
            by = str(result.details.get(NEAREST_BY, "")) if NEAREST in result.details else ""
            if by and (run.label, by) not in found:
                shots = [_of_pair(run, Pair.read(told), by) for told in result.details[NEAREST]]
                found[(run.label, by)] = Nearest(run.label, by, tuple(filter(None, shots)))
    return [each for each in found.values() if each.shots]


def _of_pair(run: Run, pair: Pair, extractor: str) -> Shot | None:
    path = run.folder / PREVIEWS / pair.picture(extractor)
    if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
        return None
    picture = open_preview(path)
    told = f"distance {pair.distance:.4g}, training image {pair.training}"
    return None if picture is None else Shot(run.label, pair.id, _uri(picture), caption=told)


def of_clips(run: Run) -> bool:
    """Whether its samples are clips, whose pictures are strips of frames."""
    return run.record.task.spec.get("frames") is not None


def quality_of(run: Run) -> str:
    """The column that says how near a sample is to its original."""
    return "video_psnr" if of_clips(run) else "psnr"


def _median_of(board: Board, indices: list[int]) -> int | None:
    """Which of some samples lies nearest the median PSNR of the first run that has any."""
    for run in board.runs:
        values = {} if run.samples is None else _values(run.samples, quality_of(run))
        if len(values) > 2 and any(index in values for index in indices):
            middle = sorted(values.values())[len(values) // 2]
            return min((i for i in indices if i in values), key=lambda i: abs(values[i] - middle))
    return None


def _values(samples: Samples, metric: str) -> dict[int, float]:
    """Finite values of a metric by position."""
    column = samples.metrics.get(metric)
    if column is None:
        return {}
    pairs = zip(samples.index, column, strict=True)
    return {int(index): float(value) for index, value in pairs if math.isfinite(value)}


def _sample_id(samples: Samples | None, index: int) -> str:
    if samples is None:
        return f"sample {index}"
    return next((name for name, place in zip(samples.ids, samples.index, strict=True) if place == index), f"{index}")


def _shot(run: Run, path: Path, index: int, whole: bool = False) -> Shot | None:
    """One picture, cut into its parts unless it is shown whole: a sample, beside what it was made from."""
    picture = open_preview(path)
    if picture is None:
        return None
    if whole:
        parts = [picture]
    else:
        parts = _strips(picture) if of_clips(run) else _parts(picture, _size(run.samples, index))
    told = _caption(run.samples, index, quality_of(run))
    name = _sample_id(run.samples, index)
    if len(parts) == 1:
        return Shot(run.label, name, _uri(parts[0]), caption=told, strip=picture.width > 1.5 * picture.height)
    original, prediction, error = parts
    return Shot(run.label, name, _uri(prediction), _uri(original), _uri(error), told)


def _size(samples: Samples | None, index: int) -> int | None:
    if samples is None:
        return None
    return next((int(w) for w, place in zip(samples.width, samples.index, strict=True) if place == index), None)


def _parts(picture: Image.Image, width: int | None) -> list[Image.Image]:
    """Original, prediction and error; or the one image of a generator."""
    third, rest = divmod(picture.width - 2 * _GAP, 3)
    if rest or third < 1 or (width is not None and third != width):
        return [picture]
    starts = [place * (third + _GAP) for place in range(3)]
    return [picture.crop((start, 0, start + third, picture.height)) for start in starts]


def _strips(picture: Image.Image) -> list[Image.Image]:
    """Original, prediction and error, one below another; the picture itself where it is no such three."""
    third, rest = divmod(picture.height - 2 * _GAP, 3)
    if rest or third < 1:
        return [picture]
    starts = [place * (third + _GAP) for place in range(3)]
    return [picture.crop((0, start, picture.width, start + third)) for start in starts]


def _caption(samples: Samples | None, index: int, metric: str) -> str:
    if samples is None or metric not in samples.metrics:
        return ""
    value = next(
        (float(v) for v, place in zip(samples.metrics[metric], samples.index, strict=True) if place == index), None
    )
    return "" if value is None or value != value else ("∞ dB" if value == float("inf") else f"{value:.2f} dB")


def _uri(picture: Image.Image) -> str:
    shown = picture
    if picture.height > _LARGEST or picture.width > _WIDEST:
        shown = picture.copy()
        shown.thumbnail((_WIDEST, _LARGEST), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    shown.save(stream, format="WEBP", quality=_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
