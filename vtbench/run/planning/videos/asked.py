"""Which data and models are of clips: a task of video takes those, and no other task does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.core.disk.files import user_path
from vtbench.core.errors import NotComparableError, UsageError
from vtbench.core.naming.reference import Reference, parse_reference

if TYPE_CHECKING:
    from vtbench.metrics.sets.reference_statistics import ReferenceStatistics
    from vtbench.run.planning.generators import GeneratorSource
    from vtbench.tasks import TaskSpec

VIDEOS = "videos"
_VIDEO_TASKS = "vtbench list tasks shows tasks of kind video, and generation-video-folder"
_ARRAYS = (".npy", ".npz")


def clips_of(data: str, frames: int, folder_as: str | None = None) -> str:
    """The data set that opens what was given to a task of clips.

    A path is opened as ``folder_as``, or as ``videos``; a reference to ``videos`` that states no number of frames has
    the task's.
    """
    if data.split(",", 1)[0].strip() == VIDEOS:
        named = parse_reference(data)
        return str(named if "frames" in named.args else Reference(named.target, {**named.args, "frames": frames}))
    path = user_path(data)
    if path.is_dir() or (path.is_file() and path.suffix.lower() in _ARRAYS):
        opened = parse_reference(folder_as or VIDEOS)
        return str(Reference(opened.target, {"path": data, "frames": frames, **opened.args}))
    return data


def check_clips(source: str, dataset: Any, frames: int | None, who: str) -> None:
    """Whether a data set is of what is asked for: images, or clips of ``frames``.

    Raises:
        UsageError: it is not; ``who`` asks.
    """
    found: int | None = getattr(dataset, "frames", None)
    if found == frames:
        return
    if frames is None:
        raise UsageError(f"{source} holds clips, and {who} takes images", _VIDEO_TASKS)
    if found is None:
        hint = (
            f"give a folder of videos, or videos,path=DIR,frames={frames}; a data set of your own has frames={frames}"
        )
        raise UsageError(f"{source} holds images, and {who} takes clips of {frames} frames", hint)
    raise UsageError(f"{source} holds clips of {found} frames, and {who} takes {frames}", f"say frames={frames}")


def refuse_other_samples(source: GeneratorSource, task: TaskSpec) -> None:
    """Whether a generator samples what a task scores: images, or clips of its length.

    Raises:
        UsageError: it does not.
    """
    info, frames = source.info, task.frames
    if frames is None and info.video:
        raise UsageError(f"{source.label} samples clips, and {task.name} scores images", _VIDEO_TASKS)
    if frames is not None and not info.video:
        hint = "clips that are there: --generator videos,path=DIR; a generator of clips says info.video"
        raise UsageError(f"{source.label} samples images, and {task.name} scores clips of {frames} frames", hint)
    if problem := clip_problem(info, frames):
        raise UsageError(f"{source.label} {problem}, and {task.name} scores {frames}", f"say frames={frames}")


def check_frames(statistics: ReferenceStatistics, task: TaskSpec) -> None:
    """Whether statistics are of what a task scores: distances of clips are not the same at another length.

    Raises:
        NotComparableError: of images, or of clips of another length. Files that do not say pass.
    """
    told = statistics.note.data.get("frames")
    if told is None and (task.frames is None or "fingerprint" not in statistics.note.data):
        return
    if told != task.frames:
        theirs, ours = ("images" if n is None else f"clips of {n} frames" for n in (told, task.frames))
        raise NotComparableError(
            f"{statistics.path} describes {theirs}, and {task.name} scores {ours}", "build statistics of the same"
        )


def clip_problem(info: Any, frames: int | None) -> str:
    """Why a model does not do for a task of images, or of clips of ``frames``; empty where it does.

    An image tokenizer on clips is no problem of its: it is given them frame by frame.
    """
    if frames is None:
        return "takes clips, and no images" if info.video else ""
    if info.video and info.clip_frames not in (None, frames):
        return f"is of clips of {info.clip_frames} frames"
    return ""
