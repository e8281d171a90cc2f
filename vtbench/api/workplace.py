"""Where an evaluation keeps its files: the folder that was asked for, or one that is gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from vtbench.run.storing.references import FOLDER


class Workplace:
    """A folder of runs.

    Reference features stay in it between calls; jobs stay only where the folder was asked for.

    Args:
        out: the folder that was asked for; ``None`` for a temporary one, which goes when this does.

    Attributes:
        leads: whether this process keeps what is found; the other ranks of a group work in temporary folders.
    """

    def __init__(self, out: Path | None) -> None:
        self.out = out
        self.leads = True
        self._temporary: Path | None = None
        self._removed: weakref.finalize[..., Workplace] | None = None

    @property
    def lasting(self) -> bool:
        """Whether what is written stays."""
        return self.out is not None and self.leads

    @property
    def folder(self) -> Path:
        """Where files go; made when first asked for."""
        if self.out is not None and self.leads:
            return self.out
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="vtbench-"))
            self._removed = weakref.finalize(self, shutil.rmtree, self._temporary, ignore_errors=True)
        return self._temporary

    def clear(self) -> None:
        """Remove every job from a temporary folder."""
        if self._temporary is None or not self._temporary.is_dir():
            return
        for place in self._temporary.iterdir():
            if place.name != FOLDER:
                shutil.rmtree(place, ignore_errors=True)

    def close(self) -> None:
        """Remove a temporary folder."""
        if self._removed is not None:
            self._removed()
        self._temporary = self._removed = None
