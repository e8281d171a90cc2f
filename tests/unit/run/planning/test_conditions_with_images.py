"""A generator that edits images, from a list to records: refused before any work, or run, failing sample by sample."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import vtbench
from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.core.info import GeneratorInfo
from vtbench.generators.contract import check_generator
from vtbench.results.records.record import RunRecord
from vtbench.run.planning.generation_data import open_generation_data
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.models import with_digests
from vtbench.tasks import load_task

TASK = """
name: {name}
version: 1
kind: generation
summary: s
conditions: {{of: {of}, images: {images}}}
preprocess: {{preset: native@1}}
block_size: 4
"""


class Tinted:
    """The source image, turned towards a colour that the prompt tells, with a little noise of the seed."""

    def __init__(self, **more: Any) -> None:
        self.info = GeneratorInfo(name="tinted", **{"conditions": "prompt", "images": ("source",), **more})
        self.shapes: list[tuple[int, ...]] = []

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        return torch.stack([self._one(one, int(seed)) for one, seed in zip(conditions, seeds, strict=True)])

    def _one(self, condition: Condition, seed: int) -> Tensor:
        source = condition.image("source").float() / 255
        self.shapes.append(tuple(source.shape))
        tint = torch.tensor([len(condition.prompt or "") % 4 == channel for channel in range(3)]).float()
        noise = torch.rand(source.shape, generator=torch.Generator().manual_seed(seed))
        return 0.7 * source + 0.2 * tint[:, None, None] + 0.1 * noise


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for number in range(5):
        Image.new("RGB", (12, 8), (50 * number, 90, 10)).save(tmp_path / f"{number}.png")
    lines = [{"prompt": "abc"[: 1 + i % 3], "images": {"source": f"{i}.png"}} for i in range(5)]
    (tmp_path / "edits.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "edits.yaml").write_text(TASK.format(name="edits", of="prompts", images="[source]"))
    (tmp_path / "plain.yaml").write_text(TASK.format(name="plain", of="prompts", images="[]"))
    (tmp_path / "prompts.txt").write_text("a red cat\n")
    return tmp_path


def measured(place: Path, generator: Any = None, **options: Any) -> RunRecord:
    given = {"data": str(place / "edits.jsonl"), "device": "cpu", "workers": 0, **options}
    (record,) = vtbench.evaluate(generator or Tinted(), str(place / "edits.yaml"), **given).records
    return record


def test_it_is_run_on_every_line_whatever_the_batch(place: Path) -> None:
    generator = Tinted()
    record = measured(place, generator, out=place / "runs", batch_size=3, samples=place / "samples")
    assert (record.data.n_scored, len(record.failures)) == (5, 0) and set(generator.shapes) == {(3, 8, 12)}
    assert record.data.conditions["roles"] == ["source"] and record.task.spec["conditions"]["images"] == ["source"]
    metadata = json.loads((place / "samples" / "00001" / "metadata.jsonl").read_text())
    assert metadata["images"] == {"source": "1.png"}
    alone = measured(place, batch_size=1, samples=place / "alone")
    assert alone.data.fingerprint == record.data.fingerprint
    for file in sorted((place / "samples").rglob("*.png")):
        assert file.read_bytes() == (place / "alone" / file.relative_to(place / "samples")).read_bytes()


def test_another_image_of_the_same_name_is_other_data(place: Path) -> None:
    before = measured(place)
    Image.new("RGB", (12, 8), "white").save(place / "3.png")
    assert measured(place).data.fingerprint != before.data.fingerprint


def test_a_broken_image_costs_its_sample_alone(place: Path) -> None:
    (place / "1.png").write_bytes((place / "1.png").read_bytes()[:40])
    (place / "4.png").unlink()
    record = measured(place)
    assert record.data.n_scored == 3
    assert {(failure.id, failure.stage) for failure in record.failures} == {
        ("00001-s00", "decode"),
        ("00004-s00", "decode"),
    }
    assert "4.png: no such file" in next(f.message for f in record.failures if f.id == "00004-s00")


@pytest.mark.parametrize(
    ("task", "data", "more", "told"),
    [
        ("plain", "prompts.txt", {}, "tinted needs images as source, and the task plain gives no images"),
        ("edits", "edits.jsonl", {"images": ()}, "takes no image as source, and the task edits gives images as source"),
        ("edits", "edits.jsonl", {"images": ("source", "mask")}, "needs images as mask"),
        ("edits", "edits.jsonl", {"conditions": "class"}, "asks for prompt"),
        ("edits", "prompts.txt", {}, r"is no \.jsonl"),
        ("edits", None, {}, "give a list that names images"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_work(
    place: Path, task: str, data: str | None, more: dict[str, Any], told: str
) -> None:
    generator = Tinted(**more)
    given = {} if data is None else {"data": str(place / data)}
    with pytest.raises(UsageError, match=told):
        vtbench.evaluate(generator, str(place / f"{task}.yaml"), device="cpu", **given)
    assert not generator.shapes


def test_images_alone_and_conditions_of_the_caller(place: Path) -> None:
    (place / "edits.yaml").write_text(TASK.format(name="edits", of="images", images="[source]"))
    given = [Condition(images={"source": torch.full((3, 8, 8), level, dtype=torch.uint8)}) for level in (0, 9)]
    record = measured(place, Tinted(conditions="none"), data=None, conditions=given)
    assert record.data.n_scored == 2 and record.data.conditions["of"] == "images"
    with pytest.raises(UsageError, match="asks for images as source: a condition has none"):
        measured(place, Tinted(conditions="none"), data=None, conditions=[Condition(label=1)])


def test_images_made_elsewhere_bring_their_prompts_or_are_not_judged_by_them(place: Path) -> None:
    (place / "made").mkdir()
    for number in range(2):
        Image.new("RGB", (8, 8), (9, number, 9)).save(place / "made" / f"{number}.png")
    text = TASK.format(name="edits", of="prompts", images="[]") + "prompt_metrics: [clip_score]\n"
    (place / "edits.yaml").write_text(text)
    with pytest.raises(UsageError, match="clip_score needs the prompts"):
        vtbench.evaluate(f"folder,path={place / 'made'}", str(place / "edits.yaml"), device="cpu")
    lines = [{"file": f"{n}.png", "prompt": "a", "images": {"source": f"{n}.png"}} for n in range(2)]
    (place / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    source = GeneratorSource(f"folder,path={place / 'made'},conditions={place / 'list.jsonl'}")
    data = open_generation_data(load_task(str(place / "edits.yaml")), source, None, None, None)
    assert [sample.condition.prompt for sample in data.conditions.samples] == ["a", "a"]
    assert data.conditions.description["roles"] == ["source"] and data.images is not None


def test_a_function_of_conditions(place: Path) -> None:
    edit = vtbench.sampler(Tinted().sample, name="mine", conditions="prompt", images=["source"])
    assert measured(place, edit).data.n_scored == 5
    with pytest.raises(UsageError, match="a list of roles"):
        vtbench.sampler(Tinted().sample, name="mine", conditions="prompt", images="source")


def test_the_contract_draws_images() -> None:
    results = check_generator(Tinted())
    assert results[0].detail.startswith("tinted: from prompt, source image, ") and results[-1].name == "images"
    assert [result for result in results if not result.passed] == []
    ignored = {result.name: result for result in check_generator(Tinted(optional_images=("mask",)))}["images"]
    assert not ignored.passed and ignored.detail.endswith(", mask 0")


@pytest.mark.parametrize(
    ("of", "images", "told"), [("classes", "[source]", "come from no list"), ("images", "[]", "name their roles")]
)
def test_tasks_that_name_images_where_there_are_none(place: Path, of: str, images: str, told: str) -> None:
    text = TASK.format(name="edits", of=of, images=images).replace("images:", "classes: 2, count: 2, images:")
    (place / "edits.yaml").write_text(text)
    with pytest.raises(UsageError, match=told):
        load_task(str(place / "edits.yaml"))


@pytest.mark.parametrize(
    ("name", "protocol_id"),
    [
        ("t2i-prompts", "t2i-prompts@1+0275b1fe"),
        ("generation-mini", "generation-mini@1+7f600e58"),
        ("imagenet256-fid50k", "imagenet256-fid50k@1+b798f0a5"),
    ],
)
def test_tasks_without_images_are_what_they_were(name: str, protocol_id: str) -> None:
    assert load_task(name).protocol_id == protocol_id
    assert "images" not in load_task(name).model_dump(mode="json")["conditions"]


def test_jobs_of_generators_keep_their_keys() -> None:
    told = with_digests(GeneratorInfo(name="g", conditions="prompt", sampler={"t": 1}))
    assert digest_json(told) == "440395cdf0f8aff7a33dd9c578b04065228f16fcb67cc5d04d80a717d1eac9bd"
