"""A model of images as one of clips: each frame by itself, which the record says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch

from vtbench.core.errors import UsageError
from vtbench.core.info import TokenizerInfo
from vtbench.run.device import choose_dtype
from vtbench.run.measuring.model import LoadedModel
from vtbench.run.measuring.predict import ModelPredictor, Predictor
from vtbench.run.options import RunOptions
from vtbench.run.planning.models import FolderSource, PredictionSource, Source
from vtbench.run.planning.videos.asked import clip_problem
from vtbench.tasks import TaskSpec
from vtbench.tokenizers.frames import NOTE, frame_by_frame

_VERSION = 1
"""Raised when what a frame is given, or how its seed follows from the clip's, changes."""


@dataclass(eq=False)
class FramesSource:
    """A tokenizer or reconstructor of images on a task of clips. What it is called stays its own.

    Args:
        of: where the model comes from.
    """

    of: Any

    @property
    def label(self) -> str:
        """Its own."""
        return str(self.of.label)

    @property
    def reference(self) -> str:
        """Its own: a task of clips takes it frame by frame again."""
        return str(self.of.reference)

    @property
    def args(self) -> dict[str, Any]:
        """Its own."""
        return dict(self.of.args)

    @property
    def import_path(self) -> str:
        """Its own."""
        return str(self.of.import_path)

    @cached_property
    def info(self) -> TokenizerInfo:
        """Its own, of clips."""
        own: TokenizerInfo = self.of.info
        return replace(own, video=True)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Its own, and that it is given frames."""
        return {**self.of.identity, "frame by frame": _VERSION}

    @property
    def code_files(self) -> frozenset[str]:
        """Its own."""
        found: frozenset[str] = self.of.code_files
        return found

    @property
    def serves_on(self) -> bool:
        """As it does."""
        return bool(self.of.serves_on)

    def open(self, options: RunOptions, device: torch.device, batch_size: int, ids: Iterable[str]) -> Predictor:
        """The model on its device."""
        lent = not hasattr(self.of, "make")  # an object of the caller's, who goes on training it
        model = frame_by_frame(self.of.model, lent=lent)
        loaded = LoadedModel(model, device, choose_dtype(options.dtype), lent=lent)
        return ModelPredictor(loaded, seed=options.seed, batch_size=batch_size)

    def release(self) -> None:
        """Free the model."""
        self.of.release()

    def warnings(self, ids: Sequence[str], left_out: Sequence[str] = ()) -> list[str]:
        """What the model says, and that it knows no time."""
        return [*self.of.warnings(ids, left_out), NOTE]

    def resolved(self, ids: Sequence[str]) -> dict[str, str]:
        """Its own, and how it is given clips."""
        return {**self.of.resolved(ids), "clips": "frame by frame"}


def for_clips(source: Source, task: TaskSpec, by_frame: FramesSource) -> Source:
    """The source for a task: as it is, or, of images on a task of clips, ``by_frame``, the same frame by frame.

    Raises:
        UsageError: a model of clips on a task of images, or of clips of another length; images made elsewhere on a task
            of clips.
    """
    if not isinstance(source, PredictionSource):
        return source
    if isinstance(source, FolderSource):
        if task.frames is None:
            return source
        raise UsageError(
            f"{source.label} is images made elsewhere, and {task.name} takes clips",
            "a model whose reconstruct reads them does: docs/video.md",
        )
    info = source.info
    if problem := clip_problem(info, task.frames):
        other = "vtbench list tasks shows tasks of kind video" if task.frames is None else "give one of that length"
        raise UsageError(f"{source.label} {problem}, and {task.name} takes {_taken(task)}", other)
    return source if task.frames is None or info.video else by_frame


def _taken(task: TaskSpec) -> str:
    return "images" if task.frames is None else f"clips of {task.frames} frames"
