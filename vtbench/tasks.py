"""Tasks: one YAML file names the data, the preprocessing, the metrics and how they are aggregated.

A task is data, never code: it is read with ``yaml.safe_load``, checked field by field, and has no inheritance. Its
protocol id, ``name@version+hash``, changes whenever something changes that can move a number.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.tokbench_buckets import FACE_EDGES, TEXT_EDGES, Edges
from vtbench.metrics.catalog import INSTANCE_METRICS, metric_info

PIXEL_RULE = "clamp, times 255, round half to even, uint8"
_PIXEL_RULES = {
    "vtbench-released": "clamp, times 255, truncate, uint8",
    "vtbench-released-signed": "float32 in [-1, 1], (x + 1) / 2 * 255, truncate, uint8; originals too",
}
"""Of presets that bring a rule of their own: compat tasks only."""
_PACKAGE = Path(__file__).resolve().parent


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MetricRequest(_Frozen):
    """A metric by name, with the parameters in which it departs from its defaults."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _accept_a_bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class DataSpec(_Frozen):
    """Where the images come from, unless ``--data`` says otherwise."""

    source: str | None = Field(None, description="data set reference, e.g. 'photos-mini' or 'hub,path=…'; none: --data")
    folder_as: str | None = Field(
        None, description="data set that opens a folder given by --data; none: by its content"
    )
    expected_count: int | None = Field(None, description="images in the full set; another number is warned of")
    licence: str = ""
    citation: str = ""
    note: str = ""


class PreprocessSpec(_Frozen):
    """A named, versioned preset and the side it yields, in pixels (none for native sizes)."""

    preset: str = Field(pattern=r"^[a-z0-9-]+@\d+$")
    size: int | None = Field(None, ge=8)


class ReaderSpec(_Frozen):
    """What reads the images of a text task, and how texts are compared."""

    name: str = Field(description="reader reference, e.g. 'rapidocr' or 'tesseract,lang=jpn'")
    case: Literal["keep", "fold"] = "keep"


class InstanceSpec(_Frozen):
    """The parts of an image that are scored by themselves, what judges them, and whose size buckets they fall in."""

    of: Literal["words", "faces"]
    by: str = Field(description="box reader ('parseq', 'boxes,reader=tesseract') or face recogniser ('dlib') reference")
    size: Literal[256, 512, 1024] = Field(description="the resolution whose size buckets are used")

    @property
    def edges(self) -> Edges:
        """Edges of the three half-open buckets of relative size."""
        return (TEXT_EDGES if self.of == "words" else FACE_EDGES)[self.size]


class PreviewSpec(_Frozen):
    """Which samples are kept as pictures: evenly spaced ones, and the worst by an image metric."""

    fixed: int = Field(default=4, ge=0)
    worst: int = Field(default=4, ge=0)
    by: str = "psnr"


class TaskSpec(_Frozen):
    """One task, as its YAML file states it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: int = Field(ge=1)
    kind: Literal["reconstruction", "detail", "text"]
    summary: str
    data: DataSpec
    preprocess: PreprocessSpec
    image_metrics: tuple[MetricRequest, ...]
    set_metrics: tuple[MetricRequest, ...] = ()
    code_metrics: tuple[MetricRequest, ...] = ()
    text_metrics: tuple[MetricRequest, ...] = ()
    block_metrics: tuple[MetricRequest, ...] = ()
    reader: ReaderSpec | None = None
    instance_metrics: tuple[MetricRequest, ...] = ()
    instances: InstanceSpec | None = None
    strata: tuple[str, ...] = Field((), description="fields of a sample's target to report each value of by itself")
    block_size: int = Field(16, ge=1, le=4096)
    previews: PreviewSpec = PreviewSpec()
    table: tuple[str, ...] = ()
    tolerances: dict[str, float] = Field(default_factory=dict)
    quirks: tuple[str, ...] = Field((), description="what a compat task does wrong on purpose, a sentence each")

    @property
    def metrics(self) -> tuple[MetricRequest, ...]:
        """Every metric the task asks for, in order."""
        of_parts = self.instance_metrics + self.block_metrics
        return self.image_metrics + self.set_metrics + self.code_metrics + self.text_metrics + of_parts

    @property
    def protocol(self) -> dict[str, Any]:
        """Everything that can move a number; prose, previews and tolerances cannot, nor can the block size alone."""
        reader = {"reader": self.reader.model_dump()} if self.reader is not None else {}
        instances = self.instances
        judged = {} if instances is None else {"instances": {**instances.model_dump(), "edges": instances.edges}}
        block = {"block_size": self.block_size} if self.block_metrics else {}
        return {
            "kind": self.kind,
            **reader,
            **judged,
            **block,
            "preprocess": self.preprocess.model_dump(),
            "pixels": _PIXEL_RULES.get(self.preprocess.preset.partition("@")[0], PIXEL_RULE),
            "metrics": [[m.name, metric_info(m.name).version, m.params] for m in self.metrics],
        }

    @property
    def protocol_id(self) -> str:
        """``name@version+hash``: two numbers are comparable only where it and the data fingerprint are equal."""
        return f"{self.name}@{self.version}+{digest_json(self.protocol, length=8)}"

    @model_validator(mode="after")
    def _metrics_are_known_and_in_place(self) -> TaskSpec:
        for expected, requests in (
            ("image", self.image_metrics),
            ("set", self.set_metrics),
            ("code", self.code_metrics),
            ("text", self.text_metrics),
            ("instance", self.instance_metrics),
            ("block", self.block_metrics),
        ):
            for request in requests:
                kind = metric_info(request.name).kind
                if kind != expected:
                    raise ValueError(f"{request.name} is a metric of kind {kind}, listed under {expected}_metrics")
        if bool(self.text_metrics) != (self.reader is not None):
            raise ValueError("text_metrics need a reader, and a reader needs text_metrics")
        self._check_instances()
        derived = [m.name for m in self.text_metrics if m.name.endswith(("_floor", "_excess"))]
        if derived:
            raise ValueError(f"{', '.join(derived)}: ask for the metric itself; floor and excess come with it")
        if len({metric.name.startswith("compat_") for metric in self.text_metrics}) > 1:
            raise ValueError("compat text metrics read other images than the others do: give them a task of their own")
        names = [request.name for request in self.metrics]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"metrics listed twice: {', '.join(repeated)}")
        return self

    def _check_instances(self) -> None:
        if bool(self.instance_metrics) != (self.instances is not None):
            raise ValueError("instance_metrics need instances, and instances need instance_metrics")
        if self.instances is not None:
            if self.reader is not None:
                raise ValueError("a task has a reader or instances, not both: a record names one of them")
            known = INSTANCE_METRICS[self.instances.of]
            strange = [request.name for request in self.instance_metrics if request.name not in known]
            if strange:
                raise ValueError(f"{strange[0]} is no metric of {self.instances.of}; known: {', '.join(known)}")


class Suite(_Frozen):
    """A named set of tasks with the tokenizers it runs when none are given."""

    summary: str
    tasks: tuple[str, ...]
    tokenizers: tuple[str, ...] = ()


def data_root() -> Path:
    """The folder that holds ``tasks/``: inside the package in a wheel, beside it in a checkout."""
    inside = _PACKAGE / "_data"
    return inside if inside.is_dir() else _PACKAGE.parent


def task_files() -> dict[str, Path]:
    """Task name to YAML file: the shipped ones, then those of installed plug-ins (entry points ``vtbench.tasks``)."""
    files = {path.stem: path for path in sorted((data_root() / "tasks").glob("*/*.yaml"))}
    for path in _plugin_files():
        files.setdefault(path.stem, path)
    return files


def _plugin_files() -> Iterator[Path]:
    """A plug-in's entry point is a path to a YAML file or to a folder of them; a broken one offers nothing."""
    for point in entry_points(group="vtbench.tasks"):
        try:
            location = Path(point.load())
        except Exception as error:  # noqa: BLE001 - a broken plug-in harms only itself
            import warnings

            warnings.warn(f"tasks of the plug-in {point.name!r} cannot be loaded: {error!r}", stacklevel=2)
            continue
        yield from [location] if location.is_file() else sorted(location.glob("*.yaml"))


def load_task(text: str) -> TaskSpec:
    """A task by name, or from ``path/to/task.yaml``.

    Raises:
        UsageError: unknown name (with a suggestion), unreadable file, bad YAML, or a field that does not fit.
    """
    if text.endswith((".yaml", ".yml")):
        return read_task(Path(text).expanduser())
    files = task_files()
    if text not in files:
        close = difflib.get_close_matches(text, files, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(sorted(files))}"
        raise UsageError(f"unknown task {text!r}", f"{hint} (or give a path to a YAML file)")
    return read_task(files[text])


@lru_cache(maxsize=256)
def read_task(path: Path) -> TaskSpec:
    """Read and check one task file."""
    content = _read_yaml(path)
    try:
        spec = TaskSpec.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{path} is not a valid task: {_first_problems(error)}", "see docs/adding-a-task.md") from None
    if spec.name != path.stem:
        raise UsageError(f"{path}: the task is named {spec.name!r}, its file {path.stem!r}", "give both one name")
    return spec


def load_suite(name: str) -> Suite:
    """A suite of ``tasks/suites.yaml``.

    Raises:
        UsageError: unknown suite.
    """
    suites = load_suites()
    if name not in suites:
        raise UsageError(f"unknown suite {name!r}", f"known: {', '.join(sorted(suites))}")
    return suites[name]


def load_suites() -> dict[str, Suite]:
    """Every shipped suite."""
    path = data_root() / "tasks" / "suites.yaml"
    try:
        return {name: Suite.model_validate(value) for name, value in _read_yaml(path).items()}
    except ValidationError as error:
        raise UsageError(f"{path} is not valid: {_first_problems(error)}") from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML: {error}", "only plain data is read: no tags, no objects") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path} must hold a mapping, not {type(content).__name__}")
    return content


def _first_problems(error: ValidationError, most: int = 4) -> str:
    problems = [f"{'.'.join(map(str, e['loc'])) or 'task'}: {e['msg']}" for e in error.errors()]
    more = f" (+{len(problems) - most} more)" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more
