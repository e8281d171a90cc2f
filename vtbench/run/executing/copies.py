"""Pictures of the samples that lie nearest to training images, each beside that image, before the job is scored."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from PIL import Image

from vtbench.core.contracts import Sample
from vtbench.core.errors import SampleError
from vtbench.core.foreign.guard import foreign
from vtbench.results.records.nearest import Pair
from vtbench.results.records.previews import PREVIEWS, open_preview, preview_files
from vtbench.run.measuring.previews import save_preview
from vtbench.run.planning.generation_data import GenerationData
from vtbench.run.planning.job_check import own_manifest
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.storing.references import open_reference

_GAP = 4


def keep_pairs(plan: JobPlan, pairs: Sequence[tuple[str, Pair]]) -> None:
    """Write a picture of each pair that has none, where the sample's and the training image can be had.

    Args:
        plan: a job whose blocks are all there.
        pairs: with the extractor that each is nearest by.
    """
    data, kept = plan.data, preview_files(plan.folder)
    generation = own_manifest(plan).generation if pairs else None
    if not isinstance(data, GenerationData) or data.training is None or data.training.dataset is None:
        return
    if generation is None or generation.training is None:
        return
    places = open_reference(plan.out, generation.training).places
    for extractor, pair in pairs:
        path = plan.folder / PREVIEWS / pair.picture(extractor)
        sample = None if path.exists() or pair.sample not in kept else open_preview(kept[pair.sample])
        if sample is None:
            continue
        place = pair.training if places is None else int(places[pair.training])
        with suppress(SampleError), foreign(f"training image {place}"):  # it could be read when features were taken
            found: Sample = data.training.dataset[place]
            image = data.preset.prepare(found).reference.cpu().numpy()
            save_preview(beside(sample, Image.fromarray(np.moveaxis(image, 0, -1))), path)


def beside(sample: Image.Image, training: Image.Image) -> Image.Image:
    """Both on white, a gap between them."""
    both = Image.new("RGB", (sample.width + _GAP + training.width, max(sample.height, training.height)), "white")
    both.paste(sample, (0, 0))
    both.paste(training, (sample.width + _GAP, 0))
    return both
