"""The tokenizer that the documentation prints, run as it is printed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-tokenizer.md").read_text(encoding="utf-8")
LONGEST_TOKENIZER = 20


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


def printed_tokenizer() -> str:
    """The Python block that the page calls ``mine.py``."""
    found = [block for block in blocks("python") if block.startswith("# mine.py")]
    assert len(found) == 1
    return found[0]


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "mine.py").write_text(printed_tokenizer(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return "./mine.py:MyTokenizer"


def test_it_is_short() -> None:
    lines = [line for line in printed_tokenizer().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) < LONGEST_TOKENIZER


def test_it_keeps_the_contract(mine: str) -> None:
    from vtbench.core.naming.reference import parse_reference
    from vtbench.tokenizers import TOKENIZERS
    from vtbench.tokenizers.contract import check_tokenizer

    results = check_tokenizer(TOKENIZERS.create(parse_reference(mine)))
    assert len(results) > 3
    assert [f"{result.name}: {result.detail}" for result in results if not result.passed] == []


def test_its_arguments_are_given_as_printed(mine: str) -> None:
    import torch

    from vtbench.core.naming.reference import parse_reference
    from vtbench.tokenizers import TOKENIZERS

    references = re.findall(r"\./mine\.py:MyTokenizer,[^\s`]+", PAGE)
    assert references, "the page shows how an argument is given"
    images = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    plain = TOKENIZERS.create(parse_reference(mine))
    for reference in references:
        changed = TOKENIZERS.create(parse_reference(reference))
        bits = [t.encode(images).total_bits(t.info).item() for t in (plain, changed)]
        assert bits[0] != bits[1], f"{reference} changes nothing"


def test_the_printed_command_measures_it(
    mine: str, tmp_path: Path, command_line: Callable[..., CompletedProcess[str]]
) -> None:
    command = next(line for block in blocks("bash") for line in block.splitlines() if f"--tokenizer {mine}" in line)
    words = command.partition("#")[0].split()
    assert words[:2] == ["vtbench", "run"]
    done = command_line(*words[1:], "--limit", "2", "--out", "out")
    assert done.returncode == 0, done.stderr
    records = sorted((tmp_path / "out").rglob("record.json"))
    assert len(records) == 1
    values = {row["metric"]: row["value"] for row in json.loads(records[0].read_text())["results"]}
    assert 0 < values["psnr"] < 100
    assert values["bits_per_pixel"] > 0
