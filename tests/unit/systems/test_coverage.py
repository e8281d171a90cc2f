"""The coverage: every system keeps its row, and every row names what is there and what can be typed."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import ValidationError

from vtbench.cli.main import app
from vtbench.run.judging.asked import Asked, check_asked
from vtbench.run.judging.formats.table import find_format
from vtbench.systems.commands import options, problems
from vtbench.systems.entries import HOW, Coverage, Run, System, load_coverage
from vtbench.systems.page import anchor, systems_page

DOCS = Path(__file__).parents[3] / "docs"
COVERAGE = load_coverage()
PAPERS = (
    *("VAR", "FlexVAR", "SAR", "HMAR", "M-VAR", "CoDe", "HACK", "NFIG", "ECM", "LlamaGen", "NAR", "GigaTok", "Hita"),
    *("D-AR", "DetailFlow", "CTF", "VF prompt", "VA-π", "DiGIT", "ELM", "Axial Transformers", "ACDiT", "Hi-MAR"),
    *("JPEG-LM", "RDM/RARM", "Meissonic", "Lumina-mGPT", "Lumina-mGPT 2.0", "GSD", "ARRA", "Token-Shuffle", "ASVR"),
    *("Harmon", "VARGPT-v1.1", "Infinity", "VAREdit", "NSARM", "ARBooth", "ScaleWeaver", "NFD", "VFMF", "OctGPT"),
    *("ART-V", "Survey of autoregressive models in vision", "VTBench"),
)
TOKENIZERS = (
    *("chameleon", "anole", "llamagen-ds16", "llamagen-ds8", "janus_pro_1b", "open_magvit2", "maskbit", "titok"),
    *("flowmo", "bsqvit", "infinity_d32, infinity_d64", "var_256, var_512", "SD3.5L", "FLUX.1-dev", "gpt4o"),
    *("DC-AE", "SD-VAE", "VA-VAE", "SD3.5M", "E2E-VAE", "XQ-GAN"),
)


def test_every_system_keeps_its_row() -> None:
    assert tuple(row.name for row in COVERAGE.papers) == PAPERS
    assert tuple(row.name for row in COVERAGE.tokenizers) == TOKENIZERS


def test_every_row_names_what_is_there() -> None:
    assert problems(COVERAGE) == []


@pytest.fixture(scope="module")
def command() -> Any:
    return typer.main.get_command(app)


def parsed(command: Any, words: list[str]) -> None:
    """As the command line parses them; nothing is run."""
    with command.make_context("vtbench", words[1:2]) as context:
        found = command.get_command(context, words[1])
        if found is None:
            raise LookupError(f"no verb {words[1]}")
        found.make_context(words[1], words[2:], parent=context).close()


def test_every_command_parses(command: Any) -> None:
    for system in COVERAGE.systems:
        for run in system.runs:
            parsed(command, shlex.split(run.command))
    for wrong in ("vtbench run --generators x", "vtbench runs", "vtbench run -g"):
        with pytest.raises(Exception, match=r"(?i)no such option|no verb|requires an argument"):
            parsed(command, shlex.split(wrong))


def test_a_recipe_is_run_as_its_page_says() -> None:
    recipes = {run.recipe: run.command for system in COVERAGE.papers for run in system.runs if run.recipe}
    assert set(recipes) == {page.stem for page in (DOCS / "recipes").glob("*.md")}
    for name, command in recipes.items():
        assert command in (DOCS / "recipes" / f"{name}.md").read_text(encoding="utf-8").splitlines()


def of(**run: str) -> Coverage:
    row = System(name="x", kind="k", source="a/b", runs=(Run.model_validate({"how": "native", **run}),))
    return Coverage(papers=(row,), tokenizers=(), others=())


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("vtbench run -g no-such-thing --task t2i-prompts", "unknown generator 'no-such-thing'"),
        ("vtbench run -g llamagen-l-384,cfg_scal=2 --task t2i-prompts", "cfg_scal"),
        ("vtbench run -t var-257 --task folder", "unknown tokenizer 'var-257'"),
        ("vtbench run -t var-256 --task imagenet257-val", "imagenet257-val"),
        ("vtbench run --suite micro -t var-256", "micro"),
        ("vtbench run --task folder", "names no model"),
    ],
)
def test_what_is_not_there_is_told(command: str, told: str) -> None:
    (problem,) = problems(of(command=command))
    assert problem.startswith("x: ") and told in problem


def test_rows_that_are_no_rows() -> None:
    for wrong in (
        {"command": "make run"},
        {"command": "vtbench list", "how": "recipe"},
        {"command": "vtbench", "x": "y"},
    ):
        with pytest.raises(ValidationError):
            of(**wrong)
    row = COVERAGE.papers[0]
    with pytest.raises(ValidationError, match="listed twice: var"):
        Coverage(papers=(row,), tokenizers=(), others=(row,))


def test_options_of_a_command() -> None:
    found = options("vtbench run -g 'command,run=\"python x.py\"' --offline --task folder")
    assert found == [("", "run"), ("-g", 'command,run="python x.py"'), ("--offline", ""), ("--task", "folder")]


def test_the_page_is_current() -> None:
    written = (DOCS / "systems.md").read_text(encoding="utf-8")
    assert written == systems_page(), "run: python -m vtbench.systems.page > docs/systems.md"
    headings = re.findall(r"^### (.+)$", written, flags=re.MULTILINE)
    assert headings == [system.name for system in COVERAGE.systems]
    assert len({anchor(name) for name in headings}) == len(headings)
    assert {run.how for system in COVERAGE.systems for run in system.runs} == set(HOW)


def test_every_format_of_judges_files_is_known_and_has_the_judge_that_it_needs() -> None:
    brought = [
        options(run.command) for system in COVERAGE.systems for run in system.runs if run.how == "judged elsewhere"
    ]
    assert brought
    for named in brought:
        verb, form, file = (value for option, value in named if not option)
        told = dict(named)
        asked = Asked(format=form, paths=[Path(file)], model=told["--model"], judge=told.get("--judge", ""))
        assert verb == "import" and file.endswith((".jsonl", ".json", ".txt"))
        check_asked(replace(asked, benchmark=told.get("--benchmark", "")), find_format(form))
