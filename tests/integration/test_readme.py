"""The README is run as printed: its tokenizer, its commands' options, its links."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LONGEST_TOKENIZER = 20
GROUPS = ("stats", "leaderboard")
"""Verbs that have verbs of their own."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def printed_tokenizer() -> str:
    """The Python block that the README calls ``mine.py``."""
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

    references = re.findall(r"\./mine\.py:MyTokenizer,[^\s`]+", README)
    assert references, "the README shows how an argument is given"
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


def shown_commands() -> list[str]:
    lines = [line.partition("#")[0].strip() for block in blocks("bash") for line in block.splitlines()]
    return [line for line in lines if line.startswith("vtbench ")]


def test_every_shown_verb_and_option_exists(command_line: Callable[..., CompletedProcess[str]]) -> None:
    assert len(shown_commands()) > 5
    help_of: dict[str, str] = {}
    for command in shown_commands():
        verb, *words = command.split()[1:]
        if verb in GROUPS:
            verb, words = f"{verb} {words[0]}", words[1:]
        if verb not in help_of:
            done = command_line(*verb.split(), "--help", env={"COLUMNS": "200", "NO_COLOR": "1"})
            assert done.returncode == 0, f"vtbench {verb}: {done.stderr}"
            help_of[verb] = done.stdout
        for option in (word for word in words if word.startswith("--")):
            assert option in help_of[verb], f"{command}: vtbench {verb} has no {option}"


def test_every_shown_name_is_known() -> None:
    from vtbench.core.naming.reference import parse_reference
    from vtbench.tasks import load_suites, load_task
    from vtbench.tokenizers.resolve import tokenizer_names

    for command in shown_commands():
        for option, value in re.findall(r"(--task|--tokenizer|--suite) (\S+)", command):
            if option == "--task":
                load_task(value)  # raises for an unknown one
                continue
            name = parse_reference(value).target
            known = {"--tokenizer": tokenizer_names(), "--suite": load_suites()}[option]
            assert ":" in name or name in known, f"{command}: unknown {name}"


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        assert set(re.findall(r"(?:`|^)make ([a-z]+)\b", page.read_text(), flags=re.MULTILINE)) <= targets, page.name


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
