"""What a model is asked again about a batch, what that found, and how the block's files name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import Prepared
from vtbench.core.digests import digest_json
from vtbench.core.outside.tensor_files import Array
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.catalog.robustness import DRIFTS, GENERATION, drift_columns, perturbed_base, robustness_rule
from vtbench.metrics.codes.arithmetic import InFloat32
from vtbench.metrics.codes.perturbing import Perturbation
from vtbench.tasks import MetricRequest

PARTS_PREFIX = "agreement."
PERTURBED_PREFIX = "perturbed."


@dataclass(frozen=True, eq=False)
class Asked:
    """A batch and what the model made of it.

    Attributes:
        samples: all of one shape.
        seeds: each image's, as the model got it.
        codes: of the images; ``None`` of a reconstructor.
        pixels: the reconstructions, ``uint8 [B,3,h,w]`` at the model's input size.
    """

    samples: Sequence[Prepared]
    seeds: list[int]
    codes: Codes | None
    pixels: Tensor


@dataclass(frozen=True)
class Found:
    """Of each image of a batch, in order.

    Attributes:
        columns: metric columns of the rows; what could not be had is not there.
        tensors: ``[B,P]``: agreement by part, features of reconstructions from perturbed codes.
        seconds: spent on it.
    """

    columns: Mapping[str, list[float]] = field(default_factory=dict)
    tensors: Mapping[str, Array] = field(default_factory=dict)
    seconds: float = 0.0

    def select(self, places: Sequence[int]) -> Found:
        """Of some of the images."""
        columns = {name: [values[place] for place in places] for name, values in self.columns.items()}
        return Found(columns, {name: rows[list(places)] for name, rows in self.tensors.items()}, self.seconds)


def asks_in_float32(requests: Sequence[MetricRequest]) -> bool:
    """Whether one of them compares a model with the same one in float32."""
    rules = [robustness_rule(request.name, request.params) for request in requests]
    return any(isinstance(rule, InFloat32) for rule in rules)


def robustness_columns(requests: Sequence[MetricRequest]) -> list[str]:
    """Columns of the rows that these metrics leave; set metrics leave none."""
    return list(dict.fromkeys(column for request in requests for column in _columns(request)))


def perturbed_sets(requests: Sequence[MetricRequest]) -> int:
    """How many times features are stored of reconstructions from perturbed codes: once a rule."""
    of_sets = [one for one in requests if perturbed_base(one.name) is not None and not _columns(one)]
    return len({robustness_rule(one.name, one.params) for one in of_sets})


def perturbed_key(rule: Perturbation, feature_key: str) -> str:
    """Name of features of reconstructions that were perturbed by one rule, inside a block's file."""
    return f"{PERTURBED_PREFIX}{digest_json(asdict(rule), length=8)}.{feature_key}"


def _columns(request: MetricRequest) -> tuple[str, ...]:
    if request.name == GENERATION:
        columns: tuple[str, ...] = robustness_rule(request.name, request.params).columns
        return columns
    if request.name in DRIFTS:
        return drift_columns(request.name)
    info = metric_info(request.name)
    of_set = perturbed_base(request.name) is not None and not info.column
    return () if of_set else (info.row_column,)
