"""Videos as files, read by FFmpeg through PyAV.

PyAV, and not OpenCV's or torchcodec's reader: it brings its FFmpeg in its wheels, counts frames from packets without
decoding them, raises where a file is damaged instead of ending early, and opens a file with the demuxer that is named,
and with no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vtbench.core.errors import AssetMissingError, SampleError
from vtbench.core.extras import install_extra
from vtbench.core.outside.parsing import reason
from vtbench.data.fingerprint import digest_readable_file
from vtbench.data.limits import MAX_PIXELS
from vtbench.data.sources.videos.stacking import Array, stacked

DEMUXERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mp4",
    ".avi": "avi",
    ".webm": "matroska",
    ".mkv": "matroska",
}
"""By suffix. Named, not probed: a playlist called ``.mp4`` would otherwise open whatever it names."""
_OPTIONS = {"protocol_whitelist": "file"}


class FramesOfFile:
    """The frames of the first video stream of one file, in the order in which they are shown.

    Args:
        root: the folder of all videos.
        name: the file, relative to ``root``.

    Raises:
        AssetMissingError: PyAV is not installed.
    """

    def __init__(self, root: Path, name: str) -> None:
        require_pyav()
        self.name, self._path = name, root / name
        self.problem = self._digest = ""
        try:
            self.frames = _count(self._path)
        except SampleError as error:  # told when it is read, as of any broken file
            self.frames, self.problem = 0, str(error)

    def read(self, places: range) -> Array:
        """``uint8 [T,3,H,W]`` RGB of the frames at ``places``; those before them are decoded and dropped.

        Raises:
            SampleError: damaged, shorter than its packets promise, or frames that differ in size.
        """
        if self.problem:
            raise SampleError(self.problem)
        found = stacked(self.name, _decoded(self._path, places))
        if len(found) < len(places):
            last = places[-1] + 1
            raise SampleError(f"{self.name}: decodes to fewer than the {last} frames that its packets promise")
        return found

    def digest(self, places: range) -> str:
        """SHA-256 of the file, taken once for all of its clips."""
        self._digest = self._digest or digest_readable_file(self._path)
        return self._digest


def require_pyav() -> Any:
    """The library.

    Raises:
        AssetMissingError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise AssetMissingError(
            "video files are read by PyAV, which is not installed",
            f"{install_extra('video')}; or give folders of frames",
        ) from error
    return av


def _count(path: Path) -> int:
    """Frames of the first video stream, counted by its packets: nothing is decoded."""
    av = require_pyav()
    try:
        with av.open(str(path), format=DEMUXERS[path.suffix.lower()], options=_OPTIONS) as container:
            stream = _video(container, path)
            return sum(1 for packet in container.demux(stream) if packet.size and not packet.is_discard)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise SampleError(f"{path.name} is no video that can be read: {reason(error)}") from error


def _decoded(path: Path, places: range) -> Iterator[Array]:
    av, wanted = require_pyav(), frozenset(places)
    try:
        with av.open(str(path), format=DEMUXERS[path.suffix.lower()], options=_OPTIONS) as container:
            stream = _video(container, path)
            stream.thread_type = "NONE"  # clips are read by several processes at once
            for place, frame in enumerate(container.decode(stream)):
                if frame.width * frame.height > MAX_PIXELS:
                    raise SampleError(f"{path.name}: frames of {frame.width}x{frame.height} pixels")
                if place in wanted:
                    yield np.ascontiguousarray(_rgb(frame).transpose(2, 0, 1))
                if place >= places[-1]:
                    return
    except (av.FFmpegError, OSError, ValueError) as error:
        raise SampleError(f"{path.name} cannot be decoded: {reason(error)}") from error


def _rgb(frame: Any) -> Array:
    """``uint8 [H,W,3]`` by the matrix and range of the stream, chroma interpolated.

    swscale is asked for the arithmetic that gives the same bits on every CPU.
    """
    from av.video.reformatter import Interpolation

    exact = Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
    pixels: Array = frame.to_ndarray(format="rgb24", interpolation=Interpolation.BILINEAR | exact, threads=1)
    return pixels


def _video(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise SampleError(f"{path.name} has no video stream")
    return container.streams.video[0]
