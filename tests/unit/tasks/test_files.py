"""Task files are read once as long as they do not change."""

from __future__ import annotations

from pathlib import Path

import pytest

from vtbench.core.errors import UsageError
from vtbench.tasks import load_task

TASK = """name: mine
version: 1
kind: reconstruction
summary: {}
data: {{source: folder}}
preprocess: {{preset: native@1}}
image_metrics: [psnr]
"""


def test_a_rewritten_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(TASK.format("one"))
    first = load_task(str(path))
    assert load_task(str(path)) is first and first.summary == "one"
    path.write_text(TASK.format("two"))
    assert load_task(str(path)).summary == "two"
    path.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        load_task(str(path))
