"""The README is a first screen: short, current, and what it leaves to the pages is there."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import vtbench

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
MOST_LINES, LONGEST_SNIPPET = 60, 5


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def rows(text: str) -> list[dict[str, str]]:
    """Rows of every table whose first column is the model, by header."""
    found = []
    for table in re.findall(r"^(?:\|.*\|\n)+", text, flags=re.MULTILINE):
        head, _, *lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        if head[0] == "model":
            found += [dict(zip(head, line, strict=True)) for line in lines]
    return found


def test_nobody_scrolls_to_learn_what_it_is_for() -> None:
    lines = README.splitlines()
    assert len(lines) <= MOST_LINES
    assert lines[2].startswith("**vtbench measures visual tokenizers")
    picture = re.search(r"^!\[[^\]]{20,}\]\((docs/figures/[\w-]+\.svg)\)$", README, flags=re.MULTILINE)
    assert picture is not None and (ROOT / picture[1]).is_file()
    assert [re.match(r"make (\w+)", line)[1] for line in blocks(README, "bash")[0].splitlines()] == ["run", "test"]  # type: ignore[index]
    assert README.index(picture[0]) < README.index("make run") < README.index("| model |") < README.index("```python")


def test_its_table_is_part_of_what_the_records_say() -> None:
    every = rows((ROOT / "docs" / "embedded-suite.md").read_text(encoding="utf-8"))
    shown = rows(README)
    assert 3 < len(shown) < 8
    for row in shown:
        assert any(row.items() <= whole.items() for whole in every), (
            f"{row['model']}: docs/embedded-suite.md has others"
        )


@pytest.mark.slow
def test_its_python_is_short_and_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from torch import nn

    (snippet,) = blocks(README, "python")
    assert len([line for line in snippet.splitlines() if line.strip()]) <= LONGEST_SNIPPET
    names: dict[str, Any] = {"vae": nn.AvgPool2d(3, stride=1, padding=1)}
    monkeypatch.setattr(vtbench, "evaluate", partial(vtbench.evaluate, limit=6))  # of 64
    exec(compile(snippet, "README.md", "exec"), names)  # noqa: S102 - the page's own code
    assert 20 < names["result"].value("psnr") < 40 and "step-5000" in capsys.readouterr().out


def test_it_leads_to_the_pages_that_matter() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)\)", README))
    assert {"index.md", "installing.md", "quickstart.md", "command-line.md", "embedded-suite.md"} <= linked <= pages


def shown_commands(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    lines = [line.partition("#")[0].strip() for block in blocks(text, "bash") for line in block.splitlines()]
    return [line for line in lines if line.startswith("vtbench ")]


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.parent == ROOT or page.stem in ("command-line", "quickstart")],
    ids=lambda page: page.name,
)
def test_every_shown_name_is_known(page: Path) -> None:
    from vtbench.core.naming.reference import parse_reference
    from vtbench.tasks import load_suites, load_task
    from vtbench.tokenizers.resolve import tokenizer_names

    for command in shown_commands(page):
        for option, value in re.findall(r"(--task|--tokenizer|--suite) (\S+)", command):
            if option == "--task":
                load_task(value)  # raises for an unknown one
                continue
            name = parse_reference(value).target
            known = {"--tokenizer": tokenizer_names(), "--suite": load_suites()}[option]
            assert ":" in name or name in known, f"{command}: unknown {name}"


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"(?:`|^)make ([a-z]+(?:-[a-z]+)*)", page.read_text(), flags=re.MULTILINE)) <= targets, (
            page.name
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
