"""Clips that somebody else sampled: folders of frames, video files or an array. They are scored as they are."""

from __future__ import annotations

from pathlib import Path

from vtbench.core.contracts import Condition, ImageDataset
from vtbench.core.info import GeneratorInfo
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.data.sources.videos.clips import Choice
from vtbench.data.sources.videos.dataset import Videos


class VideoSamples:
    """Every video at a path, as one set of samples; what a path may be is said of the data set ``videos``.

    Args:
        path: the folder, or a ``.npy`` or ``.npz`` file.
        frames: of each clip: as many as the task scores.
        stride: every so many frames of a video one is taken.
        clips: ``one`` a video, begun where ``seed`` and its name say, or ``all`` that fit. Of videos of ``frames``
            frames, both are the whole video.
        seed: of the beginnings.
        name: what tables call the model that made them.

    Raises:
        UsageError: no videos, or one that is too short.
        AssetMissingError: video files, without the library that reads them.
    """

    def __init__(
        self,
        path: str | Path,
        frames: int = 16,
        stride: int = 1,
        clips: Choice = "one",
        seed: int = 0,
        name: str = "samples",
    ) -> None:
        videos = Videos(path, frames, stride, clips, seed)
        self.images: ImageDataset = videos
        self.notes = videos.notes
        told = [videos.target(index) for index in range(len(videos))]
        labels = [None if target is None else int(target["label"]) for target in told]
        samples = [ConditionSample(id, Condition(label=label)) for id, label in zip(videos.ids, labels, strict=True)]
        known = {label for label in labels if label is not None}
        where = "parent" if known else "none"
        described = {"of": "given", "labels": where, "classes": len(known), "count": len(samples)}
        self.conditions = ConditionSet(samples, described)
        self.info = GeneratorInfo(
            name=name,
            conditions="none" if None in labels else "class",
            family="videos made elsewhere",
            video=True,
            clip_frames=frames,
        )
