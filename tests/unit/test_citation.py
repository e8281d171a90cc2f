"""``CITATION.cff`` says what the package says."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

import vtbench.version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]


def test_it_is_a_citation_of_this_version_under_this_licence() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cited["version"] == vtbench.version.__version__
    assert (cited["title"], cited["license"]) == (project["name"], project["license"])
    assert cited["abstract"].rstrip(".") == project["description"]
    assert [author["name"] for author in cited["authors"]] == [author["name"] for author in project["authors"]]


def test_it_has_what_version_1_2_0_of_the_format_asks_for_and_nothing_it_does_not_know() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    needed = {"cff-version", "message", "title", "authors"}
    optional = {"abstract", "keywords", "license", "type", "version"}
    assert needed <= set(cited) <= needed | optional
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "software"
    assert all(set(author) == {"name"} for author in cited["authors"]), "entities, no invented people"
