"""Which images of a labelled set are fitted, which choose the settings, and which are tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vtbench.core.errors import UsageError
from vtbench.metrics.probes.problem import Labels, Mask
from vtbench.results.records.samples import SCORED, Samples
from vtbench.run.probing.holding_out import held_out, held_out_of_each
from vtbench.tasks.sections import ProbingSpec


@dataclass(frozen=True, eq=False)
class LabelledSplit:
    """The labelled images of a set, and what is done with each.

    Attributes:
        places: ``int64 [N]``, where they are among all images.
        labels: ``int64 [N]``: numbers of the labels in sorted order.
        held_out: ``bool [N]``: tried, the others fitted.
        validation: ``bool [N]``: of those fitted, left out while settings are chosen.
    """

    places: Labels
    labels: Labels
    held_out: Mask
    validation: Mask

    @classmethod
    def of(cls, ids: Sequence[str], labels: Sequence[str], groups: Sequence[str], spec: ProbingSpec) -> LabelledSplit:
        """Split a set; images without a label take no part.

        Args:
            ids: of the images.
            labels: of each; empty where it has none.
            groups: what each belongs to; empty where it stands for itself.
            spec: the task's.

        Raises:
            UsageError: fewer than two labels, nothing to try, nothing to fit, or a group of several labels.
        """
        places = [place for place, label in enumerate(labels) if label]
        own, names, together = ([values[place] for place in places] for values in (labels, ids, groups))
        if isinstance(spec.held_out, float):
            tried = held_out_of_each(names, together, own, spec.held_out, spec.split_seed)
        else:
            tried = held_out(names, together, spec) if names else []
            together = [""] * len(names)  # those that are named hold no part of the others out
        fitted = [place for place, out in enumerate(tried) if not out]
        _refuse_too_little(own, tried, spec)
        chosen = held_out_of_each(
            [names[place] for place in fitted],
            [together[place] for place in fitted],
            [own[place] for place in fitted],
            spec.validation,
            spec.split_seed,
        )
        validation = np.zeros(len(places), dtype=np.bool_)
        validation[fitted] = chosen
        if not validation.any():
            raise UsageError(f"every {spec.label} has one image to fit: none is left to choose settings by", _MORE)
        _, numbers = np.unique(np.array(own), return_inverse=True)
        return cls(np.array(places), numbers.astype(np.int64), np.array(tried), validation)

    @classmethod
    def of_rows(cls, rows: Samples, spec: ProbingSpec) -> LabelledSplit:
        """Of a job's scored images; places are among those.

        Raises:
            UsageError: see :meth:`of`.
        """
        scored = [place for place, status in enumerate(rows.status) if status == SCORED]
        labels = rows.strata[spec.label]
        groups = rows.strata[spec.group] if spec.group else [""] * len(rows)
        ids, labels, groups = ([values[place] for place in scored] for values in (rows.ids, labels, groups))
        return cls.of(ids, labels, groups, spec)


_MORE = "give more images, a folder a label: --data DIR, or a higher --limit"


def _refuse_too_little(labels: Sequence[str], tried: Sequence[bool], spec: ProbingSpec) -> None:
    fitted = Counter(label for label, out in zip(labels, tried, strict=True) if not out)
    if not labels:
        raise UsageError(f"no image has a {spec.label!r} that a probe could tell", _MORE)
    if len(fitted) < 2:
        raise UsageError(f"images to be fitted have one {spec.label} alone, {next(iter(fitted), '')}", _MORE)
    if not any(tried):
        raise UsageError(f"every {spec.label} has one image or group alone: none is left to be tried", _MORE)
