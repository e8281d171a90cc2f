"""Layouts of editing benchmarks as sources of conditions: PIE-Bench, MagicBrush, EMU-Edit, and edit-mini."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import vtbench
from vtbench.core.errors import UsageError
from vtbench.data.condition_sources.embedded.edit_mini import EditMini
from vtbench.data.condition_sources.emu_edit import EmuEdit
from vtbench.data.condition_sources.magicbrush import MagicBrush
from vtbench.data.condition_sources.opening import open_conditions
from vtbench.data.condition_sources.pie_bench import PieBench, mask_of_runs


def picture(path: Path, colour: tuple[int, int, int], side: int = 512) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side), colour).save(path)


ENTRY: dict[str, Any] = {
    "image_path": "0_random_140/000000000000.jpg",
    "original_prompt": "a [round] cake",
    "editing_prompt": "a [square] cake",
    "editing_instruction": "make it square",
    "editing_type_id": "0",
    "blended_word": "cake cake",
    "mask": [0, 3, 1024, 2, 262140, 100],
}


@pytest.fixture
def pie(tmp_path: Path) -> Path:
    other = {**ENTRY, "image_path": "8_background_80/812.jpg", "editing_type_id": "8", "mask": [0, 262144]}
    (tmp_path / "mapping_file.json").write_text(json.dumps({"000000000000": ENTRY, "812": other}))
    for entry in (ENTRY, other):
        picture(tmp_path / "annotation_images" / entry["image_path"], (40, 90, 200))
    return tmp_path


def test_pie_bench_is_read_as_its_script_reads_it(pie: Path) -> None:
    found = open_conditions(str(pie), of="prompts", roles=["source", "mask"], per_line=1, folder_as="pie-bench")
    assert found.ids == ("0_random_140/000000000000", "8_background_80/812")
    condition = found.samples[0].condition
    assert condition.prompt == "a square cake" and condition.metadata["source_prompt"] == "a round cake"
    assert condition.metadata["type"] == "random" and found.samples[1].condition.metadata["type"] == "background"
    assert condition.image("source").shape == (3, 512, 512)
    flat = np.zeros(512 * 512)
    for start, length in ((0, 3), (1024, 2), (262140, 100)):
        for place in range(start, min(start + length, 512 * 512)):
            flat[place] = 1
    expected = flat.reshape(512, 512)
    expected[0, :] = expected[-1, :] = expected[:, 0] = expected[:, -1] = 1
    assert (condition.image("mask").numpy() == 255 * expected).all()
    told = PieBench(pie, prompt="instruction", types=[8]).conditions
    assert told.ids == ("8_background_80/812",) and told.samples[0].condition.prompt == "make it square"
    assert bool((told.samples[0].condition.image("mask") == 255).all())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"mask": [0, 1, 2]}, "no list of starts and lengths"),
        ({"mask": [0, -1]}, "no list of starts and lengths"),
        ({"editing_type_id": "12"}, "editing_type_id"),
        ({"image_path": "../out.jpg"}, "outside"),
        ({"editing_prompt": None}, "lacks"),
    ],
)
def test_pie_bench_entries_that_are_none_are_refused(pie: Path, change: dict[str, Any], told: str) -> None:
    (pie / "mapping_file.json").write_text(json.dumps({"x": {**ENTRY, **change}}))
    with pytest.raises(UsageError, match=told):
        PieBench(pie)


def test_results_of_pie_bench_are_matched_and_a_full_mask_is_counted(pie: Path) -> None:
    made = pie / "made"
    for name in ("0_random_140/000000000000.jpg", "8_background_80/812.jpg"):
        picture(made / name, (50, 90, 200))
    task = pie / "background.yaml"
    task.write_text(
        "name: background\nversion: 1\nkind: generation\nsummary: s\ndata: {folder_as: pie-bench}\n"
        "conditions: {of: prompts, images: [source], judged: [mask]}\npreprocess: {preset: native@1}\n"
        "condition_metrics: [mse_background]\nstrata: [type]\n"
    )
    (record,) = vtbench.evaluate(f"folder,path={made}", str(task), data=str(pie), device="cpu", workers=0).records
    results = {(one.metric, one.stratum): one for one in record.results}
    everything = results["mse_background", "all"]
    assert everything.n == 1 and everything.details["n_not_applicable"] == 1
    assert everything.value == pytest.approx(((10 / 255) ** 2) / 3, rel=0.1)  # JPEG moves a level here and there
    assert results["mse_background", "type=background"].n == 0


def magicbrush(folder: Path) -> Path:
    edits = [
        {"input": "7-input.png", "mask": "7-mask1.png", "output": "7-output1.png", "instruction": "add a hat"},
        {"input": "7-output1.png", "mask": "7-mask2.png", "output": "7-output2.png", "instruction": "make it red."},
    ]
    (folder / "edit_sessions.json").write_text(json.dumps({"7": edits, "9": [{**edits[0], "output": "7-output1.png"}]}))
    for name, level in (("7-input.png", 10), ("7-output1.png", 20), ("7-output2.png", 30)):
        picture(folder / "images" / "7" / name, (level, level, level), side=16)
        picture(folder / "images" / "9" / name, (level, level, level), side=16)
    said = {"7": {"7-input.png": "a man", "7-output2.png": "a man in a red hat"}}
    (folder / "global_descriptions.json").write_text(json.dumps(said))
    return folder


def test_magicbrush_turns(tmp_path: Path) -> None:
    folder = magicbrush(tmp_path)
    single = MagicBrush(folder).conditions
    assert single.ids == ("7/7_1", "7/7_inde_2", "9/9_1")
    second = single.samples[1].condition
    assert second.prompt == "make it red."
    assert [int(second.image(role)[0, 0, 0]) for role in ("source", "truth")] == [20, 30]
    assert second.metadata["target_prompt"] == "a man in a red hat" and "source_prompt" not in second.metadata
    multi = MagicBrush(folder, turns="multi").conditions
    assert multi.ids == ("7/7_iter_2", "9/9_1")
    last = multi.samples[0].condition
    assert last.prompt == "add a hat. make it red."
    assert [int(last.image(role)[0, 0, 0]) for role in ("source", "truth")] == [10, 30]
    assert last.metadata["source_prompt"] == "a man"
    opened = open_conditions(
        str(folder), of="prompts", roles=["source", "truth"], per_line=1, folder_as="magicbrush,turns=multi"
    )
    assert opened.ids == multi.ids
    (folder / "edit_sessions.json").write_text(json.dumps({"7": [{"input": "7-input.png"}]}))
    with pytest.raises(UsageError, match="an edit lacks"):
        MagicBrush(folder)


def test_emu_edit_rows(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (9, 9, 9)).save(stream, "PNG")
    rows = [(3, "add", "a field", "a field with a cow"), (3, "style", "a road", "a road"), (5, "add", "x", "y")]
    table = {
        "idx": [row[0] for row in rows],
        "image": [{"bytes": stream.getvalue(), "path": None}] * 3,
        "instruction": [f"do {row[1]}" for row in rows],
        "input_caption": [row[2] for row in rows],
        "output_caption": [row[3] for row in rows],
        "task": [row[1] for row in rows],
    }
    for number in range(3):  # three files of one row
        part = {name: values[number : number + 1] for name, values in table.items()}
        pq.write_table(pa.table(part), tmp_path / f"test-{number}.parquet")
    found = EmuEdit(str(tmp_path))
    assert found.conditions.ids == ("add_3", "style_3", "add_5")
    first = found.conditions.samples[0].condition
    assert first.prompt == "do add" and first.metadata["target_prompt"] == "a field with a cow"
    assert int(first.image("source")[0, 0, 0]) == 9
    differing = EmuEdit(str(tmp_path), captions="differ")
    assert differing.conditions.ids == ("add_3", "add_5") and "1 rows" in differing.notes[0]
    pq.write_table(pa.table({name: table[name] for name in ("image", "task")}), tmp_path / "test-9.parquet")
    with pytest.raises(UsageError, match="no column"):
        EmuEdit(str(tmp_path))


def test_edit_mini_is_the_same_each_time_and_all_its_kinds_are_there() -> None:
    first, second = EditMini(count=12).conditions, EditMini(count=12).conditions
    assert first.fingerprint == second.fingerprint
    kinds = {(one.condition.metadata["edit"], one.condition.metadata["shape"]) for one in first.samples}
    assert len(kinds) == 6
    for one, other in zip(first.samples, second.samples, strict=True):
        mask = one.condition.image("mask")
        share = float((mask > 0).float().mean())
        assert 0.04 < share < 0.4 and mask[:, [0, -1]].max() == 0 and mask[:, :, [0, -1]].max() == 0
        assert torch.equal(one.condition.image("truth"), other.condition.image("truth"))
    assert mask_of_runs((0, 0), side=4)[0].tolist() == [[255] * 4, [255, 0, 0, 255], [255, 0, 0, 255], [255] * 4]
