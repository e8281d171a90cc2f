"""Fold stored features into set metrics: against the task's own originals, or against named reference statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from vtbench.core.contracts import Estimate, FeatureMoments, Features
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.foreign.guard import foreign
from vtbench.core.outside.seals import REPAIR
from vtbench.core.threads.blas import blas_on_one_thread
from vtbench.core.threads.steady import one_thread_unless_own
from vtbench.metrics.catalog.means import mean_info, mean_parts
from vtbench.results.records.samples import FAILED, Samples
from vtbench.results.records.schema import MetricResult, ReferenceSection
from vtbench.run.measuring.evaluators import SetJob, required_features, set_jobs
from vtbench.run.measuring.tally import feature_key
from vtbench.run.planning.generation_reference import reference_section
from vtbench.run.scoring.fold import Measured, metric_result
from vtbench.run.storing.features import SelectedFeatures, StoredFeatures
from vtbench.run.storing.references import ReferenceFeatures, open_reference
from vtbench.tasks import MetricRequest

BEFORE_THE_MODEL = ("decode", "preprocess")
"""Stages at which a sample fails before it has a reference."""


def set_results(
    measured: Measured, requests: Sequence[MetricRequest], warnings: list[str], note: Callable[[str], None]
) -> tuple[list[MetricResult], ReferenceSection | None]:
    """Set metrics on stored features, and what they were compared with. Metrics that cannot be had add a warning."""
    compare = Originals(measured, requests) if measured.manifest.generation is None else _Statistics(measured)
    training = _Statistics(measured, training=True)
    warnings += [*compare.notes, *training.notes] if requests else ()
    results: list[MetricResult] = []
    for job in set_jobs(requests, measured.manifest.allow_small_sets):
        note(f"{measured.manifest.model.label}: {', '.join(job.outputs)}")
        paths = [measured.store.tensors_path(block) for block in measured.blocks]
        predictions = StoredFeatures(paths, feature_key(job.extractor, job.feature))
        alone = not getattr(job.estimator, "uses_references", True)
        references = predictions if alone else compare.find(job)
        trained = [training.find(job)] if job.uses_training else []
        results += set_estimates(job, predictions, references, warnings, trained=trained)
    results += _means(requests, results, training)
    return results, compare.section if requests else None


def _means(
    requests: Sequence[MetricRequest], results: Sequence[MetricResult], training: _Statistics
) -> list[MetricResult]:
    """Means over networks, of which every part was had; which network stands behind each is in the details."""
    had = {result.metric: result for result in results}
    found = []
    for name in (request.name for request in requests):
        info, parts = mean_info(name), [had[part] for part in mean_parts(name) if part in had]
        if info is None or len(parts) < len(mean_parts(name)):
            continue
        networks = {part.metric.partition("_")[2]: part.value for part in parts}
        details = {"networks": networks, "extractors": {network: training.id_of(network) for network in networks}}
        value = math.fsum(networks.values()) / len(networks)
        found.append(metric_result(info, Estimate(value=value, n=min(part.n for part in parts), details=details)))
    return found


class Originals:
    """The task's own preprocessed images."""

    def __init__(self, measured: Measured, requests: Sequence[MetricRequest]) -> None:
        self._measured, self._features = measured, required_features(requests)
        self.section: ReferenceSection | None = None
        self.notes: tuple[str, ...] = ()  # originals that cannot be read are failed samples

    def find(self, job: SetJob) -> Features:
        """The features that one estimator compares with, of the scored samples."""
        measured, manifest = self._measured, self._measured.manifest
        if job.extractor not in manifest.references:
            raise _not_measured(job)
        store = ReferenceFeatures(measured.out, manifest.references[job.extractor], self._features[job.extractor])
        references = _of_scored(store.stored(measured.blocks, job.feature), measured.samples)
        self.section = ReferenceSection(
            description="the task's own preprocessed images", n=references.shape[0], digest=store.key
        )
        return references


class _Statistics:
    """Statistics of the reference, or of training images, which may hold moments only."""

    def __init__(self, measured: Measured, training: bool = False) -> None:
        generation = measured.manifest.generation
        name = None if generation is None else generation.training if training else generation.reference
        self._statistics = None if name is None else open_reference(measured.out, name)
        self.section = None if self._statistics is None else reference_section(self._statistics)
        self.notes = () if self._statistics is None else self._statistics.notes

    def id_of(self, extractor: str) -> str:
        """Which network made the features under a name, resize and weights included."""
        note = None if self._statistics is None else self._statistics.note.extractors.get(extractor)
        return "" if note is None else note.id

    def find(self, job: SetJob) -> Features | FeatureMoments:
        if self._statistics is None:
            raise _not_measured(job)
        found = self._statistics.features(job.extractor, job.feature)
        references = found if found is not None else self._statistics.moments(job.extractor, job.feature)
        if references is None:
            raise UsageError(
                f"{', '.join(job.outputs)}: the reference holds nothing of {job.extractor}.{job.feature}",
                "make one with: vtbench stats build",
            )
        return references


def _not_measured(job: SetJob) -> UsageError:
    return UsageError(f"{', '.join(job.outputs)}: features of {job.extractor} were not measured in this run")


def _of_scored(references: StoredFeatures, samples: Samples) -> Features:
    """The references of the scored samples: row by row those of the predictions, also where the model failed."""
    decoded = [
        status for status, stage in zip(samples.status, samples.stage, strict=True) if stage not in BEFORE_THE_MODEL
    ]
    if references.shape[0] != len(decoded):
        raise VtbenchError(f"reference features have {references.shape[0]} rows for {len(decoded)} images", REPAIR)
    scored = [row for row, status in enumerate(decoded) if status != FAILED]
    return references if len(scored) == len(decoded) else SelectedFeatures(references, scored)


def set_estimates(
    job: SetJob,
    predictions: Features,
    references: Features | FeatureMoments,
    warnings: list[str],
    stratum: str = "all",
    trained: Sequence[Features | FeatureMoments] = (),
) -> list[MetricResult]:
    """Run one estimator; a set too small for it costs that metric only, and the record says so."""
    names = ", ".join(job.outputs) + ("" if stratum == "all" else f" ({stratum})")
    try:
        with foreign(names), blas_on_one_thread(), one_thread_unless_own(job.estimator):
            found = job.estimator(predictions, references, *trained)
    except UsageError as error:
        hint = f" ({error.hint})" if error.hint else ""
        warnings.append(f"{names} not computed: {error.what}{hint}")
        return []
    count, width = predictions.shape
    if names.startswith("f") and count <= width:
        warnings.append(f"{names}: {count} images for {width}-d features: mostly bias; compare at equal n, or use KID")
    return [metric_result(info, found[job.names[name]], stratum) for name, info in job.outputs.items()]
