"""A folder of splits, each a folder a class, as ImageNet and most labelled sets of images are handed out."""

from __future__ import annotations

from typing import Any

from vtbench.data.sources.folder import ImageFolder


class SplitFolder(ImageFolder):
    """As ``folder``, of ``SPLIT/CLASS/…`` (``train/n01440764/a.jpg``): the second sub-folder on the path is the class.

    ``target = {"split": name, "label": number, "class": name}``; a class has one number in all splits. A file that does
    not lie in a class has no target.

    Args:
        path: the folder above the splits.

    Raises:
        UsageError: no such folder, or no image in it.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)

    def target(self, index: int) -> dict[str, Any] | None:
        """``{"split", "label", "class"}`` of the first two sub-folders, or ``None``."""
        told = super().target(index)
        return None if told is None else {"split": self.ids[index].split("/", 1)[0], **told}

    @staticmethod
    def _class_of(name: str) -> str | None:
        parts = name.split("/", 2)
        return parts[1] if len(parts) == 3 else None
