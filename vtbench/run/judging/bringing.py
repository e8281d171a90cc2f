"""From judges' files to a job: read, named after who judged, made a task of, written and scored."""

from __future__ import annotations

from typing import Any

from vtbench.core.disk.files import require_writable
from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.judged import judged_name
from vtbench.results.records.record import RunRecord
from vtbench.run.judging.asked import ORIGINAL, Asked, check_asked
from vtbench.run.judging.formats.table import find_format
from vtbench.run.judging.source import Brought, Format, Judge, Source
from vtbench.run.judging.writing import write_job
from vtbench.tasks import TaskSpec

_BLOCK = 4096
"""Rows are few and small: one block."""


def bring(asked: Asked) -> RunRecord:
    """Read judges' files, write them as a job of the model, and score it.

    Raises:
        UsageError: an unknown format, options that do not fit it, or files that cannot be read, with the line.
        UnwritableError: the folder of runs cannot be written.
        VtbenchError: no prompt has a value.
    """
    form = find_format(asked.format)
    check_asked(asked, form)
    require_writable(asked.out, "give a folder that can be made and written: --out DIR")
    source = Source(
        paths=asked.paths,
        model=asked.model,
        questions=asked.questions,
        prompt_set=asked.prompt_set,
        column=asked.column,
        per_prompt=asked.per_prompt or form.per_prompt,
    )
    brought = form.read(source)
    if not len(brought.found):
        raise UsageError(f"{', '.join(map(str, asked.paths))}: nothing was judged", "are they the right files?")
    return write_job(asked, form, brought, _task(asked, form, brought))


def _task(asked: Asked, form: Format, brought: Brought) -> TaskSpec:
    """The task that the rows are of: its id tells the judges, their revisions, and whose words the prompts are."""
    prompt_set = brought.prompt_set or next(iter(form.prompt_sets), "")
    tail = f"-{prompt_set}" if prompt_set not in form.prompt_sets[:1] and prompt_set else ""
    rewritten = "-rewritten" if asked.prompts != ORIGINAL else ""
    metrics = [_request(name, _judge(asked, form, brought, name), form) for name in brought.metrics]
    expected = {*brought.expected.values()}
    return TaskSpec.model_validate(
        {
            "name": f"{asked.benchmark or form.name}{tail}{rewritten}",
            "version": 1,
            "kind": "judged",
            "summary": form.summary,
            "data": {"expected_count": expected.pop() if len(expected) == 1 else None, "note": form.source},
            "preprocess": {"preset": "native@1"},
            "judged_metrics": metrics,
            "judged": {
                "format": form.name,
                "prompts": asked.prompts,
                "prompt_set": prompt_set,
                "mean_over": "tag" if asked.mean_over_tags else "",
                "lower_is_better": asked.lower_is_better,
            },
            "strata": list(brought.fields),
            "block_size": _BLOCK,
            "previews": {"fixed": 0, "worst": 0},
            "table": [request["name"] for request in metrics],
        }
    )


def _judge(asked: Asked, form: Format, brought: Brought, metric: str) -> Judge:
    told = brought.judges.get(metric)
    return told or Judge(asked.judge or form.judges.get(metric) or form.judge, asked.judge_revision)


def _request(metric: str, judge: Judge, form: Format) -> dict[str, Any]:
    """A metric under its public name: with its judge, unless that is the benchmark's own or stands in it already."""
    own = form.judges.get(metric) or form.judge
    name = metric if "[" in metric else judged_name(metric, judge.name, own)
    revision = {"revision": judge.revision} if judge.revision else {}
    return {"name": name, "params": {"judge": judge.name, **revision}}
