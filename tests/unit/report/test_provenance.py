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
        ("zoo-generation-mini", "zoo-mar", "vtbench run --generator zoo-mar --task zoo-generation-mini"),
        (
            "zoo-sampling-tokenizer",
            "zoo-kl",
            "vtbench run --generator zoo-mar,cfg_scale=1 --task zoo-sampling "
            "--reference parquet,path=data/cifar10-jpeg-test-10000.parquet",
        ),
    ],
)
def test_it_names_the_model_and_the_task(task: str, model: str, command: str) -> None:
    files = sorted((RECORDS / task).glob(f"{model}*.json"))
    assert command_of(read_record(files[0])) == command


def test_a_tokenizer_beside_generators_without_cards_is_measured_beside_all_of_them() -> None:
    record = record_of("zoo-sampling-tokenizer", "zoo-kl")
    run = {**record.config.run, "generators": ["one.py:Made", "two.py:Made"]}
    changed = record.model_copy(update={"config": record.config.model_copy(update={"run": run, "given": {}})})
    assert command_of(changed) == ("vtbench run --generator one.py:Made --generator two.py:Made --task zoo-sampling")
    alone = changed.model_copy(update={"config": changed.config.model_copy(update={"run": {}})})
    assert command_of(alone) == "vtbench run --tokenizer zoo-kl --task zoo-sampling-tokenizer"


def test_it_gives_data_seed_and_dtype_again_where_they_were_given() -> None:
    record = record_of("photos-mini", "patch-vq")
    config = record.config.model_copy(update={"given": {**record.config.given, "data": "my pictures"}})
    model = record.model.model_copy(update={"dtype": "bfloat16"})
    determinism = record.determinism.model_copy(update={"seed": 7})
    changed = record.model_copy(update={"config": config, "model": model, "determinism": determinism})
    assert command_of(changed).endswith("--task photos-mini --data 'my pictures' --seed 7 --dtype bfloat16")
