"""A folder of reconstructions made elsewhere, matched to a data set's samples by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.data.decode import decode_image
from vtbench.data.sources.listing import list_images
from vtbench.tokenizers.elsewhere.pairing import Pairs, pair

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Matching:
    """Which file belongs to which sample.

    Attributes:
        pairs: by name, and by which rule.
        found: sample id to file, in the order of the ids.
        missing: ids without a file, in the order of the ids.
        extra: files without a sample, sorted.
    """

    pairs: Pairs
    found: Mapping[str, Path]
    missing: Sequence[str]
    extra: Sequence[Path]


class PredictionFolder:
    """Images under ``path``, in any depth, as :mod:`vtbench.data.sources.listing` finds them.

    Attributes:
        names: of the images, relative to the folder, sorted.
        notes: what was left out.

    Raises:
        UsageError: no such folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = user_path(path)
        if not self.path.is_dir():
            raise UsageError(f"no folder {path}", "give the folder that holds the reconstructions")
        listing = list_images(self.path)
        self.names, self.notes = listing.images, listing.notes

    def match(self, ids: Iterable[str]) -> Matching:
        """Match sample ids to files by one rule for all: see :func:`vtbench.tokenizers.elsewhere.pairing.pair`.

        Raises:
            UsageError: one id fits several files, or several ids fit one.
        """
        wanted = list(ids)
        pairs = pair(wanted, self.names)
        used = set(pairs.found.values())
        return Matching(
            pairs=pairs,
            found={id: self.path / name for id, name in pairs.found.items()},
            missing=[id for id in wanted if id not in pairs.found],
            extra=[self.path / name for name in self.names if name not in used],
        )

    def load(self, path: Path) -> Tensor:
        """One image as ``uint8 [3,H,W]`` RGB, by the rules that data sets follow.

        Raises:
            SampleError: the file cannot be decoded.
        """
        return decode_image(path, path.relative_to(self.path).as_posix())
