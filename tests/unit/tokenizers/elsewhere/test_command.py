"""The reconstructor that is a program: what it is told, what it may do wrong, and what is not asked for twice."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from vtbench.core.contracts import Reconstructor
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.pixels import to_uint8
from vtbench.tokenizers.contract import check_tokenizer
from vtbench.tokenizers.elsewhere.command import CommandReconstructor
from vtbench.tokenizers.resolve import resolve_tokenizer

HEAD = """
import json, pathlib, sys
from PIL import Image, ImageOps
here = pathlib.Path(__file__).parent
requests = [json.loads(line) for line in sys.stdin]
with open(here / "asked.jsonl", "a") as log:
    print(json.dumps(requests), file=log)
"""
COPIES = "for r in requests: Image.open(r['image']).save(r['output'])"
PAGE = Path(__file__).parents[4] / "docs/adding-a-tokenizer.md"
Make = Callable[..., CommandReconstructor]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "cache"))

    def build(body: str, **arguments: Any) -> CommandReconstructor:
        (tmp_path / "program.py").write_text(HEAD + body + "\n")
        return CommandReconstructor(shlex.join([sys.executable, str(tmp_path / "program.py")]), **arguments)

    return build


def asked(folder: Path) -> list[list[dict[str, Any]]]:
    """Requests, start by start."""
    log = folder / "asked.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def pictures(count: int, height: int = 12, width: int = 9) -> Tensor:
    return torch.randint(0, 256, (count, 3, height, width), generator=torch.Generator().manual_seed(count)) / 255


def test_it_is_shown_pixels_and_what_it_writes_comes_back(make: Make, tmp_path: Path) -> None:
    model = make("for r in requests: ImageOps.invert(Image.open(r['image'])).save(r['output'])", name="inverse")
    images = pictures(3)
    assert isinstance(model, Reconstructor) and model.info.name == "inverse" and not model.info.codebook_sizes
    assert torch.equal(to_uint8(model.reconstruct(images)), 255 - to_uint8(images))
    ((first, *_),) = asked(tmp_path)
    assert set(first) == {"id", "image", "seed", "output"} and first["seed"] is None


def test_nothing_is_asked_for_twice(make: Make, tmp_path: Path) -> None:
    images = pictures(3)
    make(COPIES).reconstruct(images[:2])
    make(COPIES).reconstruct(images)
    assert [len(start) for start in asked(tmp_path)] == [2, 1]
    make(COPIES + "  # changed").reconstruct(images[:1])
    assert len(asked(tmp_path)) == 3, "another program is another model"


def test_a_seed_is_part_of_the_request(make: Make, tmp_path: Path) -> None:
    model, images = make(COPIES, stochastic=True), pictures(1)
    for seed in (5, 6, 5):
        model.reconstruct(images, torch.tensor([seed]))
    assert [request["seed"] for (request,) in asked(tmp_path)] == [5, 6]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("sys.exit('no credit left')", "no image: the program exited with 1: no credit left"),
        ("for r in requests: print(json.dumps({'id': r['id'], 'error': 'refused'}))", "the program reports: refused"),
        (
            "for r in requests: Image.open(r['image']).resize((8, 8)).save(r['output'])",
            "is 8x8, 12x9 is due",
        ),
        ("for r in requests: open(r['output'], 'wb').write(b'no picture')", "png"),
    ],
)
def test_what_goes_wrong_is_told(make: Make, body: str, told: str) -> None:
    with pytest.raises(SampleError, match=told):
        make(body).reconstruct(pictures(1))


def test_images_that_came_back_are_kept_when_another_fails(make: Make, tmp_path: Path) -> None:
    images, model = pictures(3), make("for r in requests[:2]: Image.open(r['image']).save(r['output'])")
    with pytest.raises(SampleError, match="no image"):
        model.reconstruct(images)
    for index in (0, 1):
        assert torch.equal(to_uint8(model.reconstruct(images[index : index + 1])), to_uint8(images[index : index + 1]))
    assert len(asked(tmp_path)) == 1
    assert torch.equal(to_uint8(model.reconstruct(images[2:])), to_uint8(images[2:]))


def test_images_are_removed_where_they_are_not_to_be_kept(make: Make, tmp_path: Path) -> None:
    model = make(COPIES, keep=False)
    assert torch.equal(model.reconstruct(pictures(1)), model.reconstruct(pictures(1)))
    assert len(asked(tmp_path)) == 2 and not list((tmp_path / "cache").rglob("*.png"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [("run=no-such-program-here", "no program"), ('run="true",timeout=0', "timeout"), ('run="true",batch=0', "batch")],
)
def test_arguments_that_make_no_sense(arguments: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        resolve_tokenizer(f"command,{arguments}")


def test_the_program_of_the_page_passes_the_contract(tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    (program,) = [part.split("```")[0] for part in page.split("```python\n")[1:] if part.startswith("import json")]
    (tmp_path / "my_model.py").write_text(program)
    run = shlex.join([sys.executable, str(tmp_path / "my_model.py")])
    model = resolve_tokenizer(f"command,run={run!r},name=my-model,work='{tmp_path / 'work'}'")
    assert [result for result in check_tokenizer(model) if not result.passed] == []
    for argument in ("native_size", "stochastic", "timeout", "batch", "work", "keep", "name", "run"):
        assert f"`{argument}`" in page
