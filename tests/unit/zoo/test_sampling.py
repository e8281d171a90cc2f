"""Settings that the zoo's samplers are swept over: all are accepted, and a curve's shape is told from its intervals."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.generators import GENERATORS as FAMILIES
from vtbench.generators.calibrating import calibrated
from vtbench.generators.sampling.next_scale.strategies.calibration import write_calibration
from vtbench.report.gather import Board, Run
from vtbench.results.records.record import RunRecord, read_record
from vtbench.tasks import load_task
from vtbench.zoo.generators.recipes import GENERATORS
from vtbench.zoo.page.sweeps import COLUMNS, sections, verdict
from vtbench.zoo.page.values import DISTANCE
from vtbench.zoo.recipes import find_tokenizer
from vtbench.zoo.sampling.shapes import Reading, Shape, shape_of
from vtbench.zoo.sampling.sweeps import SWEEPS, TASK, Setting, Sweep, hosts, models

RECORDS = Path(__file__).resolve().parents[3] / "leaderboards" / "records" / "generation-mini"
NAMES = {name for sweep in SWEEPS for name in hosts(sweep)}


def curve(*values: float, half: float = 1.0) -> list[Reading]:
    return [Reading(place, value, half) for place, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        ((30, 20, 10, 20), "valley"),
        ((30, 20, 10, 10.5), "falling"),
        ((10, 20, 30), "rising"),
        ((10, 20, 19, 30), "rising"),
        ((10, 20, 15, 30), "other"),
        ((30, 20, 10), "falling"),
        ((10, 11, 10.5), "level"),
        ((10, 20, 10), "other"),
    ],
)
def test_a_shape_is_told_from_differences_beyond_the_intervals(values: tuple[float, ...], shape: Shape) -> None:
    assert shape_of(curve(*values)) == shape
    assert shape_of(curve(*values, half=1000.0)) == "level"


def test_every_sweep_rises_along_its_axis_and_names_generators_of_the_zoo() -> None:
    assert set(GENERATORS) >= NAMES and load_task(TASK).kind == "generation"
    for sweep in SWEEPS:
        places = [setting.x for setting in sweep.settings]
        assert places == sorted(set(places)) and len(places) > 2, sweep.name
        assert len({setting.model for setting in sweep.settings}) == len(places)
    assert len({sweep.name for sweep in SWEEPS}) == len(SWEEPS)
    assert models(set()) == [] and "zoo-mar,cfg_scale=3" in models({"zoo-mar"})
    assert not any("strategy=code" in model for model in models({"zoo-var"}))
    assert set(models(NAMES)) == {setting.model for sweep in SWEEPS for setting in sweep.settings}


def reference_of(name: str) -> str:
    """Of the zoo's own tokenizer or network, with random weights."""
    recipe: Any = find_tokenizer(name) if name not in GENERATORS else GENERATORS[name]
    arguments = {**recipe.arguments, "random_weights_seed": 0}
    if name in GENERATORS:
        arguments["tokenizer"] = reference_of(recipe.tokenizer)
    return str(Reference(recipe.family, arguments))


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_every_setting_is_one_that_its_generator_takes(tmp_path: Path) -> None:
    heads = tmp_path / "heads.json"
    made: dict[str, Any] = {}
    for model in sorted(models(NAMES), key=lambda one: "strategy=" in one):
        name, _, _ = model.partition(",")
        recipe = GENERATORS[name]
        asked = dict(parse_reference(model).args)
        if "refiner" in asked:
            asked["refiner"] = reference_of(str(asked["refiner"]))
        if "calibration" in asked:
            if not heads.exists():
                write_calibration(calibrated(made["zoo-var"], 1, 0), heads)
            asked["calibration"] = str(heads)
        tokenizer = reference_of(recipe.tokenizer)
        made[model] = FAMILIES.load(recipe.family).random(**{**recipe.arguments, **asked}, tokenizer=tokenizer)  # type: ignore[attr-defined]
    assert len(made) > 30


def measured(reference: str, value: float, like: RunRecord) -> Run:
    whole = like.result("fd_efflite0")
    assert whole is not None
    results = [
        whole.model_copy(update={"metric": name, "value": value, "ci_low": value - 1, "ci_high": value + 1})
        for name in COLUMNS
    ]
    model = like.model.model_copy(update={"reference": reference, "label": reference})
    return Run(like.model_copy(update={"model": model, "results": results}), Path())


def test_what_settings_save_is_told_where_they_differ() -> None:
    like = read_record(next(iter(sorted(RECORDS.glob("*.json")))))
    sweep = dataclasses.replace(SWEEPS[0], settings=tuple(Setting(x, f"zoo-var,cfg_scale={x}") for x in (1, 2)))
    runs = []
    for one, steps, cache in zip(sweep.settings, (64, 20.25), (4096, 1024), strict=True):
        saving = like.performance.model_copy(
            update={"steps_per_image": steps, "kv_cache_bytes": cache, "tokens_computed_per_image": 64.0}
        )
        run = measured(one.model, 10, like)
        runs.append(dataclasses.replace(run, record=run.record.model_copy(update={"performance": saving})))
    page = "\n".join(sections(Board(tuple(runs)), [sweep])[0])
    assert "| steps | cache |" in page and "| positions |" not in page
    assert "| 64 | 100% |" in page and "| 20.25 | 25% |" in page


def test_the_page_tells_what_was_measured_and_not_what_was_expected() -> None:
    sweep = Sweep(
        name="tried",
        heading="Tried, once",
        axis="scale",
        settings=tuple(Setting(x, f"zoo-var,cfg_scale={x}") for x in (1, 2, 3)),
        expected="valley",
        told="As told.",
    )
    like = read_record(next(iter(sorted(RECORDS.glob("*.json")))))
    board = Board(
        tuple(measured(one.model, value, like) for one, value in zip(sweep.settings, (30, 10, 20), strict=True))
    )
    texts, pictures = sections(board, [sweep, SWEEPS[0]])
    page = "\n".join(texts)
    assert "[Tried, once](#tried-once) | valley | valley" in page and "Lowest at 2: 10.0 ± 1.0" in page
    assert "as expected" in page and SWEEPS[0].heading not in page
    (file,) = pictures
    assert file == "figures/zoo-tried.svg" and pictures[file].count("<circle") + pictures[file].count("<path") >= 3
    assert DISTANCE in pictures[file] and pictures[file].count('class="whisker"') == 3
    told = verdict(curve(10, 20, 30), sweep)
    assert "**not** the expected shape (a valley" in told and "Measured: rising" in told
    assert sections(Board(board.runs[:2]), [sweep]) == ([], {})
    without = [run.record.model_copy(update={"results": run.record.results[:-1]}) for run in board.runs]
    of_latents = Board(tuple(Run(record, Path()) for record in without))
    assert f"| {' | '.join(COLUMNS[:-1])} |" in "\n".join(sections(of_latents, [sweep])[0])
