"""Images that a program writes when it is asked for them in JSON lines: asked for once, kept, and judged one by one."""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.core.contracts import SampleFailure
from vtbench.core.disk.caches import kept_in, not_kept
from vtbench.core.disk.files import cache_dir, user_path
from vtbench.core.disk.write_errors import writing
from vtbench.core.errors import SampleError, StorageFullError, UnwritableError, UsageError, VtbenchError
from vtbench.core.foreign.programs import digest_command, run_program, split_command
from vtbench.core.outside.parsing import load_json, read_bytes, reason
from vtbench.data.kept_images import Wanted, discard_unsound, is_sealed, seal_image, sound
from vtbench.data.limits import MOST_FILE_BYTES

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = "command"
LEFT_OUT = "no image: the program exited with 0"
_LONGEST_MESSAGE = 500


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
        discard_unsound(wanted)
        reasons = self._ask([one for one in wanted if not one.files()])
        return [_result(one, reasons, self._keep) for one in wanted]

    def _ask(self, wanted: Sequence[Wanted]) -> Mapping[Path, str]:
        """Run the program until every image was asked for once; why images failed, by their output."""
        distinct = list({one.output: one for one in wanted}.values())
        most = self._batch or max(1, len(distinct))
        reasons: dict[Path, str] = {}
        for start in range(0, len(distinct), most):
            batch = distinct[start : start + most]
            for one in batch:
                one.seal.unlink(missing_ok=True)  # its image is gone
                one.give()
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
        return all(one.files() and sound(one) for one in wanted)
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


def _result(wanted: Wanted, reasons: Mapping[Path, str], keep: bool) -> Tensor | SampleFailure:
    files = wanted.files()
    if not files:
        why = reasons.get(wanted.output, "no image")
        return SampleFailure(wanted.id, "model", why, of_model=why != LEFT_OUT)
    try:
        return _judged(wanted, files[0], keep)
    except SampleError as error:
        wanted.remove()
        return SampleFailure(wanted.id, "model", error.what)


def _judged(wanted: Wanted, file: Path, keep: bool) -> Tensor:
    """The image, sealed once it was found good where it is kept.

    Raises:
        SampleError: it cannot be decoded, or has another size than is due.
    """
    from vtbench.data.decode import decode_image

    try:
        data = read_bytes(file, MOST_FILE_BYTES)
    except (OSError, ValueError) as error:
        raise SampleError(f"{file.name}: cannot be read: {reason(error)}") from error
    image = decode_image(data, file.name)
    height, width = image.shape[1:]
    if wanted.size is not None and (height, width) != wanted.size:
        due = f"{wanted.size[0]}x{wanted.size[1]}"
        raise SampleError(f"{file.name} is {height}x{width}, {due} is due (height x width)")
    if keep and not is_sealed(wanted):
        seal_image(wanted, file, data)
    return image
