"""``emu-edit``: the Parquet files of EMU-Edit's test set (Sheynin et al. 2023), ``facebook/emu_edit_test_set``.

Columns: ``image``, ``instruction``, ``input_caption``, ``output_caption``, ``task`` and ``idx``. No edited image is
there: metrics compare with the source and with the captions.
"""

from __future__ import annotations

from typing import Any, Literal

from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import boundary
from vtbench.data.condition_sources.of_images import DatasetImage
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.data.sources.parquet import ParquetShards

TEXTS = ("instruction", "input_caption", "output_caption", "task")
HUB = "hf://datasets/facebook/emu_edit_test_set/data/test-*.parquet"


class EmuEdit:
    """One condition a row, called by its ``idx``, or ``task_idx`` where numbers repeat.

    Images: ``source``. Beside: ``instruction``, ``source_prompt``, ``target_prompt``, ``task``.

    Args:
        path: Parquet file, folder of such, or URL; as ``hf://datasets/facebook/emu_edit_test_set/data/test-*.parquet``.
        captions: ``differ`` leaves out rows whose two captions are the same, as some who publish numbers do.

    Raises:
        UsageError: no such files, or columns that are missing.
    """

    def __init__(self, path: str, captions: Literal["all", "differ"] = "all") -> None:
        rows = ParquetShards(path)
        told = _texts(rows, path)
        numbers = [str(one["idx"]) for one in told]
        alone = len(set(numbers)) == len(numbers)
        names = numbers if alone else [f"{one['task']}_{one['idx']}" for one in told]
        if len(set(names)) < len(names):
            raise UsageError(f"{path}: rows share idx and task", "give one split")
        samples = [
            ConditionSample(name, _condition(rows, index, one))
            for index, (name, one) in enumerate(zip(names, told, strict=True))
            if captions == "all" or one["input_caption"] != one["output_caption"]
        ]
        if not samples:
            raise UsageError(f"{path}: no row is left", "take captions=all")
        self.conditions = ConditionSet(samples, {"of": "emu-edit", "captions": captions, "count": len(samples)})
        left = len(told) - len(samples)
        self.notes: tuple[str, ...] = (f"{left} rows with equal captions are left out",) if left else ()


def _condition(rows: ParquetShards, index: int, told: dict[str, Any]) -> Condition:
    metadata = {
        "instruction": told["instruction"],
        "source_prompt": told["input_caption"],
        "target_prompt": told["output_caption"],
        "task": told["task"],
    }
    image = DatasetImage(rows, index, rows.content_digest(index))
    return Condition(prompt=told["instruction"], metadata=metadata, images={"source": image})


def _texts(rows: ParquetShards, path: str) -> list[dict[str, Any]]:
    """The columns beside the image, a row each; ``idx`` is the row's number where there is no such column."""
    with boundary(f"{path}: its texts cannot be read", kind=UsageError):
        table = rows.columns((*TEXTS, "idx"))
    lacking = [name for name in TEXTS if name not in table]
    if lacking:
        raise UsageError(f"{path} has no column {', '.join(lacking)}", f"EMU-Edit's has {', '.join(TEXTS)}")
    table.setdefault("idx", list(range(len(rows))))
    found = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    for number, one in enumerate(found):
        if not all(isinstance(one[name], str) for name in TEXTS):
            raise UsageError(f"{path}: row {number} has no text as one of {', '.join(TEXTS)}")
    return found
