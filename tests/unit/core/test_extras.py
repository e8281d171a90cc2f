"""What is missing is named as pip takes it, and every extra that is spoken of exists."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from vtbench.core import extras
from vtbench.core.extras import install_extra, packages_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[3]
STATED = [
    "torch>=2.5",
    'diffusers>=0.30; extra == "hub"',
    "transformers>=4.44; extra == 'hub'",
    "jinja2; extra == 'report'",
]


@pytest.fixture
def stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "requires", lambda name: STATED)


@pytest.mark.usefixtures("stated")
def test_the_packages_are_named_since_pip_may_not_find_vtbench() -> None:
    assert packages_of("hub") == ("diffusers>=0.30", "transformers>=4.44")
    assert install_extra("hub") == "pip install 'diffusers>=0.30' 'transformers>=4.44'"
    assert install_extra("report") == "pip install jinja2"


@pytest.mark.usefixtures("stated")
def test_a_stricter_requirement_takes_the_place_of_the_extras() -> None:
    assert install_extra("hub", "Transformers>=4.51") == "pip install 'diffusers>=0.30' 'Transformers>=4.51'"
    assert install_extra("hub", "timm>=1") == "pip install 'diffusers>=0.30' 'transformers>=4.44' 'timm>=1'"


def test_without_metadata_the_clone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "requires", missing)
    assert install_extra("hub") == "pip install -e '.[hub]' in a clone of vtbench"


def declared() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, list[str]] = project["optional-dependencies"]
    return found


def test_every_extra_that_the_code_names_is_declared() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "vtbench").rglob("*.py")]
    named = {name for text in sources for name in re.findall(r'install_extra\("(\w+)"', text)}
    assert {"hub", "wds", "report"} <= named <= set(declared())


def test_the_documentation_lists_the_extras_that_there_are() -> None:
    table = (
        (ROOT / "docs" / "installing.md")
        .read_text(encoding="utf-8")
        .partition("| extra | for |")[2]
        .partition("\n\n")[0]
    )
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(first))) == set(declared())


@pytest.mark.parametrize(
    "page", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]), ids=lambda page: page.name
)
def test_no_page_installs_vtbench_from_an_index(page: Path) -> None:
    """``pip install vtbench`` finds another package or none, unless a folder of wheels is named."""
    lines = re.findall(
        r"pip (?:install|download)[^\n`]*\bvtbench\b(?:\[\w+\])?[^\n`]*", page.read_text(encoding="utf-8")
    )
    assert [line for line in lines if "--find-links" not in line and "# of vtbench" not in line] == []
