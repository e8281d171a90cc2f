"""The folder layout that GenEval's detector reads (Ghosh et al., GenEval, 2310.11513)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.core.contracts import Condition
from vtbench.core.disk.files import atomic_path, write_text
from vtbench.core.disk.write_errors import writing
from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

METADATA = "metadata.jsonl"
"""What the file beside the images of a prompt is called."""


def write_geneval(folder: Path, prompts: Sequence[Condition], samples: Iterable[tuple[int, int, Tensor]]) -> int:
    """Write ``00000/metadata.jsonl`` for every prompt, and ``00000/samples/0000.png`` … for its samples.

    A prompt's folder is its position in ``prompts``, and ``metadata.jsonl`` its line of the prompt list, so every
    prompt must be given, also those whose samples failed. GenEval counts over the images that are there.

    Args:
        folder: made where it is missing.
        prompts: of the whole list, with GenEval's other keys as metadata.
        samples: position of the prompt, position among its samples, and ``uint8 [3,H,W]``.

    Returns:
        How many images were written.

    Raises:
        UsageError: a condition without a prompt, a sample of no prompt, a sample given twice, or a folder with images
            of another run, which GenEval would count too.
    """
    for number, condition in enumerate(prompts):
        _write_prompt(folder / f"{number:05d}", number, condition)
    written: set[tuple[int, int]] = set()
    for prompt, copy, image in samples:
        if not 0 <= prompt < len(prompts) or copy < 0:
            raise UsageError(f"sample {copy} of prompt {prompt}: there are {len(prompts)} prompts")
        if (prompt, copy) in written:
            raise UsageError(f"sample {copy} of prompt {prompt} is given twice")
        write_image(folder / f"{prompt:05d}" / "samples" / f"{copy:04d}.png", image)
        written.add((prompt, copy))
    return len(written)


def _write_prompt(folder: Path, number: int, condition: Condition) -> None:
    if condition.prompt is None:
        raise UsageError(f"condition {number} has no prompt", "GenEval judges images made from prompts")
    samples = folder / "samples"
    if samples.is_dir() and any(samples.iterdir()):
        raise UsageError(f"{samples} holds images of another run", "choose an empty folder")
    write_metadata(folder, condition)


def write_metadata(folder: Path, condition: Condition) -> None:
    """A prompt's line of the list, beside an empty folder for its samples."""
    with writing(folder):
        (folder / "samples").mkdir(parents=True, exist_ok=True)
    write_text(folder / METADATA, json.dumps({**condition.metadata, "prompt": condition.prompt}) + "\n")


def write_image(path: Path, image: Tensor) -> None:
    """``uint8 [3,H,W]`` as PNG, atomically."""
    from PIL import Image

    with atomic_path(path) as temporary:
        Image.fromarray(image.permute(1, 2, 0).contiguous().cpu().numpy()).save(temporary, format="PNG")
