"""``inputs-N.json``: files that others' code read while a worker measured, by path and SHA-256; sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from vtbench.core.disk.files import write_text
from vtbench.core.errors import DamagedFileError, VtbenchError
from vtbench.core.outside.parsing import load_json, read_text, reason
from vtbench.core.outside.seals import REPAIR, sealed, unsealed

_INPUTS = "inputs"


def inputs_path(folder: Path, rank: int) -> Path:
    """Where a worker keeps what was read for its blocks."""
    return folder / f"{_INPUTS}-{rank}.json"


def write_inputs(path: Path, job: str, files: Mapping[str, str]) -> None:
    """Write digests by path, and the key of the job whose blocks rest on them."""
    write_text(path, json.dumps(sealed({"job": job, "files": dict(files)}), indent=1, sort_keys=True))


def inputs_in(folder: Path) -> list[Path]:
    """The files in which a job's workers tell what was read, in order."""
    return sorted(folder.glob(f"{_INPUTS}-*.json"))


def read_inputs(path: Path, job: str | None) -> dict[str, str]:
    """Digests of the files that were read, by path.

    Args:
        job: key of the job that they must be of; ``None`` where that is not known. Earlier versions did not say.

    Raises:
        DamagedFileError: the file cannot be read, is not what was written, or another job's.
    """
    try:
        told = unsealed(load_json(read_text(path)))
    except (VtbenchError, ValueError, RecursionError) as error:
        raise DamagedFileError(path, f"cannot be read: {reason(error)}", REPAIR) from None
    files = told.get("files")
    if isinstance(files, dict):
        if job is not None and told.get("job") != job:
            raise DamagedFileError(path, "is another's: it belongs to another job", REPAIR)
        told = files
    return {str(name): str(digest) for name, digest in told.items()}
