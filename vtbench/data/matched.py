"""Images that somebody else made, put beside the conditions that they were made from by their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from vtbench.core.contracts import ImageDataset, Sample
from vtbench.core.digests import digest_json
from vtbench.core.errors import SampleError, UsageError
from vtbench.data.conditions import ConditionSet, copy_of, line_of
from vtbench.data.fingerprint import notes_of

_SHOWN = 3


class MatchedImages:
    """The images of a data set in the order of conditions, with their ids.

    Of a condition ``NAME-s03`` the image may be called, without what follows its last dot, ``NAME-s03``; or, below a
    folder, ``NAME/3``, ``NAME/03``, ``NAME/samples/0003``, ``group_3/NAME`` …; or ``NAME`` itself where one image is
    made of each. A condition without an image fails, as an image that cannot be read does; images of no condition are
    told of.

    Args:
        images: that were made.
        conditions: of the task.

    Attributes:
        notes: what a reader of the numbers must know.

    Raises:
        UsageError: no condition has an image, or two images are of one.
    """

    def __init__(self, images: ImageDataset, conditions: ConditionSet) -> None:
        self._images = images
        self.ids = conditions.ids
        alone = len({line_of(name) for name in self.ids}) == len(self.ids)
        by_name = _by_name(images.ids)
        self._places = [
            next((by_name[one] for one in _names(name, alone) if one in by_name), None) for name in self.ids
        ]
        used = {place for place in self._places if place is not None}
        if not used:
            raise UsageError(
                f"no image is named after a condition: {_some(images.ids)} beside {_some(self.ids)}",
                "name each image after its condition, or say what each was made from: folder,path=DIR,conditions=FILE",
            )
        others, missing = len(images) - len(used), self._places.count(None)
        self.notes = (
            *notes_of(images),
            *([f"{others} images are named after no condition, and are left out"] if others else []),
            *([f"{missing} of {len(self.ids)} conditions have no image, and count as failures"] if missing else []),
        )

    @property
    def fingerprint(self) -> str:
        """Of the images and of which is whose."""
        return digest_json(["matched", self._images.fingerprint, self._places])

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        name, place = self.ids[index], self._places[index]
        if place is None:
            raise SampleError(f"{name}: no image was made of this condition")
        return Sample(name, self._images[place].image)


def _by_name(ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, name in enumerate(ids):
        stem = str(PurePosixPath(name).with_suffix("")) if "." in PurePosixPath(name).name else name
        if stem in found:
            raise UsageError(f"two images are called {stem}: {ids[found[stem]]} and {name}", "leave one of them")
        found[stem] = place
    return found


def _names(name: str, alone: bool) -> Iterator[str]:
    """What the image of a condition may be called, the surest first."""
    line, copy = line_of(name), copy_of(name)
    yield name
    for digits in range(1, 7):
        number = f"{copy:0{digits}d}"
        yield from (f"{line}/{number}", f"{line}/samples/{number}", f"group_{number}/{line}")
    if alone:
        yield line


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
