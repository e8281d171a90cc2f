"""What a model and a metric say about themselves: frozen, and free of torch, so tables can be printed without it."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

TokenizerKind = Literal["discrete", "continuous", "codec"]
ConditionKind = Literal["class", "prompt", "none"]
MetricKind = Literal[
    "image",
    "set",
    "code",
    "text",
    "instance",
    "block",
    "prompt",
    "video",
    "condition",
    "likelihood",
    "robustness",
    "learnability",
    "probing",
    "cost",
    "shape",
    "map",
    "judged",
]
Aggregation = Literal["mean", "mean_finite", "pooled_psnr", "pooled_error_db"]

ROLES = {
    "source": "the image to edit, to enlarge or to restore",
    "mask": "where it may change: white",
    "control": "a map to follow: edges, depth, a segmentation, a pose",
    "subject": "photographs of whom or what is to appear",
    "style": "an image whose manner is to be taken",
    "labels": "a map whose pixels are numbers of classes: for metrics, never resized",
    "truth": "the image that is wanted: for metrics, which a generator is not shown",
}
"""Usual roles, and what an image of each is; others may be named."""
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,31}")

RANDOM_REVISION = "random-"
"""How the revision of a model begins whose weights were drawn from a seed; the seed follows."""


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """One file of weights: its name, SHA-256, and where it came from (a path, a URL, a hub id)."""

    name: str
    sha256: str
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class TokenizerInfo:
    """A tokenizer's identity and geometry.

    Attributes:
        name: how tables call it.
        kind: ``discrete`` (indices or bits), ``continuous`` (latents) or ``codec`` (a byte string an image).
        family: architecture family, e.g. ``"vq"``; free text.
        revision: version of the weights or code; part of a leaderboard key.
        codebook_sizes: entries a level; one per entry of ``Codes.levels`` or ``Codes.bits``. A codebook of bits has
            ``2**nbits`` entries. Empty for continuous tokenizers and codecs.
        shared_codebook: all levels index one codebook (multi-scale residual quantisers); usage is then counted over
            the union of the levels.
        downsample_factor: pixels a code along one side; 0 where there is no grid.
        latent_bits: bits charged for one latent value of a continuous tokenizer (16, the storage of half precision,
            unless stated).
        native_size: the side the model was trained at, in pixels, if it has one.
        fixed_size: the model runs at ``native_size`` only; the runner then resizes in and back, and says so.
        stochastic: ``encode`` or ``decode`` draws random numbers; both are then called with ``seeds=`` (int64 [B]).
        video: it takes and gives clips, ``float32 [B,T,3,H,W]``, and no images.
        clip_frames: T of the clips it takes, where it takes one only.
        weights: every weight file in use.
        licence: licence of the weights.
        citation: paper or page to cite.
    """

    name: str
    kind: TokenizerKind
    family: str = ""
    revision: str = ""
    codebook_sizes: tuple[int, ...] = ()
    shared_codebook: bool = False
    downsample_factor: int = 0
    latent_bits: float = 16.0
    native_size: int | None = None
    fixed_size: bool = False
    stochastic: bool = False
    video: bool = False
    clip_frames: int | None = None
    weights: tuple[WeightFile, ...] = ()
    licence: str = ""
    citation: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a tokenizer must have a name")
        if self.kind not in get_args(TokenizerKind):
            raise ValueError(
                f"{self.name}: kind must be one of {', '.join(get_args(TokenizerKind))}, got {self.kind!r}"
            )
        if not isinstance(self.codebook_sizes, tuple):
            raise ValueError(f"{self.name}: codebook_sizes must be a tuple, one entry a level, as in (4096,)")
        if any(size < 1 for size in self.codebook_sizes):
            raise ValueError(f"{self.name}: codebook sizes must be positive, got {self.codebook_sizes}")
        if self.downsample_factor < 0:
            raise ValueError(f"{self.name}: downsample_factor must not be negative, got {self.downsample_factor}")
        if self.latent_bits <= 0:
            raise ValueError(f"{self.name}: latent_bits must be positive, got {self.latent_bits}")
        if self.fixed_size and self.native_size is None:
            raise ValueError(f"{self.name}: a fixed-size tokenizer must state its native_size")
        _check_clips(self.name, self.video, self.clip_frames)

    @property
    def bits_per_token(self) -> tuple[float, ...]:
        """log2 of each level's codebook size."""
        return tuple(math.log2(size) for size in self.codebook_sizes)

    @property
    def untrained(self) -> bool:
        """Whether the weights were drawn from a seed: good for geometry, speed and tests, never for a score."""
        return self.revision.startswith(RANDOM_REVISION)


@dataclass(frozen=True, kw_only=True)
class GeneratorInfo:
    """A generator's identity and the settings it samples with.

    Attributes:
        name: how tables call it.
        conditions: what it is conditioned on, beside images: ``class``, ``prompt`` or ``none``.
        images: roles of the images that every condition must hold too: ``("source",)``, ``("source", "mask")`` …
        optional_images: roles of images that a condition may hold.
        video: it samples clips, ``float32 [B,T,3,H,W]``, and no images.
        clip_frames: T of the clips that it samples.
        family: architecture family, e.g. ``"next-token"``; free text.
        revision: version of the weights or code; part of a leaderboard key.
        classes: number of classes of a class-conditional generator; 0 where that is not known or does not apply.
        native_size: side of the images it samples, in pixels; ``None`` where they vary.
        sampler: every setting that moves a sample: temperature, top_k, top_p, guidance scale and its formula, steps …
        tokenizer: name of the tokenizer it generates for, if it has one.
        parameters: number of parameters; 0 where that is not known.
        weights: every weight file in use, the tokenizer's included.
        licence: licence of the weights.
        citation: paper or page to cite.
    """

    name: str
    conditions: ConditionKind
    family: str = ""
    revision: str = ""
    classes: int = 0
    native_size: int | None = None
    sampler: Mapping[str, Any] = field(default_factory=dict)
    tokenizer: str = ""
    parameters: int = 0
    weights: tuple[WeightFile, ...] = ()
    licence: str = ""
    citation: str = ""
    images: tuple[str, ...] = ()
    optional_images: tuple[str, ...] = ()
    video: bool = False
    clip_frames: int | None = None

    @property
    def untrained(self) -> bool:
        """Whether the weights were drawn from a seed: good for geometry, speed and tests, never for a score."""
        return self.revision.startswith(RANDOM_REVISION)

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a generator must have a name")
        _check_clips(self.name, self.video, self.clip_frames)
        if self.conditions not in get_args(ConditionKind):
            raise ValueError(
                f"{self.name}: conditions must be one of {', '.join(get_args(ConditionKind))}, got {self.conditions!r}"
            )
        for field_name in ("images", "optional_images"):
            if not isinstance(getattr(self, field_name), tuple):
                raise ValueError(f'{self.name}: {field_name} must be a tuple of roles, as in ("source",)')
        roles = self.images + self.optional_images
        if problem := next(filter(None, map(role_problem, roles)), ""):
            raise ValueError(f"{self.name}: {problem}")
        if len(set(roles)) < len(roles):
            raise ValueError(f"{self.name}: a role is named twice among {', '.join(roles)}")

    def image_problem(self, roles: Collection[str]) -> str:
        """Why it is not given conditions with images of these roles; empty where it is.

        An image that it would ignore is a fault as much as one that it lacks: the number would say something else.
        """
        lacking = [role for role in self.images if role not in roles]
        stray = [role for role in roles if role not in self.images + self.optional_images]
        if lacking:
            return f"needs images as {' and '.join(lacking)}"
        return f"takes no image as {' and '.join(stray)}" if stray else ""


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """What a number means: enough to print, compare and aggregate it without computing anything.

    Attributes:
        name: the fixed public name (see the metric reference).
        version: raised whenever the number it yields for the same input changes.
        kind: ``image`` (a row an image), ``set`` (from features), ``code`` (from codes), ``text`` (from what a
            reader reads), ``instance`` (from words or faces of an image, by their size), ``block`` (rows that depend
            on the other images of their block, or several columns), ``prompt`` (an image against its prompt),
            ``condition`` (a generated image against all that it was made from), ``video`` (a row a video),
            ``likelihood`` (of real images under a generator), ``robustness`` (of codes under small changes),
            ``learnability`` (of what a small network, fitted on codes, says of others), ``probing`` (of what a
            classifier, fitted on features or codes, tells of others), ``cost`` (what a call takes on one device),
            ``shape`` (of sets of point clouds), ``map`` (of dense maps against the truth) or ``judged`` (by a
            benchmark's own judge, elsewhere).
        unit: ``"dB"``, ``"bits"``, ``""`` for a plain ratio.
        higher_is_better: ``None`` where neither direction is better (a rate, a count).
        aggregation: how an image metric's rows become one value. ``mean_finite`` leaves infinities out and counts
            them; ``pooled_psnr`` turns mean squared errors into one PSNR, ``pooled_error_db`` into decibels below full
            scale, its negative.
        column: the name of the row column, when it differs from ``name``.
        least_side: pixels of the shortest side an image may have; below it there is no value. 0 where any will do.
        summary: one sentence for ``vtbench list metrics``.
    """

    name: str
    version: int
    kind: MetricKind
    unit: str = ""
    higher_is_better: bool | None = None
    aggregation: Aggregation = "mean"
    column: str = ""
    least_side: int = 0
    summary: str = ""

    @property
    def row_column(self) -> str:
        """Column of ``samples.parquet`` that holds this metric's rows."""
        return self.column or self.name


def _check_clips(name: str, video: bool, clip_frames: int | None) -> None:
    if clip_frames is not None and not (video and clip_frames >= 1):
        raise ValueError(f"{name}: clip_frames are of video=True, and at least 1, got {clip_frames}")


def role_problem(role: object) -> str:
    """Why something names no role; empty where it does."""
    if isinstance(role, str) and _ROLE.fullmatch(role):
        return ""
    return f"{role!r:.60} is no role of an image: small letters, digits and _, as {', '.join(ROLES)}"
