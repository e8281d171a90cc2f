"""Any judge's values as JSON lines: ``{"id": …, "metric": …, "value": …, "judge": …}``.

Optional are ``revision``, ``prompt`` and ``tag``. The name of a metric carries its judge: ``wise`` of
``gpt-4o-2024-05-13`` is ``wise[gpt-4o-2024-05-13]``. Lines of one ``prompt`` are its images; without one every ``id``
is a prompt. The value of a metric is the mean over everything judged.
"""

from __future__ import annotations

import re

from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.judged import is_judge
from vtbench.run.judging.collecting import NONE, Collected
from vtbench.run.judging.lines import Row, json_lines, number_of, text_of
from vtbench.run.judging.source import Brought, Format, Judge, Source

_OF = "judgements"
_METRIC = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MOST = 64
BAD_JUDGE = "neither a space nor , = : [ ], as gpt-4o-2024-05-13"


def read(source: Source) -> Brought:
    """Files of lines, of any number of metrics and judges."""
    found, judges, tagged = Collected("judgements"), dict[str, Judge](), False
    for path in source.paths:
        for where, row in json_lines(path):
            item = text_of(row, "id", where, _OF)
            metric, judge = _metric(row, where)
            if judges.setdefault(metric, judge) != judge:
                told = f"{where}: {metric} is of revision {judge.revision!r}, and of {judges[metric].revision!r} before"
                raise UsageError(told, "two revisions are two judges: bring each by itself")
            tag = text_of(row, "tag", where, _OF) if row.get("tag") is not None else ""
            prompt = text_of(row, "prompt", where, _OF) if row.get("prompt") is not None else item
            tagged = tagged or bool(tag)
            values = {metric: number_of(row, "value", where, _OF)}
            found.add(prompt, f"{item}, {metric}", values, where, {"tag": tag} if tag else NONE)
    if len(judges) > _MOST:
        raise UsageError(f"{len(judges)} metrics in one run, at most {_MOST} are taken", "bring them in parts")
    return Brought(
        found=found, metrics=list(judges), fields=("tag",) if tagged else (), judges=judges, files=source.paths
    )


def _metric(row: Row, where: str) -> tuple[str, Judge]:
    metric, judge = text_of(row, "metric", where, _OF), text_of(row, "judge", where, _OF)
    revision = text_of(row, "revision", where, _OF) if row.get("revision") is not None else ""
    if not _METRIC.fullmatch(metric):
        raise UsageError(f"{where}: {metric!r:.60} is no name of a metric", "small letters, digits and _, as wise")
    for text in (judge, *([revision] if revision else ())):
        if not is_judge(text):
            raise UsageError(f"{where}: {text!r:.60} is no name of a judge", BAD_JUDGE)
    return f"{metric}[{judge}]", Judge(judge, revision)


FORMAT = Format(
    name="judgements",
    summary="Any judge's values: JSON lines of id, metric, value and judge, with revision, prompt and tag where known.",
    files="JSON lines",
    read=read,
)
