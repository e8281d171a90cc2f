"""Rows of the coverage: frozen values, read from ``coverage.yaml``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vtbench.core.outside.parsing import boundary

How = Literal["native", "strategy", "pipeline", "recipe", "tokenizer", "samples only", "judged elsewhere", "nothing"]
HOW: dict[How, str] = {
    "native": "its generator, from the published file, or with weights from a seed",
    "strategy": "its way of sampling, around a generator of vtbench",
    "pipeline": "its diffusers pipeline",
    "recipe": "its authors' code as a program, by a driver that is printed and tested",
    "tokenizer": "its tokenizer, from the published file",
    "samples only": "images that its code left",
    "judged elsewhere": "what the judge of its published number found: [judges' results](judgements.md)",
    "nothing": "there is nothing of it to measure",
}


class Row(BaseModel):
    """Part of every row: frozen, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(Row):
    """One way in which vtbench runs a system.

    Attributes:
        how: of :data:`HOW`.
        command: what to type.
        what: what that measures, where the command does not say it.
        recipe: page under ``docs/recipes`` that the command stands on.
    """

    how: How
    command: str = Field(pattern=r"^vtbench ")
    what: str = ""
    recipe: str = ""

    @model_validator(mode="after")
    def _a_recipe_has_its_page(self) -> Run:
        if (self.how == "recipe") != bool(self.recipe):
            raise ValueError(f"{self.command}: a recipe names its page, and nothing else does")
        return self


class System(Row):
    """One system.

    Attributes:
        name: as its paper calls it.
        kind: what it is, in a few words.
        source: where its code lies, or its paper: a repository on GitHub, an arXiv number, or an address.
        runs: what vtbench runs of it, the most first.
        missing: what it does not run, and why.
    """

    name: str = Field(min_length=1)
    kind: str = Field(min_length=1)
    source: str = Field(min_length=1)
    runs: tuple[Run, ...] = Field(min_length=1)
    missing: str = ""


class Coverage(Row):
    """All rows.

    Attributes:
        papers: the systems that this project covers.
        tokenizers: of VTBench's table.
        others: systems that others build on, or that are run beside.
    """

    papers: tuple[System, ...]
    tokenizers: tuple[System, ...]
    others: tuple[System, ...]

    @property
    def systems(self) -> tuple[System, ...]:
        """Of all three lists."""
        return self.papers + self.tokenizers + self.others

    @model_validator(mode="after")
    def _a_name_has_one_row(self) -> Coverage:
        names = [row.name.lower() for row in self.systems]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"listed twice: {', '.join(repeated)}")
        return self


@cache
def load_coverage() -> Coverage:
    """Every row.

    Raises:
        VtbenchError: a row that is not what it should be.
    """
    text = files("vtbench.systems").joinpath("coverage.yaml").read_text(encoding="utf-8")
    with boundary("systems/coverage.yaml"):
        return Coverage.model_validate(yaml.safe_load(text))
