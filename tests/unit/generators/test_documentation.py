"""The examples of docs/adding-a-generator.md work as printed."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from vtbench.checkpoints.cards import GeneratorCard, find_generator_card, parse_card
from vtbench.core.contracts import Generator
from vtbench.data.condition_lists import listed_with_images
from vtbench.generators.contract import check_generator
from vtbench.generators.published.next_token.llamagen.adapter import LlamaGen
from vtbench.generators.resolve import resolve_generator

PAGE = Path(__file__).parents[3] / "docs/adding-a-generator.md"


def block(beginning: str, having: str = "") -> str:
    """The one Python block of the page that begins so and has that in it."""
    blocks: list[str] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    (found,) = [text for text in blocks if text.startswith(beginning) and having in text]
    return found


def test_the_adapter_passes_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(block("import torch", "class Clouds"))
    generator = resolve_generator(f"{file}:Clouds,softness=8")
    assert isinstance(generator, Generator)
    assert [result for result in check_generator(generator) if not result.passed] == []


def test_the_adapter_that_takes_images_passes_the_contract_and_is_run_on_the_list(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(block("import torch", "class Fade"))
    generator = resolve_generator(f"{file}:Fade")
    results = check_generator(generator)
    assert [result for result in results if not result.passed] == [] and results[-1].name == "images"
    (lines,) = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    (tmp_path / "edits.jsonl").write_text(lines)
    (tmp_path / "streets").mkdir()
    for name in ("streets/1.png", "moon.png"):
        Image.new("RGB", (16, 16), "navy").save(tmp_path / name)
    conditions = [s.condition for s in listed_with_images(tmp_path / "edits.jsonl", ("source",)).samples]
    assert generator.sample(conditions, torch.tensor([1, 2])).shape == (2, 3, 16, 16)


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_the_family_passes_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "family.py"
    file.write_text(block("from collections.abc import"))
    small = ",".join(f"{key}='{value}'" for key, value in LlamaGen.shrunken.items())
    generator = resolve_generator(f"{file}:MyAr,{small},cfg_scale=1.5,random_weights_seed=0")
    assert generator.shrunken == LlamaGen.shrunken and generator.info.sampler["cfg_scale"] == 1.5
    assert [result for result in check_generator(generator) if not result.passed] == []


def test_the_card_of_the_page_is_one() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    card, kept = parse_card(text, "llamagen-xxl-384", GeneratorCard), find_generator_card("llamagen-xxl-384")
    assert card.model_dump(exclude={"anchors"}) == kept.model_dump(exclude={"anchors"})
    assert [(a.metric, a.value, a.args) for a in card.anchors] == [
        (a.metric, a.value, a.args) for a in kept.anchors if a.metric == "gfid"
    ]


def test_the_program_passes_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "my_gen.py"
    file.write_text(block("import json"))
    run = shlex.join([sys.executable, str(file)])
    generator = resolve_generator(f"command,run={run!r},native_size=64,classes=3,work='{tmp_path / 'work'}'")
    assert [result for result in check_generator(generator) if not result.passed] == []
    assert len(list((tmp_path / "work").rglob("*.png"))) > 3


def test_every_argument_of_the_page_is_one(tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    named = re.findall(r"^\| `([a-z_]+)`(?:, `([a-z_]+)`)? \|", page.partition("| argument |")[2], flags=re.MULTILINE)
    given = {name for pair in named for name in pair if name}
    assert given == {"run", "conditions", "classes", "native_size", "timeout", "batch", "work", "keep", "images"}
