"""Records as pandas frames. Columns and dtypes are fixed, so that an empty frame concatenates with a full one.

Text without content is ``<NA>``, as in a CSV, where the two cannot be told apart. To read a frame back from CSV with
its dtypes: ``pandas.read_csv(path, dtype=csv_dtypes(METRICS_COLUMNS), parse_dates=…)``; parquet keeps them by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import DamagedFileError, UsageError
from vtbench.results.records.record import RunRecord, load_records, readable_records, warn_of
from vtbench.results.records.schema import MetricResult, Section
from vtbench.results.tables.rows import all_metrics, input_size, result_name, scored_size

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TEXT, INTEGER, REAL, FLAG, TIME = "string", "Int64", "float64", "boolean", "datetime64[us, UTC]"
_WIDE = {"": REAL, "_ci_low": REAL, "_ci_high": REAL, "_n": INTEGER}

KEY_COLUMNS: dict[str, str] = {
    "run": TEXT,
    "model": TEXT,
    "task": TEXT,
    "protocol_id": TEXT,
    "data_fingerprint": TEXT,
}
"""Columns that name a run in every frame: ``run`` is :attr:`RunRecord.run_id`, ``model`` the model's label."""

RUNS_COLUMNS: dict[str, str] = {
    **KEY_COLUMNS,
    "status": TEXT,
    "created": TIME,
    "finished": TIME,
    "job_key": TEXT,
    "reference": TEXT,
    "name": TEXT,
    "revision": TEXT,
    "kind": TEXT,
    "family": TEXT,
    "dtype": TEXT,
    "codebook_sizes": TEXT,
    "downsample_factor": INTEGER,
    "native_size": INTEGER,
    "input_size": TEXT,
    "scored_size": TEXT,
    "resized_in_out": TEXT,
    "stochastic": FLAG,
    "tokens_per_image": REAL,
    "bits_per_image": REAL,
    "licence": TEXT,
    "task_version": INTEGER,
    "data_source": TEXT,
    "n_expected": INTEGER,
    "n_scored": INTEGER,
    "n_failed": INTEGER,
    "reference_n": INTEGER,
    "reference_digest": TEXT,
    "seed": INTEGER,
    "device": TEXT,
    "device_name": TEXT,
    "vtbench_version": TEXT,
    "git_commit": TEXT,
    "git_dirty": FLAG,
    "wall_s": REAL,
    "images_per_s": REAL,
    "encode_images_per_s": REAL,
    "decode_images_per_s": REAL,
    "peak_memory_mb": REAL,
    "n_warnings": INTEGER,
    "schema_version": INTEGER,
}
"""Columns of :func:`runs_frame`. ``codebook_sizes`` is text, sizes joined by spaces."""

METRICS_COLUMNS: dict[str, str] = {
    **KEY_COLUMNS,
    "metric": TEXT,
    "stratum": TEXT,
    "value": REAL,
    "n": INTEGER,
    "ci_low": REAL,
    "ci_high": REAL,
    "ci_method": TEXT,
    "unit": TEXT,
    "higher_is_better": FLAG,
    "version": INTEGER,
}
"""Columns of :func:`metrics_frame`, one row a result."""

SAMPLES_COLUMNS: dict[str, str] = {
    **KEY_COLUMNS,
    "id": TEXT,
    "index": "int64",
    "status": TEXT,
    "stage": TEXT,
    "message": TEXT,
    "height": "int32",
    "width": "int32",
}
"""Columns of :func:`samples_frame`, before one text column a kind of stratum and one ``float64`` column a metric."""


def runs_frame(records: Iterable[RunRecord] | Path | str) -> pd.DataFrame:
    """One row a run, in the order given: :data:`RUNS_COLUMNS`. A path stands for the records at or below it."""
    return _frame([_run_row(record) for record in _listed(records)], RUNS_COLUMNS)


def metrics_frame(records: Iterable[RunRecord] | Path | str, wide: bool = False) -> pd.DataFrame:
    """What the runs found.

    Args:
        records: any records, of one task or of several; or the path of a run or of a folder above runs.
        wide: one row a run, and for every metric the columns ``<metric>``, ``<metric>_ci_low``, ``<metric>_ci_high``
            (``float64``) and ``<metric>_n`` (``Int64``), after :data:`KEY_COLUMNS` and ``n_scored``; a stratum other
            than ``all`` is ``<metric>[<stratum>]``. Otherwise one row a result: :data:`METRICS_COLUMNS`.
    """
    listed = _listed(records)
    if wide:
        return _wide_frame(listed)
    rows = [_result_row(record, result) for record in listed for result in record.results]
    return _frame(rows, METRICS_COLUMNS)


def samples_frame(path: Path | str) -> pd.DataFrame:
    """One row an image, of the run at ``path`` or of every finished run below it.

    Columns: :data:`SAMPLES_COLUMNS`, then one text column a kind of stratum (``stratum_language``; ``<NA>`` where a
    task has none), then one ``float64`` column a metric (NaN where a run did not measure it). All kinds of task
    share the frame; those whose rows were not kept are left out, and without any the frame is empty.

    Raises:
        UsageError: no record at or below ``path``.
        VtbenchError: no record can be read. One that cannot, or whose rows cannot, is told as a warning.
    """
    runs = ((file.parent, record) for file, record in readable_records(path))
    return samples_frame_of(runs)


def samples_frame_of(runs: Iterable[tuple[Path, RunRecord]]) -> pd.DataFrame:
    """:func:`samples_frame` of runs that were read already: their folders and records."""
    return _joined([frame for folder, record in runs if (frame := _run_samples(folder, record)) is not None])


def rows_frame(runs: Iterable[tuple[RunRecord, pa.Table]]) -> pd.DataFrame:
    """As :func:`samples_frame`, of rows in memory: a record and the table of ``samples.parquet`` each."""
    return _joined([_samples_of(record, table) for record, table in runs])


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    if not frames:
        return _frame([], SAMPLES_COLUMNS)
    labels, measured = _strata_and_metrics(dict.fromkeys(name for frame in frames for name in frame.columns))
    joined: pd.DataFrame = pd.concat(frames, ignore_index=True)[[*SAMPLES_COLUMNS, *labels, *measured]]
    return joined


def csv_dtypes(columns: Mapping[str, str]) -> dict[str, str]:
    """``dtype=`` for ``pandas.read_csv``: every column but times, which go to ``parse_dates=``."""
    return {name: dtype for name, dtype in columns.items() if dtype != TIME}


def _listed(records: Iterable[RunRecord] | Path | str) -> list[RunRecord]:
    return load_records(records) if isinstance(records, (str, Path)) else list(records)


def _frame(rows: Any, columns: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    frame: pd.DataFrame = pd.DataFrame(rows, columns=list(columns))
    for name, dtype in columns.items():
        values: Any = frame[name]
        if dtype == TIME:
            frame[name] = pd.to_datetime(values, utc=True).astype(dtype)
        elif dtype == TEXT:
            frame[name] = values.astype(TEXT).replace("", pd.NA)
        else:
            frame[name] = values.astype(dtype)
    return frame


def _keys(record: RunRecord) -> dict[str, Any]:
    return {
        "run": record.run_id,
        "model": record.model.label,
        "task": record.task.name,
        "protocol_id": record.task.protocol_id,
        "data_fingerprint": record.data.fingerprint,
    }


def _run_row(record: RunRecord) -> dict[str, Any]:
    reference = record.data.reference
    return {
        **_keys(record),
        **_pick(record, "status", "created", "finished", "job_key", "schema_version"),
        **_pick(record.model, "reference", "name", "revision", "kind", "family", "dtype", "downsample_factor"),
        **_pick(record.model, "native_size", "resized_in_out", "stochastic", "tokens_per_image", "bits_per_image"),
        **_pick(record.model, "licence"),
        **_pick(record.data, "n_expected", "n_scored", "n_failed"),
        **_pick(record.environment, "device", "device_name"),
        **_pick(record.code, "vtbench_version", "git_commit", "git_dirty"),
        **_pick(record.performance, "wall_s", "images_per_s", "encode_images_per_s", "decode_images_per_s"),
        **_pick(record.performance, "peak_memory_mb"),
        "codebook_sizes": " ".join(map(str, record.model.codebook_sizes)),
        "input_size": input_size(record),
        "scored_size": scored_size(record),
        "task_version": record.task.version,
        "data_source": record.data.source,
        "reference_n": None if reference is None else reference.n,
        "reference_digest": None if reference is None else reference.digest,
        "seed": record.determinism.seed,
        "n_warnings": len(record.warnings),
    }


def _pick(section: Section, *names: str) -> dict[str, Any]:
    return {name: getattr(section, name) for name in names}


def _result_row(record: RunRecord, result: MetricResult) -> dict[str, Any]:
    return {**_keys(record), **_pick(result, *(name for name in METRICS_COLUMNS if name not in KEY_COLUMNS))}


def _wide_frame(records: list[RunRecord]) -> pd.DataFrame:
    rows, names = [], set()
    for record in records:
        row = {**_keys(record), "n_scored": record.data.n_scored}
        for result in record.results:
            name = result_name(result)
            names.add((result.metric, result.stratum, name))
            row |= {name: result.value, f"{name}_ci_low": result.ci_low, f"{name}_ci_high": result.ci_high}
            row[f"{name}_n"] = result.n
        rows.append(row)
    order = all_metrics(records)
    ordered = sorted(names, key=lambda entry: (order.index(entry[0]), entry[1] != "all", entry[1]))
    measured = {f"{name}{end}": dtype for _, _, name in ordered for end, dtype in _WIDE.items()}
    return _frame(rows, {**KEY_COLUMNS, "n_scored": INTEGER, **measured})


def _run_samples(folder: Path, record: RunRecord) -> pd.DataFrame | None:
    from vtbench.results.records.samples import SAMPLES_FILE, read_sample_table

    try:
        table = read_sample_table(folder / SAMPLES_FILE)
    except UsageError:
        return None
    except DamagedFileError as error:
        warn_of(error)
        return None
    return _samples_of(record, table)


def _samples_of(record: RunRecord, table: pa.Table) -> pd.DataFrame:
    labels, measured = _strata_and_metrics(table.column_names)
    frame: pd.DataFrame = table.to_pandas().assign(**_keys(record))
    columns = {**SAMPLES_COLUMNS, **dict.fromkeys(labels, TEXT), **dict.fromkeys(measured, REAL)}
    return _frame(frame[list(columns)], columns)


def _strata_and_metrics(columns: Iterable[str]) -> tuple[list[str], list[str]]:
    """The columns of rows beyond the fixed ones: kinds of strata, which hold text, and metrics, which hold numbers."""
    from vtbench.results.records.samples import STRATUM_PREFIX

    own = [name for name in columns if name not in SAMPLES_COLUMNS]
    labels = [name for name in own if name.startswith(STRATUM_PREFIX)]
    return labels, [name for name in own if name not in labels]
