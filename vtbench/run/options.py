"""What a user may choose about a run. Nothing here can change what a number means, except where the record says so."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vtbench.core.disk.files import path_segment


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of ``vtbench run``.

    Attributes:
        out: folder for runs.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        dtype: ``"float32"``, ``"bfloat16"`` or ``"float16"``; the model's arithmetic, part of the record and job key.
        limit: score only the first N samples.
        batch_size: images given to the model at once; never more than a block.
        workers: decoding processes; ``None`` picks a few.
        workers_of: whether this process is one of several as the environment says (``"env"``), or alone (``"none"``).
        seed: base seed; each sample's seed derives from it and the sample's id.
        strict: stop at the first failed sample.
        fresh: discard what an earlier run of the same job left.
        allow_small_sets: compute FID on fewer images than it needs, with a warning in the record.
        reference: what generated images are compared with, instead of the task's own reference.
        training: the images that a generator was trained on, instead of the task's own.
        samples: folder that every generated image is written to, beside being scored.
        command: the command line, for the record.
        invocation: the whole invocation as a file of ``--config`` holds it, for the record; empty where there is none.
        lasting: whether ``out`` stays. Where it does not, nothing is written beside it either: reference features are
            read from the user's cache, and not put there.
        measured_on: the kind of device that other processes measure on; ``None`` where this one measures.
    """

    out: Path = Path("runs")
    device: str = "auto"
    dtype: str = "float32"
    limit: int | None = None
    batch_size: int | None = None
    workers: int | None = None
    workers_of: str = "env"
    seed: int = 0
    strict: bool = False
    fresh: bool = False
    allow_small_sets: bool = False
    reference: str | None = None
    training: str | None = None
    samples: Path | None = None
    command: tuple[str, ...] = ()
    invocation: Mapping[str, Any] = field(default_factory=dict)
    lasting: bool = True
    measured_on: str | None = None

    @property
    def decoders(self) -> int:
        """Decoding processes: as asked, else one less than the cores, at most eight."""
        return min(8, (os.cpu_count() or 1) - 1) if self.workers is None else self.workers

    @property
    def told(self) -> dict[str, str]:
        """Every option with a value, as a record tells it."""
        # The first two are told whole, elsewhere in the record.
        untold = {"command", "invocation", "lasting", "measured_on"} | (set() if self.lasting else {"out"})
        return {name: str(value) for name, value in vars(self).items() if value is not None and name not in untold}

    def with_samples_of(self, job: tuple[str, str], generation: Sequence[tuple[str, str]]) -> RunOptions:
        """These options for one job: alone it leaves its images in ``samples`` itself, of several each has
        ``samples/TASK/MODEL`` of its own, without what all of them share.

        Args:
            job: task and label of the model.
            generation: those of all generation jobs of the session.
        """
        if self.samples is None or job not in generation:
            return self
        folder = self.samples
        for place, name in enumerate(job):
            if len({other[place] for other in generation}) > 1:
                folder = folder / path_segment(name)
        return replace(self, samples=folder)
