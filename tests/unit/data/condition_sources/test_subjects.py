"""Subjects: DreamBench's layout, embedded photographs as subjects, and copies as the row to hold generators against."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

import vtbench
from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.data.condition_sources.dreambench import DreamBench
from vtbench.data.condition_sources.embedded.subjects_mini import SubjectsMini
from vtbench.data.condition_sources.opening import open_conditions
from vtbench.generators.elsewhere.augmented import Augmented

LISTING = """Classes

subject_name,class
bear_plushie,stuffed animal
dog2,dog

Prompts

Object Prompts

prompt_list = [
'a {0} {1} in the jungle'.format(unique_token, class_token),
'a cube shaped {0} {1}'.format(unique_token, class_token)
]

Live Subject Prompts

prompt_list = [
'a {0} {1} in the jungle'.format(unique_token, class_token),
'a {0} {1} wearing a red hat'.format(unique_token, class_token)
]
"""


@pytest.fixture
def dreambench(tmp_path: Path) -> Path:
    (tmp_path / "prompts_and_classes.txt").write_text(LISTING)
    for place, name in enumerate(("bear_plushie", "dog2")):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.new("RGB", (20 + place, 16), (90 * place, 40, 10)).save(tmp_path / name / f"0{number}.jpg")
    return tmp_path


def test_prompts_are_of_the_subjects_kind(dreambench: Path) -> None:
    found = DreamBench(dreambench, token="sks").conditions
    assert found.ids == ("bear_plushie/prompt_00", "bear_plushie/prompt_01", "dog2/prompt_00", "dog2/prompt_01")
    bear, dog = found.samples[1].condition, found.samples[3].condition
    assert bear.prompt == "a cube shaped sks stuffed animal" and dog.prompt == "a sks dog wearing a red hat"
    assert dog.metadata == {"subject": "dog2", "class": "dog", "live": True, "target_prompt": "a dog wearing a red hat"}
    assert len(dog.images["subject"]) == 2 and DreamBench(dreambench).conditions.samples[0].condition.prompt == (
        "a stuffed animal in the jungle"
    )
    opened = open_conditions(
        str(dreambench), of="prompts", roles=["subject"], per_line=4, folder_as="dreambench,ask=class"
    )
    assert opened.ids[:2] == ("bear_plushie/class-s00", "bear_plushie/class-s01") and len(opened) == 8
    assert opened.samples[4].condition.prompt == "a dog"
    with pytest.raises(UsageError, match="no subject cat"):
        DreamBench(dreambench, subjects=["cat"])
    (dreambench / "prompts_and_classes.txt").write_text("Classes\n")
    with pytest.raises(UsageError, match="lists no classes"):
        DreamBench(dreambench)


def test_copies_are_seeded_and_as_alike_as_their_strength_says() -> None:
    images = torch.randint(0, 256, (2, 3, 24, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    condition = Condition(images={"subject": list(images)})
    seeds = torch.arange(6)
    copies = Augmented(strength=0.0).sample([condition] * 6, seeds)
    for copy in copies:
        assert any(torch.allclose(copy * 255, one.float(), atol=1e-3) for one in images)
    made = Augmented(strength=1.0).sample([condition] * 6, seeds)
    assert torch.equal(made[3:4], Augmented(strength=1.0).sample([condition], seeds[3:4]))
    assert len({float(one.mean()) for one in made}) == 6 and made.min() >= 0 and made.max() <= 1
    with pytest.raises(UsageError, match="between 0 and 1"):
        Augmented(strength=2.0)


def test_the_task_tells_copies_apart_and_counts_subjects() -> None:
    assert all(len(one.condition.images["subject"]) == 3 for one in SubjectsMini().conditions.samples)
    generators = ["augmented,strength=0.1", "augmented,strength=1.0"]
    options = {"data": "subjects-mini,parts=1", "device": "cpu", "workers": 0, "limit": 12}
    mild, strong = vtbench.evaluate(generators, "subjects-mini", **options).records
    values = [{(one.metric, one.stratum): one for one in record.results} for record in (mild, strong)]
    like, diverse = (
        [found[name, "all"] for found in values] for name in ("image_similarity_efflite0", "lpips_diversity")
    )
    assert like[0].value > like[1].value and diverse[0].value < diverse[1].value
    assert like[0].n == 3  # three lines of four images, each of a subject of its own
    of_subjects = [one.value for key, one in values[0].items() if key[0] == like[0].metric and key[1] != "all"]
    assert len(of_subjects) == 3 and like[0].value == pytest.approx(sum(of_subjects) / 3)
