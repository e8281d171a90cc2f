"""MJHQ-30K's prompts, and scores of prompts by category."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vtbench
from vtbench.core.errors import UsageError
from vtbench.data.condition_sources.mjhq import Mjhq

METRIC = """
from vtbench.core.info import MetricInfo

class Level:
    info = MetricInfo(name="level", version=1, kind="prompt", higher_is_better=True)
    def __call__(self, images, prompts):
        return images.double().mean(dim=(1, 2, 3))
"""
TASK = """
name: mine
version: 1
kind: generation
summary: s
data: {folder_as: mjhq}
conditions: {of: prompts}
preprocess: {preset: native@1}
prompt_metrics: [MINE:Level]
strata: [category]
"""


def test_prompts_are_read_and_scored_by_category(tmp_path: Path) -> None:
    entries = {
        f"{number:02d}a": {"category": category, "prompt": f"prompt {number}"}
        for number, category in enumerate(["animals", "food", "animals"])
    }
    (tmp_path / "meta_data.json").write_text(json.dumps(entries))
    conditions = Mjhq(tmp_path).conditions
    assert conditions.ids == ("animals/00a", "food/01a", "animals/02a")
    assert conditions.samples[1].condition.prompt == "prompt 1"
    assert conditions.fingerprint == Mjhq(tmp_path / "meta_data.json").conditions.fingerprint
    for level, name in zip((10, 20, 40), conditions.ids, strict=True):
        (tmp_path / "made" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), level, dtype=np.uint8)).save(tmp_path / "made" / f"{name}.png")
    (tmp_path / "mine.py").write_text(METRIC)
    (tmp_path / "mine.yaml").write_text(TASK.replace("MINE", str(tmp_path / "mine.py")))
    (record,) = vtbench.evaluate(
        f"folder,path={tmp_path / 'made'}",
        str(tmp_path / "mine.yaml"),
        data=f"mjhq,path={tmp_path / 'meta_data.json'}",
        device="cpu",
        workers=0,
        trust=[tmp_path],
    ).records
    found = {one.stratum: (one.value, one.n) for one in record.results}
    assert found == {
        "all": (pytest.approx(70 / 3), 3),
        "category=animals": (25.0, 2),
        "category=food": (20.0, 1),
    }


@pytest.mark.parametrize("text", ["[]", "{}", '{"a": 1}', '{"a": {"category": "food"}}', "{"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "meta_data.json").write_text(text)
    with pytest.raises(UsageError):
        Mjhq(tmp_path)
    with pytest.raises(UsageError, match="no file"):
        Mjhq(tmp_path / "gone")
