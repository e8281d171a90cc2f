"""What VTBench's scripts write: ``original_images/`` and ``reconstructed_images/`` with equally named PNG files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from vtbench.core.contracts import Sample
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.data.decode import decode_image
from vtbench.data.fingerprint import Fingerprinted, digest_readable_file
from vtbench.data.sources.listing import composed, list_images, named, suffix_of

ORIGINALS = "original_images"
RECONSTRUCTIONS = "reconstructed_images"
_SUFFIX = ".png"


@dataclass(frozen=True)
class Pairing:
    """How the two folders fit together. Ids are file names without ``.png``.

    Attributes:
        paired: ids that both folders have.
        without_reconstruction: originals that have none, such as calls that failed.
        without_original: reconstructions of nothing: they cannot be scored.
        other_size: pairs of different sizes, as ``(id, (width, height) of the original, of the reconstruction)``.
        unreadable: files of a pair whose size could not be read, as ``folder/name``.
    """

    paired: tuple[str, ...]
    without_reconstruction: tuple[str, ...]
    without_original: tuple[str, ...]
    other_size: tuple[tuple[str, tuple[int, int], tuple[int, int]], ...]
    unreadable: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """One sentence for each kind of misfit; empty where all fits."""
        sizes = [f"{name} ({a[0]}x{a[1]} and {b[0]}x{b[1]})" for name, a, b in self.other_size]
        kinds = (
            ("originals have no reconstruction", self.without_reconstruction),
            ("reconstructions have no original", self.without_original),
            ("pairs differ in size", sizes),
            ("files are not readable images", self.unreadable),
        )
        return [f"{len(names)} {what}: {named(names)}" for what, names in kinds if names]


class VTBenchFolder(Fingerprinted):
    """The originals of a VTBench output folder as a data set; ``reconstructions`` is the folder to score against them.

    Facts to know when scoring such folders: the originals are the model's own input, resized and cropped to the size
    *that model* takes, and for models fed with [-1, 1] they went through a truncation to 8 bits, which moves about half
    of the pixel values by one level. So the originals differ between models, and so does this data set's fingerprint.
    Files of another kind beside them (a pickle of both image lists) are never opened; originals of another format than
    PNG are told in ``notes``.

    Ids are file names without ``.png`` (``00000000`` …), in order; by those ``vtbench score`` finds reconstructions.

    Args:
        path: the folder that holds ``original_images`` and ``reconstructed_images``.

    Raises:
        UsageError: a folder is missing, or no image is in both.
    """

    def __init__(self, path: str | Path) -> None:
        self.root = user_path(path)
        self.originals, self.reconstructions = self.root / ORIGINALS, self.root / RECONSTRUCTIONS
        self._files, self.notes = _pngs(self.originals)
        self.ids = tuple(self._files)
        if not _partners(self.ids, _pngs(self.reconstructions)[0]):
            raise UsageError(
                f"{self.root}: no name is both in {ORIGINALS} and {RECONSTRUCTIONS}",
                f"the files of a pair have one name, such as 00000000{_SUFFIX}",
            )

    def __getitem__(self, index: int) -> Sample:
        name = self.ids[index]
        return Sample(id=name, image=decode_image(self.originals / self._files[name], name))

    def content_digest(self, index: int) -> str:
        """SHA-256 of the original's file."""
        return digest_readable_file(self.originals / self._files[self.ids[index]])

    def pairing(self) -> Pairing:
        """Compare the folders as they lie now, sizes by the headers of all pairs."""
        remade, _ = _pngs(self.reconstructions)
        partners = _partners(self.ids, remade)
        other, unreadable = [], []
        for name, partner in partners.items():
            files = (self.originals / self._files[name], self.reconstructions / remade[partner])
            first, second = map(_size, files)
            if first is None or second is None:
                unreadable += [f"{file.parent.name}/{file.name}" for file in files if _size(file) is None]
            elif first != second:
                other.append((name, first, second))
        return Pairing(
            paired=tuple(sorted(partners)),
            without_reconstruction=tuple(sorted(set(self.ids) - set(partners))),
            without_original=tuple(sorted(set(remade) - set(partners.values()))),
            other_size=tuple(other),
            unreadable=tuple(unreadable),
        )


def _partners(originals: Iterable[str], remade: Iterable[str]) -> dict[str, str]:
    """Original to reconstruction: names equal as written or, failing that, once composed."""
    theirs = set(remade)
    found = {name: name for name in originals if name in theirs}
    spelled = {composed(name): name for name in sorted(theirs - set(found))}
    left = [(name, composed(name)) for name in originals if name not in found]
    return found | {name: spelled[key] for name, key in left if key in spelled}


def _pngs(folder: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Names without ``.png`` to files, sorted by name, and a note on what else may have been meant."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", f"give the folder that holds {ORIGINALS} and {RECONSTRUCTIONS}")
    listing = list_images(folder, recursive=False)
    found: dict[str, str] = {}
    for file in listing.images:
        stem = file[: -len(_SUFFIX)]
        if suffix_of(file) == _SUFFIX and found.setdefault(stem, file) != file:
            raise UsageError(f"{folder}: {found[stem]} and {file} are one name", "leave one of them")
    other = [file for file in listing.images if suffix_of(file) != _SUFFIX]
    told = f"{len(other)} files in {folder.name} are not PNG, and left out: {named(other)}"
    return dict(sorted(found.items())), (*((told,) if other else ()), *listing.notes)


def _size(path: Path) -> tuple[int, int] | None:
    try:
        with Image.open(path, formats=("PNG",)) as image:
            width, height = image.size
            return width, height
    except Exception:  # noqa: BLE001 - a damaged header makes Pillow raise almost anything
        return None
