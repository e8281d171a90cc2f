"""Images that a program writes when it is asked for them in JSON lines: asked for once, kept, and judged one by one."""

from __future__ import annotations

import json
import math
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.core.caches import kept_in, not_kept
from vtbench.core.contracts import SampleFailure
from vtbench.core.errors import SampleError, StorageFullError, UnwritableError, UsageError, VtbenchError
from vtbench.core.files import cache_dir, user_path
from vtbench.core.outside import load_json
from vtbench.core.programs import digest_command, run_program, split_command
from vtbench.core.write_errors import writing

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = "command"
SUFFIXES = (".png", ".jpg", ".jpeg")
LEFT_OUT = "no image: the program exited with 0"
_LONGEST_MESSAGE = 500


@dataclass(frozen=True)
class Wanted:
    """One image that a program is asked for.

    Attributes:
        id: of the sample; what the program calls it in an error.
        output: where the image is to be written, without an extension.
        said: what else the program is told.
        size: height and width that the image must have, where that is known.
    """

    id: str
    output: Path
    said: Mapping[str, Any]
    size: tuple[int, int] | None = None

    @property
    def line(self) -> str:
        """The line that the program reads."""
        whole = {"id": self.id, **self.said, "output": f"{self.output}{SUFFIXES[0]}"}
        return json.dumps(whole) + "\n"  # ASCII only, so that no locale can misread it

    def files(self) -> list[Path]:
        """The images that are there, PNG first."""
        candidates = [self.output.parent / f"{self.output.name}{suffix}" for suffix in SUFFIXES]
        return [file for file in candidates if file.is_file()]

    def remove(self) -> None:
        """Forget the images that are there: the next run asks for them again."""
        for file in self.files():
            file.unlink(missing_ok=True)


class ImageProgram:
    """A program, started without a shell, once for every batch of images that are not there yet.

    Args:
        run: the command; split like a shell line.
        timeout: seconds that one start may take.
        batch: most images asked of one start; all that are wanted at once unless given.
        work: folder that images are kept in; in the cache folder unless given.
        keep: whether finished images are kept; otherwise they are removed once read.

    Attributes:
        digest: changes with the command and the content of the files it names.

    Raises:
        UsageError: no such program, or an argument that makes no sense.
    """

    def __init__(self, run: str, timeout: float, batch: int | None, work: str | None, keep: bool) -> None:
        if not (math.isfinite(timeout) and timeout > 0):
            raise UsageError(f"timeout={timeout}: seconds above 0")
        if batch is not None and batch < 1:
            raise UsageError(f"batch={batch}: at least 1 image")
        self._words = split_command(run)
        self._timeout, self._batch, self._keep = float(timeout), batch, keep
        self.digest = digest_command(self._words)
        self._work = user_path(work) / self.digest if work else None

    def images(self, want: Callable[[Path], Sequence[Wanted]]) -> list[Tensor | SampleFailure]:
        """``uint8 [3,H,W]`` or a failure for each image that ``want`` names, given the folder to name it in.

        Raises:
            UnwritableError: the folder that was asked for cannot be written; the cache folder is replaced by another.
            StorageFullError: it has no room.
        """
        if not self._keep:
            return self._images_meanwhile(want)
        if self._work is not None:
            with writing(self._work, "give another folder: work=DIR"):
                self._work.mkdir(parents=True, exist_ok=True)
            return self._images_in(self._work, want)
        kept, place = cache_dir() / FOLDER / self.digest, kept_in(FOLDER, self.digest)
        if place != kept and _holds_all(kept, want):
            place = kept
        try:
            return self._images_in(place, want)
        except (StorageFullError, UnwritableError) as error:  # full, or taken away since it was looked at
            not_kept(error, place)
            return self._images_meanwhile(want)

    def _images_meanwhile(self, want: Callable[[Path], Sequence[Wanted]]) -> list[Tensor | SampleFailure]:
        with tempfile.TemporaryDirectory(prefix="vtbench-command-") as folder:
            return self._images_in(Path(folder), want)

    def _images_in(self, folder: Path, want: Callable[[Path], Sequence[Wanted]]) -> list[Tensor | SampleFailure]:
        wanted = want(folder.resolve())
        _discard_broken(wanted)
        reasons = self._ask([one for one in wanted if not one.files()])
        return [_result(one, reasons) for one in wanted]

    def _ask(self, wanted: Sequence[Wanted]) -> Mapping[Path, str]:
        """Run the program until every image was asked for once; why images failed, by their output."""
        distinct = list({one.output: one for one in wanted}.values())
        most = self._batch or max(1, len(distinct))
        reasons: dict[Path, str] = {}
        for start in range(0, len(distinct), most):
            batch = distinct[start : start + most]
            outcome = run_program(self._words, "".join(one.line for one in batch), self._timeout)
            errors = reported_errors(outcome.said.objects)
            if outcome.said.unread:
                _tell_unread(self._words[0], outcome.said.unread)
            for one in batch:
                if one.id in errors:
                    reasons[one.output] = f"the program reports: {errors[one.id]}"
                    one.remove()
                else:
                    reasons[one.output] = f"no image: the program {outcome.problem}" if outcome.problem else LEFT_OUT
        return reasons


def _holds_all(folder: Path, want: Callable[[Path], Sequence[Wanted]]) -> bool:
    """Whether a folder that cannot be written holds every image, whole, and so need not be."""
    try:
        wanted = want(folder.resolve())
        return all(one.files() for one in wanted) and not _broken(wanted)
    except (OSError, VtbenchError):
        return False


def reported_errors(lines: Iterable[str]) -> dict[str, str]:
    """Sample id to error, from ``{"id": …, "error": …}`` lines; any other line is the program's own talk."""
    errors = {}
    for line in lines:
        try:
            said = load_json(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(said, dict) and said.get("error") and isinstance(said.get("id"), str):
            errors[said["id"]] = str(said["error"])[:_LONGEST_MESSAGE]
    return errors


def _tell_unread(program: str, unread: int) -> None:
    told = f"{program} wrote {unread:,} bytes to stdout that were not read for errors"
    warnings.warn(f"{told}: its own talk belongs on stderr", stacklevel=2)


def _result(wanted: Wanted, reasons: Mapping[Path, str]) -> Tensor | SampleFailure:
    from vtbench.data.decode import decode_image

    files = wanted.files()
    if not files:
        reason = reasons.get(wanted.output, "no image")
        return SampleFailure(wanted.id, "model", reason, of_model=reason != LEFT_OUT)
    try:
        image = decode_image(files[0], files[0].name)
    except SampleError as error:
        wanted.remove()
        return SampleFailure(wanted.id, "model", str(error))
    got = tuple(image.shape[1:])
    if wanted.size is not None and got != wanted.size:
        wanted.remove()
        (height, width), due = got, wanted.size
        return SampleFailure(
            wanted.id, "model", f"{files[0].name} is {height}x{width}, {due[0]}x{due[1]} is due (height x width)"
        )
    return image


def _discard_broken(wanted: Sequence[Wanted]) -> None:
    """Files that an interrupted program left half-written are asked for again."""
    for file in _broken(wanted):
        file.unlink(missing_ok=True)


def _broken(wanted: Sequence[Wanted]) -> list[Path]:
    from vtbench.data.decode import decode_image

    found = []
    for file in (file for one in wanted for file in one.files()):
        try:
            decode_image(file)
        except SampleError:
            found.append(file)
    return found
