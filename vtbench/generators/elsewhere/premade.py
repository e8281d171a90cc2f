"""Images that somebody else sampled: a folder, or ADM's npz. They are scored as they are; nothing is run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vtbench.core.contracts import Condition, ImageDataset
from vtbench.core.errors import UsageError
from vtbench.core.info import ConditionKind, GeneratorInfo
from vtbench.data.condition_lists import conditions_of_files
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.data.sources.folder import ImageFolder
from vtbench.data.sources.npz import ArrayImages

_LABEL_IN_NAME = re.compile(r"(?:^|[-_])(?:c|class|label)[-_]?(\d+)$")
LABELS = ("parent", "name", "none")


class FolderSamples:
    """Every image of a folder, as one set of samples.

    Args:
        path: the folder; sub-folders are searched.
        labels: where an image's class is told: ``parent`` takes the sub-folder (numbered as data sets number
            theirs: whole numbers are the classes themselves), ``name`` a file name that ends in ``c``, ``class`` or
            ``label`` and a number, as in ``000012-c0007.png``, ``none`` nowhere. By default ``parent`` where there are
            sub-folders, else ``name`` where every file name tells it, else ``none``.
        name: what tables call the model that made them.
        conditions: a list (JSON lines) of what each image was made from, in place of ``labels``: its ``file`` below the
            folder, and its ``prompt``, ``label`` or ``images``, whose paths are relative to the list.

    Raises:
        UsageError: no images, or labels or conditions that are not told where they should be.
    """

    def __init__(
        self, path: str, labels: str | None = None, name: str = "samples", conditions: Path | None = None
    ) -> None:
        if labels is not None and conditions is not None:
            raise UsageError("labels= and conditions= both tell what images were made from", "give one of them")
        if labels is not None and labels not in LABELS:
            raise UsageError(f"labels={labels}: not one of {', '.join(LABELS)}")
        images = ImageFolder(path)
        self.images: ImageDataset = images
        if conditions is not None:
            self.conditions = conditions_of_files(conditions, images.ids)
        else:
            self.conditions = _given(images, *_labels(images, labels, path))
        self.info = GeneratorInfo(
            name=name,
            conditions=_kind(self.conditions[0].condition),
            family="images made elsewhere",
            images=tuple(self.conditions[0].condition.images),
        )


class NpzSamples:
    """ADM's array of samples: ``arr_0`` uint8 [N,H,W,3] and, where there is one, ``arr_1`` with a label each.

    Args:
        path: the file.
        name: what tables call the model that made them.

    Raises:
        UsageError: no such file, or other arrays than these.
    """

    def __init__(self, path: str, name: str = "samples") -> None:
        images = ArrayImages(path)
        self.images: ImageDataset = images
        labels = images.labels
        self.conditions = _given(images, labels or [None] * len(images), "arr_1" if labels else "none")
        self.info = GeneratorInfo(name=name, conditions="class" if labels else "none", family="images made elsewhere")


def _kind(condition: Condition) -> ConditionKind:
    if condition.prompt is not None:
        return "prompt"
    return "none" if condition.label is None else "class"


def _given(images: ImageDataset, labels: Sequence[int | None], told: str) -> ConditionSet:
    samples = [ConditionSample(name, Condition(label=label)) for name, label in zip(images.ids, labels, strict=True)]
    known = {label for label in labels if label is not None}
    return ConditionSet(samples, {"of": "given", "labels": told, "classes": len(known), "count": len(samples)})


def _labels(images: ImageFolder, wanted: str | None, path: str) -> tuple[list[int | None], str]:
    by_name = [_label_in_name(name) for name in images.ids]
    nested = ["/" in name for name in images.ids]
    chosen = wanted or ("parent" if all(nested) else "name" if None not in by_name else "none")
    if chosen == "name":
        if None in by_name:
            name = images.ids[by_name.index(None)]
            raise UsageError(
                f"{path}: the name {name!r} tells no class", "end it as in 000012-c0007.png, or labels=none"
            )
        return by_name, chosen
    if chosen == "parent":
        if not all(nested):
            raise UsageError(f"{path}: {images.ids[nested.index(False)]!r} is in no sub-folder", "or give labels=none")
        return [images.classes[name.split("/", 1)[0]] for name in images.ids], chosen
    return [None] * len(images), chosen


def _label_in_name(name: str) -> int | None:
    found = _LABEL_IN_NAME.search(Path(name).stem)
    return int(found.group(1)) if found else None
