"""A folder of reconstructions made elsewhere, matched to a data set's samples by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from vtbench.core.errors import UsageError
from vtbench.data.decode import EXTENSIONS, decode_image

if TYPE_CHECKING:
    from torch import Tensor

_SHOWN = 5


@dataclass(frozen=True)
class Matching:
    """Which file belongs to which sample.

    Attributes:
        found: sample id to file, in the order of the ids.
        missing: ids without a file, in the order of the ids.
        extra: files without a sample, sorted.
    """

    found: Mapping[str, Path]
    missing: Sequence[str]
    extra: Sequence[Path]


class PredictionFolder:
    """Images under ``path``, in any depth. Hidden files and other kinds of files are not looked at.

    Raises:
        UsageError: no such folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        if not self.path.is_dir():
            raise UsageError(f"no folder {path}", "give the folder that holds the reconstructions")
        names = (file.relative_to(self.path) for file in self.path.rglob("*") if file.is_file())
        self._names = sorted(name.as_posix() for name in names if _is_image(name))

    def match(self, ids: Iterable[str]) -> Matching:
        """Match sample ids to files by relative path; else by relative path without extension; else by file name.

        Each step looks only at ids and files that the steps before left over.

        Raises:
            UsageError: one id fits several files, or several ids fit one.
        """
        wanted = list(ids)
        candidates: dict[str, list[str]] = {}
        for key in (str, _stem, _bare):
            taken = {name for names in candidates.values() for name in names}
            index: dict[str, list[str]] = defaultdict(list)
            for name in self._names:
                if name not in taken:
                    index[key(name)].append(name)
            candidates |= {id: index[key(id)] for id in wanted if id not in candidates and key(id) in index}
        _refuse_ambiguous(candidates)
        found = {id: self.path / candidates[id][0] for id in wanted if id in candidates}
        used = {names[0] for names in candidates.values()}
        extra = [self.path / name for name in self._names if name not in used]
        return Matching(found, [id for id in wanted if id not in found], extra)

    def load(self, path: Path) -> Tensor:
        """One image as ``uint8 [3,H,W]`` RGB, by the rules that data sets follow.

        Raises:
            SampleError: the file cannot be decoded.
        """
        return decode_image(path, path.relative_to(self.path).as_posix())


def _stem(name: str) -> str:
    """A relative path without an image extension; other dots belong to the name."""
    path = PurePosixPath(name)
    return path.with_suffix("").as_posix() if path.suffix.lower() in EXTENSIONS else path.as_posix()


def _bare(name: str) -> str:
    return PurePosixPath(_stem(name)).name


def _is_image(inside: Path) -> bool:
    return inside.suffix.lower() in EXTENSIONS and not any(part.startswith(".") for part in inside.parts)


def _refuse_ambiguous(candidates: Mapping[str, Sequence[str]]) -> None:
    owners: dict[str, list[str]] = defaultdict(list)
    for id, files in candidates.items():
        if len(files) > 1:
            raise UsageError(f"sample {id!r} fits several files: {_some(files)}", "leave one image for each sample")
        for file in files:
            owners[file].append(id)
    for file, ids in owners.items():
        if len(ids) > 1:
            raise UsageError(
                f"{file} fits several samples: {_some(ids)}", "keep the data set's sub-folders in the prediction folder"
            )


def _some(items: Sequence[object]) -> str:
    shown = ", ".join(str(item) for item in items[:_SHOWN])
    return shown if len(items) <= _SHOWN else f"{shown} and {len(items) - _SHOWN} more"
