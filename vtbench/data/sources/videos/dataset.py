"""``videos``: clips of a folder of videos, or of an array of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vtbench.core.contracts import Sample
from vtbench.core.digests import digest_json
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import read_text
from vtbench.data.fingerprint import Fingerprinted
from vtbench.data.sources.folder import numbered
from vtbench.data.sources.listing import is_image, kinds_of, named, suffix_of, walk
from vtbench.data.sources.videos.arrays import FramesOfArray, open_videos
from vtbench.data.sources.videos.clips import Choice, ClipRule
from vtbench.data.sources.videos.files import DEMUXERS, FramesOfFile
from vtbench.data.sources.videos.frame_folders import folders_of_frames

if TYPE_CHECKING:
    from vtbench.data.sources.videos.stacking import Array

ARRAYS = (".npy", ".npz")
_THREADS = min(8, os.cpu_count() or 1)


class Video(Protocol):
    """One video at rest. ``name`` tells it from the others; ``frames`` is how many it has."""

    name: str

    @property
    def frames(self) -> int:
        """How many it has, counted without decoding."""

    def read(self, places: range) -> Array:
        """``uint8 [T,3,H,W]`` RGB of these frames."""

    def digest(self, places: range) -> str:
        """Digest of what these frames are stored in."""


class Videos(Fingerprinted):
    """Clips of the videos at a path; a sample's image is ``uint8 [T,3,H,W]``, ``T = frames``.

    What a path is: a folder with video files (``.mp4``, ``.m4v``, ``.mov``, ``.avi``, ``.webm``, ``.mkv``) anywhere
    below it; else a folder with images, of which each folder is one video and each image one frame, by its number; else
    a ``.npy`` or ``.npz`` file. A video's name is its path below the folder, as ``Archery/v_01.avi``, and the first
    folder on it the class, as in a folder of images; in a file it is the position. An id is that name, or
    ``name@first-frame`` where all clips are taken. A file that cannot be opened is listed, and fails when it is read.

    Args:
        path: the folder or file.
        frames: of a clip, T.
        stride: every so many frames of the video one is taken.
        clips: ``one`` a video, begun where ``seed`` and its name say, or ``all`` that fit.
        seed: of the beginnings.
        discard_short: leave out videos with too few frames, and say how many; else they are refused.
        list: a text file of names, the first word of each line, such as UCF-101's ``trainlist01.txt``: those alone are
            taken.

    Raises:
        UsageError: no such path, no videos, one that is too short, or a name that is no video's.
        AssetMissingError: video files, without the library that reads them.
    """

    hashing_threads = _THREADS

    def __init__(
        self,
        path: str | Path,
        frames: int = 16,
        stride: int = 1,
        clips: Choice = "one",
        seed: int = 0,
        discard_short: bool = False,
        list: str | Path | None = None,
    ) -> None:
        self.path = user_path(path)
        self.frames = frames
        self._rule = ClipRule(frames, stride, clips, seed)
        videos, notes = _found(self.path, None if list is None else _listed(user_path(list)))
        starts = [(0,) if _is_broken(video) else self._rule.starts(video.name, video.frames) for video in videos]
        short = [f"{video.name} ({video.frames})" for video, those in zip(videos, starts, strict=True) if not those]
        if short and not discard_short:
            raise UsageError(
                f"{len(short)} of {len(videos)} videos have fewer than the {self._rule.span} frames that a clip takes: "
                f"{named(short)}",
                "leave them out with discard_short=true, or take fewer frames or a smaller stride",
            )
        if len(short) == len(videos):
            raise UsageError(f"no video in {self.path} has {self._rule.span} frames", "take fewer frames")
        told = (f"{len(short)} videos with fewer than {self._rule.span} frames are left out: {named(short)}",)
        self.notes = (*notes, *(told if short else ()))
        self._clips = [(video, start) for video, those in zip(videos, starts, strict=True) for start in those]
        one = self._rule.clips == "one"
        self.ids: Sequence[str] = tuple(
            video.name if one else f"{video.name}@{start:06d}" for video, start in self._clips
        )
        classes = sorted({video.name.split("/", 1)[0] for video, _ in self._clips if "/" in video.name})
        self.classes = numbered(classes)

    def __getitem__(self, index: int) -> Sample:
        import torch

        video, start = self._clips[index]
        pixels = video.read(self._rule.places(start))
        return Sample(self.ids[index], torch.from_numpy(pixels), self.target(index))

    def target(self, index: int) -> dict[str, Any] | None:
        """``{"label", "class"}`` of the first folder above the video, or ``None``."""
        name, slash, _ = self._clips[index][0].name.partition("/")
        return {"label": self.classes[name], "class": name} if slash else None

    def truth_text(self, index: int) -> str:
        """The class's name: its number follows from all names."""
        told = self.target(index)
        return json.dumps(None if told is None else told["class"])

    def content_digest(self, index: int) -> str:
        """Of what the clip's frames are stored in, and of which frames they are."""
        video, start = self._clips[index]
        places = self._rule.places(start)
        return digest_json([video.digest(places), start, self._rule.stride, self._rule.frames])


def _is_broken(video: Video) -> bool:
    return bool(getattr(video, "problem", ""))


def _found(path: Path, wanted: frozenset[str] | None) -> tuple[list[Video], tuple[str, ...]]:
    """Every video at a path, by name, and what a reader must know of what was left out."""
    if path.is_file() and path.suffix.lower() in ARRAYS:
        if wanted is not None:
            raise UsageError(f"{path} holds videos without names", "leave list= out")
        file = open_videos(path)
        return [FramesOfArray(file, index) for index in range(len(file.values))], ()
    if not path.is_dir():
        state = "is no folder, .npy or .npz file" if path.exists() else "does not exist"
        raise UsageError(f"videos at {path}: it {state}", "give the folder that holds the videos, or a file of arrays")
    return _in_folder(path, wanted)


def _in_folder(root: Path, wanted: frozenset[str] | None) -> tuple[list[Video], tuple[str, ...]]:
    names = sorted(walk(root))
    files = [name for name in names if suffix_of(name) in DEMUXERS]
    images = [name for name in names if is_image(name)]
    if files:
        beside = (f"{len(images)} images lie beside the videos, and are left out",) if images else ()
        chosen = _chosen(files, wanted, root)
        with ThreadPoolExecutor(_THREADS) as pool:  # frames are counted by reading the whole file
            return list(pool.map(partial(FramesOfFile, root), chosen)), beside
    if not images:
        told = f"{len(names)} files ({kinds_of(names)})" if names else "it is empty"
        raise UsageError(
            f"no videos in {root}: {told}",
            f"videos are {' '.join(DEMUXERS)}, folders of numbered images, or .npy, .npz",
        )
    folders = {video.name: video for video in folders_of_frames(root, images)}
    return [folders[name] for name in _chosen(list(folders), wanted, root)], ()


def _chosen(names: Sequence[str], wanted: frozenset[str] | None, root: Path) -> list[str]:
    if wanted is None:
        return list(names)
    strange = sorted(wanted - set(names))
    if strange:
        raise UsageError(
            f"{len(strange)} names of the list are no videos in {root}: {named(strange)}", "check list= and path="
        )
    return [name for name in names if name in wanted]


def _listed(path: Path) -> frozenset[str]:
    """The first word of each line."""
    words: Iterable[list[str]] = (line.split() for line in read_text(path).splitlines())
    found = frozenset(line[0] for line in words if line)
    if not found:
        raise UsageError(f"{path} lists no videos", "give a name a line, as Archery/v_01.avi")
    return found
