"""The page on run configs is run as printed, and names every key."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.conftest import Done
from vtbench.run.config.refusals import OF_ONE_CALL
from vtbench.run.config.schema import RunConfig

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "run-config.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_it_runs_as_printed(place: Path, vt: Callable[..., Done]) -> None:
    (place / "run.yaml").write_text(blocks("yaml")[0])
    ran = 0
    for line in (line for block in blocks("bash") for line in block.splitlines()):
        done = vt(*line.split()[1:])
        assert line.startswith("vtbench run") and done.code == 0 and done.out, f"{line}\n{done.err}"
        ran += 1
    assert ran == 5 and {row["model"] for row in vt("show", "runs", "--json").rows} == {
        "jpeg,quality=10",
        "jpeg-30",
        "webp",
    }


def test_it_names_every_key_and_every_option_without_one() -> None:
    keys = PAGE.split("## Keys")[1].split("## Flags")[0]
    assert all(f"`{name}`" in keys for name in RunConfig.model_fields)
    assert all(f"`--{name.replace('_', '-')}`" in keys for name in OF_ONE_CALL)


def test_the_line_for_editors_leads_to_the_schema_from_the_root_of_the_project() -> None:
    first, *_ = blocks("yaml")[1].splitlines()
    assert (ROOT / first.partition("$schema=")[2]).is_file()
    assert RunConfig.model_validate(yaml.safe_load(blocks("yaml")[1])).tasks == ("photos-mini",)
