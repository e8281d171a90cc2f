"""``pie-bench``: PIE-Bench's ``mapping_file.json`` and ``annotation_images/`` (Ju et al. 2023, Direct Inversion).

The mask is a flat list of runs, ``[start, length, start, length, …]``, over 512×512 pixels row by row, and is white
where the image is edited. Its outermost pixels are always white, as the authors' script sets them against errors of
annotation at the border. Square brackets around words of a prompt mark what changes, and are not part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import parse_json, read_text
from vtbench.data.condition_files import ImagesBelow
from vtbench.data.condition_sources.made_images import MadeImage, made_digest
from vtbench.data.conditions import ConditionSample, ConditionSet

if TYPE_CHECKING:
    from torch import Tensor

MAPPING, IMAGES = "mapping_file.json", "annotation_images"
SIDE = 512
TYPES = ("random", "change", "add", "delete", "content", "pose", "colour", "material", "background", "style")
_TEXTS = ("image_path", "original_prompt", "editing_prompt")


class PieBench:
    """One condition an entry, called by its ``image_path`` without the extension, as results of the authors' code are.

    Images: ``source`` and ``mask``. Beside: ``source_prompt``, ``target_prompt``, ``instruction``, ``type``.

    Args:
        path: folder that holds the mapping file and the images.
        prompt: what a generator is told: the caption of the result, or the instruction.
        types: numbers of kinds of edits, 0 to 9; all unless given.

    Raises:
        UsageError: no such folder, or a mapping file that is not one.
    """

    def __init__(
        self,
        path: str | Path,
        prompt: Literal["target", "instruction"] = "target",
        types: list[int] | None = None,
    ) -> None:
        folder = user_path(path)
        mapping = folder / MAPPING
        if not mapping.is_file():
            raise UsageError(f"{folder} has no {MAPPING}", f"give the folder with {MAPPING} and {IMAGES}/")
        entries = parse_json(read_text(mapping), str(mapping), kind=UsageError)
        if not isinstance(entries, dict) or not entries:
            raise UsageError(f"{mapping} is no JSON object of entries")
        images = ImagesBelow(folder / IMAGES)
        samples: dict[str, ConditionSample] = {}
        for key, entry in entries.items():
            where = f"{mapping}: {key}"
            told = _checked(where, entry)
            if types is not None and told["type_id"] not in types:
                continue
            name = str(PurePosixPath(told["image_path"]).with_suffix(""))
            if name in samples:
                raise UsageError(f"{where}: {told['image_path']} is named twice")
            samples[name] = ConditionSample(name, _condition(where, told, entry["mask"], images, prompt))
        if not samples:
            raise UsageError(f"{mapping} has no entry of the types {types}")
        described = {"of": "pie-bench", "sha256": digest_file(mapping), "prompt": prompt, "count": len(samples)}
        self.conditions = ConditionSet(list(samples.values()), described)


def _checked(where: str, entry: Any) -> dict[str, Any]:
    lacking = [name for name in (*_TEXTS, "mask") if not isinstance(entry, dict) or name not in entry]
    if lacking or not all(isinstance(entry[name], str) for name in _TEXTS):
        raise UsageError(f"{where} lacks {', '.join(lacking) or 'texts'}", f"an entry has {', '.join(_TEXTS)} and mask")
    kind = str(entry.get("editing_type_id", ""))
    if not kind.isdigit() or int(kind) >= len(TYPES):
        raise UsageError(f"{where}: editing_type_id is {kind!r:.40}", f"0 to {len(TYPES) - 1}")
    return {
        "image_path": entry["image_path"],
        "source_prompt": without_brackets(entry["original_prompt"]),
        "target_prompt": without_brackets(entry["editing_prompt"]),
        "instruction": str(entry.get("editing_instruction", "")),
        "type": TYPES[int(kind)],
        "type_id": int(kind),
    }


def _condition(where: str, told: dict[str, Any], runs: Any, images: ImagesBelow, prompt: str) -> Condition:
    source = images.named(where, {"source": told["image_path"]})
    mask = MadeImage(made_digest("pie-mask@1", checked_runs(where, runs)), partial(mask_of_runs, tuple(runs)))
    text = told["target_prompt"] if prompt == "target" else told["instruction"]
    if prompt == "instruction" and not text.strip():
        raise UsageError(f"{where} has no editing_instruction", "take prompt=target")
    beside = {key: value for key, value in told.items() if key not in ("type_id", "image_path")}
    return Condition(prompt=text, metadata=beside, images={**source.held, "mask": mask})


def without_brackets(prompt: str) -> str:
    """A prompt without the marks around what changes."""
    return prompt.replace("[", "").replace("]", "")


def checked_runs(where: str, runs: Any) -> list[int]:
    """Runs as they are.

    Raises:
        UsageError: no list of pairs of whole numbers from 0.
    """
    fits = isinstance(runs, list) and len(runs) % 2 == 0
    if not fits or not all(type(number) is int and number >= 0 for number in runs):
        raise UsageError(f"{where}: mask is no list of starts and lengths", "whole numbers, in pairs")
    return list(runs)


def mask_of_runs(runs: Sequence[int], side: int = SIDE) -> Tensor:
    """``uint8 [3,side,side]``: 255 in the runs, cut at the end of the image, and in the outermost pixels; else 0."""
    import torch

    flat = torch.zeros(side * side, dtype=torch.uint8)
    for start, length in zip(runs[::2], runs[1::2], strict=True):
        flat[start : start + length] = 255
    mask = flat.view(side, side)
    mask[[0, -1], :] = 255
    mask[:, [0, -1]] = 255
    return mask.expand(3, side, side).clone()
