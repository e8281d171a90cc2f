"""GenEval from prompts to records: composed scenes, and images that lie in GenEval's own layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import vtbench
from vtbench import assets
from vtbench.core.errors import UsageError
from vtbench.data.condition_sources.geneval_scenes import GenevalScenes
from vtbench.data.pixels import to_pillow
from vtbench.metrics.conditioned.geneval.wanted import asked
from vtbench.results.records.record import RunRecord

TASK = """
name: mine
version: 1
kind: generation
summary: s
conditions: {of: prompts, per_prompt: 2}
preprocess: {preset: native@1}
condition_metrics:
  - {name: geneval_nanodet, params: {tags: [single_object, counting], least_score_counting: 0.4}}
strata: [tag]
"""


def values(record: RunRecord) -> dict[tuple[str, str], tuple[float, int]]:
    return {(one.metric, one.stratum): (one.value, one.n) for one in record.results}


def test_the_scenes_ask_for_four_tags() -> None:
    conditions = GenevalScenes().conditions
    wanted = [asked(one.condition.metadata) for one in conditions.samples]
    assert len(wanted) == 60 and {one.tag for one in wanted} == {"single_object", "two_object", "counting", "position"}
    first = conditions.samples[0]
    assert first.id == "00000-s00" and first.condition.prompt == "a photo of a person"
    assert first.condition.image("source").shape == (3, 416, 416)
    digests = {one.condition.image_digests["source"] for one in conditions.samples}
    assert len(digests) == 60 - 12  # scenes of two objects side by side are those of "left of"
    assert conditions.fingerprint == GenevalScenes().conditions.fingerprint


def test_images_in_genevals_layout_are_judged(tmp_path: Path) -> None:
    if not assets.status("nanodet_g_416").available:
        pytest.skip("nanodet_g_416 is not fetched: vtbench fetch nanodet_g_416")
    scenes = {one.id: one.condition for one in GenevalScenes().conditions.samples}
    person, two_cups = scenes["00000-s01"], scenes["00012-s01"]
    assert two_cups.prompt == "a photo of two cups"
    grey = Image.new("RGB", (416, 416), "#888")
    made = [[to_pillow(person.image("source")), grey], [to_pillow(two_cups.image("source"))]]
    for place, (images, asked_for) in enumerate(zip(made, (person, two_cups), strict=True)):
        folder = tmp_path / "made" / f"{place:05d}"
        (folder / "samples").mkdir(parents=True)
        line = {**asked_for.metadata, "prompt": asked_for.prompt}
        (folder / "metadata.jsonl").write_text(json.dumps(line))
        with (tmp_path / "evaluation_metadata.jsonl").open("a") as prompts:
            prompts.write(json.dumps(line) + "\n")
        for copy, image in enumerate(images):
            image.save(folder / "samples" / f"{copy:04d}.png")
    (tmp_path / "mine.yaml").write_text(TASK)
    given = {"data": str(tmp_path / "evaluation_metadata.jsonl"), "device": "cpu", "workers": 0}
    (record,) = vtbench.evaluate(f"folder,path={tmp_path / 'made'}", str(tmp_path / "mine.yaml"), **given).records
    found = values(record)
    assert found["geneval_nanodet", "tag=single_object"] == (0.5, 1)
    assert found["geneval_nanodet", "tag=counting"] == (1.0, 1)
    assert found["geneval_nanodet", "all"] == (0.75, 2)
    assert found["geneval_nanodet_images", "all"][0] == pytest.approx(2 / 3)
    assert found["geneval_nanodet_prompts", "all"] == (1.0, 2)
    assert [one.id for one in record.failures] == ["00001-s01"]
    (tmp_path / "mine.yaml").write_text(TASK.replace("strata: [tag]", "strata: []"))
    with pytest.raises(UsageError, match=r"strata, \[tag\]"):
        vtbench.evaluate(f"folder,path={tmp_path / 'made'}", str(tmp_path / "mine.yaml"), **given)


def test_lines_that_ask_for_nothing_are_refused_when_planned(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(TASK)
    (tmp_path / "prompts.txt").write_text("a photo of a cup\n")
    (tmp_path / "made").mkdir()
    Image.new("RGB", (40, 40)).save(tmp_path / "made" / "00000-s00.png")
    with pytest.raises(UsageError, match="geneval_nanodet cannot judge 00000-s00: the line of a prompt names no tag"):
        vtbench.evaluate(
            f"folder,path={tmp_path / 'made'}",
            str(tmp_path / "mine.yaml"),
            data=str(tmp_path / "prompts.txt"),
            device="cpu",
        )
