"""Folders that other harnesses leave, recognised by their layout and scored as they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vtbench.core.naming.reference import Reference
from vtbench.data.sources.vtbench_folder import ORIGINALS, RECONSTRUCTIONS, VTBenchFolder
from vtbench.run.progress import say


@dataclass(frozen=True)
class Predictions:
    """Where the images to score are, and the data set they belong to (none: the task's own)."""

    folder: Path
    data: str | None


def locate_predictions(pred: Path, data: str | None) -> Predictions:
    """``--pred`` and ``--data`` as given; an output folder of VTBench's scripts stands for both.

    Pairs that do not fit are told at once; they become failures of their samples.
    """
    is_vtbench = (pred / ORIGINALS).is_dir() and (pred / RECONSTRUCTIONS).is_dir()
    if not is_vtbench or data is not None:
        return Predictions(pred, data)
    folder = VTBenchFolder(pred)
    for problem in folder.pairing().problems:
        say(f"warning: {pred}: {problem}")
    return Predictions(folder.reconstructions, str(Reference("vtbench-folder", {"path": str(pred)})))
