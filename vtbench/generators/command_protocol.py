"""What is said to a sampling program, and what it says back: JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_json
from vtbench.core.files import path_segment

SUFFIXES = (".png", ".jpg", ".jpeg")
_LONGEST_MESSAGE = 500


@dataclass(frozen=True)
class Request:
    """One image that a program is asked for.

    Attributes:
        id: of the sample.
        condition: what it is made from.
        seed: non-negative, below 2^63.
        output: where the image is to be written, without an extension.
    """

    id: str
    condition: Condition
    seed: int
    output: Path

    @property
    def line(self) -> str:
        """The line that the program reads; ``label`` or ``prompt`` is null where the condition has none."""
        said = {
            "id": self.id,
            "label": self.condition.label,
            "prompt": self.condition.prompt,
            "seed": self.seed,
            "output": f"{self.output}{SUFFIXES[0]}",
        }
        return json.dumps(said) + "\n"  # ASCII only, so that no locale can misread it

    def files(self) -> list[Path]:
        """The images that are there, PNG first."""
        candidates = [self.output.parent / f"{self.output.name}{suffix}" for suffix in SUFFIXES]
        return [file for file in candidates if file.is_file()]


def make_request(folder: Path, id: str, condition: Condition, seed: int) -> Request:
    """A request whose file name tells its sample, and is another one for another condition or seed."""
    key = digest_json([condition.label, condition.prompt, seed], 16)
    return Request(id, condition, seed, folder / f"{path_segment(id)}-{key}")


def reported_errors(lines: Iterable[str]) -> dict[str, str]:
    """Sample id to error, from ``{"id": …, "error": …}`` lines; any other line is the program's own talk."""
    errors = {}
    for line in lines:
        if not line.lstrip().startswith("{"):
            continue
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("error") and isinstance(said.get("id"), str):
            errors[said["id"]] = str(said["error"])[:_LONGEST_MESSAGE]
    return errors
