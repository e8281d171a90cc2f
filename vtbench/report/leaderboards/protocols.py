"""The protocol of a measured row, whole: the task as its record keeps it."""

from __future__ import annotations

import yaml

from vtbench.results.records.record import RunRecord


def protocol_text(record: RunRecord) -> str:
    """YAML of the task's every field, from the record, not from whatever the task says today."""
    return yaml.safe_dump(dict(record.task.spec), sort_keys=False, allow_unicode=True, width=100)
