"""Videos as folders of numbered frames: each folder that holds images is one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.decode import decode_image
from vtbench.data.fingerprint import digest_readable_file
from vtbench.data.sources.listing import named
from vtbench.data.sources.videos.stacking import Array, stacked

_NUMBER = re.compile(r"\d+(?!.*\d)")


class FramesOfFolder:
    """The frames of one folder, in the order of their numbers.

    Args:
        root: the folder of all videos.
        name: of the video: its folder, relative to ``root``.
        files: its images, relative to ``root``.

    Raises:
        UsageError: a frame without a number, or two with one number.
    """

    def __init__(self, root: Path, name: str, files: Iterable[str]) -> None:
        self.name, self._root = name, root
        numbered = sorted((_number(file, name), file) for file in files)
        for (one, first), (other, second) in pairwise(numbered):
            if one == other:
                raise UsageError(
                    f"{root / name}: {_base(first)} and {_base(second)} are both frame {one}",
                    "number the frames of a video once each, as 000001.png",
                )
        self._files = tuple(file for _, file in numbered)

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self._files)

    def read(self, places: range) -> Array:
        """``uint8 [T,3,H,W]`` of the frames at ``places``.

        Raises:
            SampleError: one cannot be decoded, or frames differ in size.
        """
        files = [self._files[place] for place in places]
        return stacked(self.name, (decode_image(self._root / file, file).numpy() for file in files))

    def digest(self, places: range) -> str:
        """Of the files of these frames, and of no other."""
        return digest_json([digest_readable_file(self._root / self._files[place]) for place in places])


def folders_of_frames(root: Path, images: Iterable[str]) -> list[FramesOfFolder]:
    """The videos among images below ``root``, in the order of their names.

    Raises:
        UsageError: images that lie in no folder of a video's.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for file in images:
        found[file.rpartition("/")[0]].append(file)
    loose = found.pop("", [])
    if loose:
        raise UsageError(
            f"{len(loose)} images lie in {root} itself, which is a folder of videos: {named(loose)}",
            "put the frames of each video into a folder of its own",
        )
    return [FramesOfFolder(root, name, files) for name, files in sorted(found.items())]


def _base(file: str) -> str:
    return file.rpartition("/")[2]


def _number(file: str, name: str) -> int:
    """The last number of a file's name, ``12`` of ``v1_frame0012.png``."""
    stem = _base(file).rpartition(".")[0]
    found = _NUMBER.search(stem)
    if found is None:
        raise UsageError(
            f"{file} has no number: which frame of {name} is it?", "number the frames of a video, as 000001.png"
        )
    return int(found[0])
