"""What a reference's name stands for: statistics by file or name, another tool's file of statistics, or a data set."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vtbench.core.digests import digest_file
from vtbench.core.disk.caches import is_there, kept_in, kept_meanwhile, not_kept, places
from vtbench.core.disk.files import cache_dir, path_segment, user_path
from vtbench.core.disk.packaged import ZOO, distribution_of, packaged_file
from vtbench.core.errors import AssetMissingError, StorageFullError, UsageError, VtbenchError
from vtbench.core.outside.npz_files import array_names
from vtbench.data import DATASETS
from vtbench.metrics.sets.reference_statistics import ReferenceStatistics, open_statistics
from vtbench.metrics.sets.statistics_import import import_statistics, is_adm, statistics_in
from vtbench.run.measuring.evaluators import SetJob, set_jobs
from vtbench.tasks import MetricRequest

SUFFIX = ".safetensors"
NAMED_FOLDER = "statistics"
"""Where statistics with a name are looked for: in ``$VTBENCH_ASSETS``, in the cache, and in the package of the zoo."""
_IMPORTED_FOLDER = "imported-statistics"
_OF_OTHERS = (".pt", ".pth", ".pkl", ".pickle")
_IMAGES = "--reference npz,path={}"
_OTHERWISE = f"give the reference's images (a folder; of an npz, {_IMAGES.format('FILE')}), or: vtbench stats build"
_IMPORT = "vtbench stats import {} --kind KIND --name NAME, then --reference NAME (kinds: vtbench stats import --help)"


def statistics_named(text: str) -> tuple[ReferenceStatistics, tuple[str, ...]] | None:
    """The statistics that ``--reference`` names, and what was decided about them; ``None`` where it names images.

    An npz that holds both images and ADM's statistics is taken for its statistics: they are what ADM's own evaluation
    compares with, and describe more images than the file holds.

    Raises:
        UsageError: a file of statistics of some tool, which does not say of which.
        VtbenchError: arrays that are no statistics.
    """
    if text.endswith(SUFFIX):
        return open_statistics(user_path(text)), ()
    path = user_path(text)
    if path.is_file():
        return _of_file(path)
    is_name = not path.exists() and path_segment(text) == text and text not in DATASETS
    found = _by_name(text) if is_name else None
    return None if found is None else (open_statistics(found), ())


def _of_file(path: Path) -> tuple[ReferenceStatistics, tuple[str, ...]] | None:
    if path.suffix.lower() in _OF_OTHERS:
        raise UsageError(f"{path} is no reference as it stands", f"import it: {_IMPORT.format(path)}")
    names = statistics_in(path) if path.suffix.lower() == ".npz" else ()
    if not names:
        return None
    held = ", ".join(names)
    if not is_adm(names):
        has_images = "arr_0" in array_names(path)
        raise UsageError(
            f"{path} holds statistics ({held}), and does not say of which network",
            f"import it: {_IMPORT.format(path)}" + (f"; its images: {_IMAGES.format(path)}" if has_images else ""),
        )
    return _imported(path), (f"{path.name}: its statistics ({held}) are the reference, not the images beside them",)


def _imported(path: Path) -> ReferenceStatistics:
    """Imported into the cache, once for each content; a file there that is damaged or another's is made again."""
    digest = digest_file(path)
    file = f"{digest}{SUFFIX}"
    for folder in places(_IMPORTED_FOLDER):
        with suppress(VtbenchError, OSError):
            found = open_statistics(folder / file)
            if found.note.provenance.get("sha256") == digest:
                return found
    try:
        return import_statistics(path, kept_in(_IMPORTED_FOLDER) / file, kind="adm")
    except StorageFullError as error:
        not_kept(error, cache_dir())
        return import_statistics(path, kept_meanwhile(_IMPORTED_FOLDER) / file, kind="adm")


def named_statistics(name: str) -> ReferenceStatistics:
    """A file as it is, or statistics with a name in ``$VTBENCH_ASSETS/statistics``, in the cache or in the zoo.

    Raises:
        AssetMissingError: not on this machine.
    """
    path = user_path(name) if name.endswith(SUFFIX) else _by_name(name)
    if path is None:
        raise AssetMissingError(
            f"reference statistics {name!r} are not on this machine",
            f"get the original file once, then: vtbench stats import FILE --name {name}; those of the zoo are in "
            f"{distribution_of(ZOO)}: pip install {distribution_of(ZOO)}",
        )
    return open_statistics(path)


def _by_name(name: str) -> Path | None:
    from vtbench.assets.lookup import asset_folders

    file = f"{NAMED_FOLDER}/{name}{SUFFIX}"
    paths = (folder / file for folder in asset_folders())
    return next((path for path in paths if is_there(path)), packaged_file(ZOO, file))


def check_answers(statistics: ReferenceStatistics, source: str, requests: Sequence[MetricRequest]) -> None:
    """Refuse statistics that a metric has nothing in, or that are moments where every metric needs features.

    Raises:
        UsageError: names the metrics, and what the file holds.
    """
    jobs = [job for job in set_jobs(requests, allow_small_sets=True) if getattr(job.estimator, "uses_references", True)]
    held = ", ".join(statistics.note.counts)
    missing = [job for job in jobs if f"{job.extractor}.{job.feature}" not in statistics.note.counts]
    if missing:
        wanted = ", ".join(dict.fromkeys(f"{job.extractor}.{job.feature}" for job in missing))
        raise UsageError(
            f"reference {source} holds statistics of {held}; {_names(missing)} needs {wanted}",
            _OTHERWISE,
        )
    rowless = [job for job in jobs if _lacks_rows(job, statistics)]
    if rowless and len(rowless) == len(jobs):
        raise UsageError(
            f"reference {source} holds moments only ({held}); {_names(rowless)} needs the features of every image",
            _OTHERWISE,
        )


def _lacks_rows(job: SetJob, statistics: ReferenceStatistics) -> bool:
    needs = getattr(job.estimator, "needs_rows", False)
    return needs and statistics.features(job.extractor, job.feature) is None


def _names(jobs: Sequence[SetJob]) -> str:
    return ", ".join(name for job in jobs for name in job.outputs)
