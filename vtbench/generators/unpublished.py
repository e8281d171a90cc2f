"""Generators of the literature that nobody can run: no code, no weights. Known by name, so that asking is answered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import yaml
from pydantic import BaseModel, ConfigDict, Field

from vtbench.checkpoints.cards import Anchor
from vtbench.core.outside.parsing import boundary


class Unpublished(BaseModel):
    """A generator that is described and not published.

    Attributes:
        title: of the paper.
        paper: arXiv number.
        method: what it does, in a sentence.
        searched: what there is, and when it was looked for.
        published: numbers of the paper, or of its abstract.
        measured: the command that scores samples of whoever has them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1)
    paper: str = Field(pattern=r"^\d{4}\.\d{5}$")
    method: str = Field(min_length=1)
    searched: str = Field(min_length=1)
    published: tuple[Anchor, ...] = ()
    measured: str = Field(pattern=r"^vtbench run -g (folder|npz),path=")


INSTEAD = (
    "Whoever has the code runs it beside vtbench (docs/adding-a-generator.md): vtbench run --generator "
    "'command,run=\"python sample.py\",native_size=256', or scores what it sampled: --generator folder,path=DIR"
)
"""What can be done all the same."""


@cache
def load_unpublished() -> Mapping[str, Unpublished]:
    """Every one of them, by the name that people use for it."""
    text = files("vtbench.generators").joinpath("unpublished.yaml").read_text(encoding="utf-8")
    with boundary("generators/unpublished.yaml"):
        found = {str(name): Unpublished.model_validate(fields) for name, fields in yaml.safe_load(text).items()}
    return MappingProxyType(found)
