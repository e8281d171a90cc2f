"""The documentation as a site: built as ``make docs`` builds it, every link checked, nothing asked of a network."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MKDOCS = [sys.executable, "-m", "mkdocs", "build", "--strict"]
"""As the Makefile has it: with ``--quiet`` no warning is counted, and strict means nothing."""

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="needs the extra docs")


def build(config: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [*MKDOCS, "-f", str(config), "-d", str(target)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def written() -> set[str]:
    """Every page, as it is linked from the first."""
    docs = ROOT / "docs"
    return {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", target)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def test_every_page_is_built_and_in_the_navigation(site: Path) -> None:
    pages = {page.removesuffix(".md") for page in written()}
    built = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert {f"{page}.html" for page in pages} | {"leaderboard.html"} <= built
    index = (site / "index.html").read_text(encoding="utf-8")
    assert pages <= set(re.findall(r'href="([\w/-]+)\.html', index)) | {"index"}
    assert (site / "figures" / "rate-distortion.svg").is_file() and not (site / "hooks.py").exists()


def test_the_home_page_leads_to_every_page() -> None:
    home = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert written() - {"index.md"} == set(re.findall(r"\]\(([\w/-]+\.md)\)", home))


def test_pages_ask_nothing_of_a_network(site: Path) -> None:
    for page in (*site.rglob("*.html"), *(site / "css").glob("*.css"), *site.glob("*.css")):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]*\bsrc=[\"']?(?:https?:)?//[^\"'>]+", text)
        loaded += re.findall(r"<link[^>]*\bhref=[\"']?(?:https?:)?//[^\"'>]+", text)
        loaded += re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^\"')]+", text)
        assert loaded == [], page.name


@pytest.mark.parametrize("wrong", ["[gone](gone.md)", "[gone](protocol.md#gone)", "[gone](#gone)"])
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "docs").mkdir()
    for page in ("index.md", "protocol.md"):
        (tmp_path / "docs" / page).write_text(f"# Page\n\n{wrong if page == 'index.md' else ''}\n", encoding="utf-8")
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    settings |= {"nav": ["index.md", "protocol.md"], "hooks": [], "theme": {"name": "mkdocs"}, "extra_css": []}
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0 and "gone" in done.stdout + done.stderr


def test_make_docs_builds_it_strictly() -> None:
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^docs: .*\n\t\$\(BIN\)/mkdocs build --strict$", make, flags=re.MULTILINE)
    assert "/site/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
