"""What GenEval's detector finds: numbered folders, one JSON object of metadata, numbered PNG files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.data.conditions import prompts
from vtbench.data.decode import decode_image
from vtbench.generators.elsewhere.geneval_layout import write_geneval

METADATA = [
    {"tag": "single_object", "include": [{"class": "bench", "count": 1}], "prompt": "a photo of a bench"},
    {"tag": "colors", "include": [{"class": "dog", "color": "red"}], "prompt": "a photo of a “red” dog"},
]


def images(count: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return list(torch.randint(0, 256, (count, 3, 4, 6), dtype=torch.uint8))


def test_a_reader_of_the_layout_finds_every_image_and_its_line(tmp_path: Path) -> None:
    source = tmp_path / "metadata.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in METADATA))
    found = prompts(source, per_prompt=2)
    conditions = [found[0].condition, found[2].condition]
    pixels = images(3)
    given = [(0, 0, pixels[0]), (1, 1, pixels[1]), (1, 0, pixels[2])]  # sample 1 of prompt 0 failed
    folder = tmp_path / "out"
    assert write_geneval(folder, conditions, iter(given)) == 3
    read = {}
    for prompt in sorted(folder.iterdir()):
        assert (
            prompt.name.isdigit() and json.loads((prompt / "metadata.jsonl").read_text()) == METADATA[int(prompt.name)]
        )
        for file in (prompt / "samples").iterdir():
            assert re.fullmatch(r"\d{4}\.png", file.name)
            read[int(prompt.name), int(file.stem)] = decode_image(file)
    assert read.keys() == {(0, 0), (1, 0), (1, 1)}
    assert all(torch.equal(read[prompt, copy], image) for prompt, copy, image in given)


def test_images_of_another_run_would_be_counted_too(tmp_path: Path) -> None:
    write_geneval(tmp_path, [Condition(prompt="a")], [(0, 0, images(1)[0])])
    with pytest.raises(UsageError, match="another run"):
        write_geneval(tmp_path, [Condition(prompt="a")], [])


@pytest.mark.parametrize(("samples", "message"), [([(1, 0)], "1 prompts"), ([(0, 0), (0, 0)], "twice")])
def test_samples_that_do_not_belong(tmp_path: Path, samples: list[tuple[int, int]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write_geneval(tmp_path, [Condition(prompt="a")], [(*sample, images(1)[0]) for sample in samples])


def test_a_condition_without_a_prompt(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="condition 0 has no prompt"):
        write_geneval(tmp_path, [Condition(label=1)], [])
