"""What probes found, on disk: one sealed file a fit, and one that it goes on from until then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vtbench.core.errors import DamagedFileError, VtbenchError
from vtbench.core.outside.seals import REPAIR
from vtbench.core.outside.tensor_files import OTHERS, Array, check_tensors, open_tensors, write_tensors
from vtbench.run.storing.blocks import tensor
from vtbench.tasks.sections import LearnabilitySpec

FOLDER = "probes"
OrderName = Literal["next-token", "next-scale"]
"""After what a probe predicts each token; here, since those who only look at files load no torch."""
_SUFFIX, _UNFINISHED = ".safetensors", ".unfinished.safetensors"


@dataclass(frozen=True, order=True)
class FitName:
    """One of a job's fits."""

    order: OrderName
    seed: int

    def __str__(self) -> str:
        return f"{self.order}-{self.seed}"


@dataclass(frozen=True, eq=False)
class Found:
    """What one probe found.

    Attributes:
        bits: ``float64 [N,L]``, what each level of each image's codes costs in all, fitted images included.
        losses: ``float32 [steps]``, bits a token of each step's batch.
    """

    bits: Array
    losses: Array


class ProbeStore:
    """Fits of one job, below its folder.

    Args:
        job: folder of the job.
        of: what every fit depends on beside its name: the job's blocks, the split, the probe, the kind of device.
    """

    def __init__(self, job: Path, of: Mapping[str, Any]) -> None:
        self._folder, self._of = job / FOLDER, dict(of)

    def found(self, name: FitName) -> Found:
        """What a fit found.

        Raises:
            VtbenchError: it has not ended yet.
            DamagedFileError: its file is damaged, or of other codes.
        """
        path = self._path(name)
        if not path.is_file():
            raise VtbenchError(
                f"{path} is not there: a probe is still to be fitted", "give the same `vtbench run` again"
            )
        arrays = self._read(path, name)
        return Found(arrays["bits"].astype(np.float64), arrays["losses"])

    def has(self, name: FitName) -> bool:
        """Whether a fit has ended, and is whole."""
        try:
            self.found(name)
        except VtbenchError:
            return False
        return True

    def write(self, name: FitName, found: Found) -> None:
        """Keep what a fit found; what it would have gone on from is removed."""
        write_tensors(self._path(name), {"bits": found.bits, "losses": found.losses}, self._names(name))
        self._unfinished(name).unlink(missing_ok=True)

    def keep(self, name: FitName, state: Mapping[str, Array]) -> None:
        """Keep what a fit goes on from."""
        write_tensors(self._unfinished(name), state, self._names(name))

    def kept(self, name: FitName) -> dict[str, Array] | None:
        """What a fit goes on from; ``None`` where there is nothing whole, or it is of other codes."""
        try:
            return self._read(self._unfinished(name), name)
        except DamagedFileError:
            return None

    def _read(self, path: Path, name: FitName) -> dict[str, Array]:
        check_tensors(path, self._names(name), REPAIR)
        with open_tensors(path, REPAIR) as tensors:
            return {key: tensor(tensors, key, path) for key in tensors.keys()}  # noqa: SIM118

    def _names(self, name: FitName) -> dict[str, Any]:
        return {**self._of, "order": name.order, "seed": name.seed}

    def _path(self, name: FitName) -> Path:
        return self._folder / f"{name}{_SUFFIX}"

    def _unfinished(self, name: FitName) -> Path:
        return self._folder / f"{name}{_UNFINISHED}"


def check_probes(job: Path, key: str, spec: LearnabilitySpec) -> None:
    """Read every byte of what a scored job's probes found.

    Raises:
        DamagedFileError: a file is gone, damaged, or another job's.
    """
    folder = job / FOLDER
    if not folder.is_dir():  # a model without codes
        return
    asked = {folder / f"{FitName('next-token', seed)}{_SUFFIX}" for seed in range(spec.probe.seeds)}
    others = {path for path in folder.glob(f"next-scale-*{_SUFFIX}") if not path.name.endswith(_UNFINISHED)}
    for path in sorted(asked | others):
        seal = check_tensors(path, None, REPAIR)
        if seal["of"].get("job") != key:
            raise DamagedFileError(path, OTHERS, REPAIR)
