"""Where an evaluation keeps its files: the folder that was asked for, or one that is gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from vtbench.run.storing.references import FOLDER


class Workplace:
    """A folder of runs.

    Reference features stay in it between calls; jobs stay only where the folder was asked for.

    Args:
        out: the folder that was asked for; ``None`` for a temporary one.
    """

    def __init__(self, out: Path | None) -> None:
        self.out = out
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    @property
    def lasting(self) -> bool:
        """Whether what is written stays."""
        return self.out is not None

    @property
    def folder(self) -> Path:
        """Where files go; made when first asked for."""
        if self.out is not None:
            return self.out
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="vtbench-", ignore_cleanup_errors=True)
        return Path(self._temporary.name)

    def clear(self) -> None:
        """Remove every job from a temporary folder."""
        if self._temporary is None:
            return
        for place in Path(self._temporary.name).iterdir():
            if place.name != FOLDER:
                shutil.rmtree(place, ignore_errors=True)

    def close(self) -> None:
        """Remove a temporary folder."""
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None
