"""A job's codes, its split and its fits, from what is in its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vtbench.core.digests import digest_json
from vtbench.results.records.samples import SCORED, Samples
from vtbench.run.probing.fits import Fitting, fit_names
from vtbench.run.probing.holding_out import held_out
from vtbench.run.probing.store import FitName, ProbeStore
from vtbench.run.probing.stored_codes import StoredCodes
from vtbench.run.storing.blocks import Block, BlockStore
from vtbench.run.storing.manifest import JobManifest
from vtbench.tasks.sections import LearnabilitySpec


@dataclass(frozen=True, eq=False)
class ProbedJob:
    """A job of learnability whose blocks are all there.

    Attributes:
        spec: what its task states.
        codes: of its scored images.
        pixels: ``int64 [N]``, of each, at the size at which it was scored.
        held_out: ``bool [N]``, whether each is kept from the fit.
        store: where its fits are.
    """

    spec: LearnabilitySpec
    codes: StoredCodes
    pixels: np.ndarray[tuple[int], np.dtype[np.int64]]
    held_out: np.ndarray[tuple[int], np.dtype[np.bool_]]
    store: ProbeStore

    @classmethod
    def read(
        cls, folder: Path, manifest: JobManifest, store: BlockStore, blocks: list[Block], rows: Samples, content: str
    ) -> ProbedJob | None:
        """Read the codes of a job's blocks; ``None`` of a model without.

        Args:
            folder: of the job.
            manifest: the job.
            store: its blocks.
            blocks: all of them.
            rows: of all of them.
            content: digest of what they hold, by which a fit knows that they have not changed.

        Raises:
            DamagedFileError: a block is damaged.
            UsageError: too few images, or groups of them.
            AdapterError: codes of unlike geometries.
        """
        spec = manifest.task_spec.learnability
        assert spec is not None
        codes = StoredCodes.read(store, blocks, manifest.tokenizer_info)
        if codes is None:
            return None
        scored = [place for place, status in enumerate(rows.status) if status == SCORED]
        split = held_out([rows.ids[place] for place in scored], [_group(rows, place, spec) for place in scored], spec)
        of = {
            "job": manifest.job_key,
            "blocks": digest_json([content, split]),
            "probe": spec.probe.model_dump(),
        }
        pixels = (rows.height.astype(np.int64) * rows.width)[scored]
        return cls(spec, codes, pixels, np.array(split), ProbeStore(folder, of))

    @property
    def fits(self) -> list[FitName]:
        """Those that the task asks for."""
        return fit_names(self.codes.geometry, self.spec)

    @property
    def shown(self) -> int:
        """Images that all probes are shown until they are done, an image as often as it is."""
        return len(self.fits) * self.spec.probe.steps * self.spec.probe.batch

    def fit(self, device: torch.device, advanced: Callable[[int], None]) -> None:
        """Fit what is missing; see :class:`Fitting`."""
        Fitting(self.codes, self.held_out.tolist(), self.spec, self.store, device, advanced).all()


def _group(rows: Samples, place: int, spec: LearnabilitySpec) -> str:
    return rows.strata[spec.group][place] if spec.group else ""
