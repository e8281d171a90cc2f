"""The command that measures a row again, from its record."""

from __future__ import annotations

from pathlib import Path

import pytest

from vtbench.report.provenance import command_of
from vtbench.results.records.record import RunRecord, read_record

RECORDS = Path(__file__).parents[3] / "leaderboards" / "records"


def record_of(task: str, model: str) -> RunRecord:
    return read_record(next((RECORDS / task).glob(f"{model}-*.json")))


@pytest.mark.parametrize(
    ("task", "model", "command"),
    [
        ("photos-mini", "jpeg-quality=10", "vtbench run --tokenizer jpeg,quality=10 --task photos-mini"),
        ("generation-mini", "tiny-ar", "vtbench run --generator tiny-ar --task generation-mini"),
        ("generation-mini-tokenizer", "tiny-ar-vq", "vtbench run --generator tiny-ar --task generation-mini"),
    ],
)
def test_it_names_the_model_and_the_task(task: str, model: str, command: str) -> None:
    files = sorted((RECORDS / task).glob(f"{model}*.json"))
    assert command_of(read_record(files[0])) == command


def test_it_gives_data_seed_and_dtype_again_where_they_were_given() -> None:
    record = record_of("photos-mini", "patch-vq")
    config = record.config.model_copy(update={"given": {**record.config.given, "data": "my pictures"}})
    model = record.model.model_copy(update={"dtype": "bfloat16"})
    determinism = record.determinism.model_copy(update={"seed": 7})
    changed = record.model_copy(update={"config": config, "model": model, "determinism": determinism})
    assert command_of(changed).endswith("--task photos-mini --data 'my pictures' --seed 7 --dtype bfloat16")
