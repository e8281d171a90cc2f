"""What the documentation shows of the embedded suite is what the records say."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from vtbench.core.outgoing import markdown_text
from vtbench.report.leaderboards.documents import FIGURE, documents
from vtbench.results.records.record import read_record

ROOT = Path(__file__).parents[4]
RECORDS = ROOT / "leaderboards" / "records"
AGAIN = "run: python -m vtbench.report.leaderboards.documents leaderboards docs"


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return documents(ROOT / "leaderboards")


def test_every_file_is_current(written: dict[str, str]) -> None:
    assert FIGURE in written and len(written) == 5
    for name, text in written.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, f"{name}: {AGAIN}"
    others = ("choosing-", "zoo-")
    drawn = {path.name for path in (ROOT / "docs" / "figures").iterdir() if not path.name.startswith(others)}
    assert drawn == {Path(n).name for n in written if "/" in n}


def test_the_page_says_what_the_records_say(written: dict[str, str]) -> None:
    page = written["embedded-suite.md"]
    for task in (
        "photos-mini",
        "patterns-mini",
        "english-mini",
        "generation-mini",
        "robustness-mini",
        "learnability-mini",
        "zoo-tiles-mini",
        "zoo-generation-mini",
    ):
        for file in sorted((RECORDS / task).glob("*.json")):
            record = read_record(file)
            assert f"`{record.task.protocol_id}`" in page and record.data.fingerprint[:12] in page
            name = next(n for n in ("psnr", "fd_efflite0") if record.result(n) is not None)
            result = record.result(name)
            assert result is not None
            rows = [line for line in page.splitlines() if line.startswith(f"| {markdown_text(record.model.label)} |")]
            shown = [float(text) for row in rows for text in re.findall(r"(?<=\| )-?\d+\.\d+(?= ±)", row)]
            assert "∞" in "".join(rows) or any(abs(value - result.value) < 0.06 for value in shown), (task, file.name)


def test_a_value_over_fewer_samples_says_so(written: dict[str, str]) -> None:
    assert re.search(r"\| avif,quality=30 \| .*30\.4 ±2\.2 \(n 41\)", written["embedded-suite.md"])


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("figures/rate-distortion.svg", {"patch-vq", "jpeg,quality=75"}),
        ("figures/detail.svg", {"patch-vq", "jpeg,quality=75"}),
        ("figures/text.svg", {"patch-vq", "jpeg,quality=75"}),
        ("figures/trained.svg", {"zoo-titok", "zoo-kl"}),
    ],
)
def test_a_picture_is_a_document_that_asks_for_nothing(written: dict[str, str], name: str, models: set[str]) -> None:
    tree = ElementTree.fromstring(written[name])
    assert tree.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")}
    assert {*models, "bits a pixel"} <= texts
    assert "prefers-color-scheme: dark" in written[name] and 'class="ground"' in written[name]
    assert not re.search(r"<script|href=|url\(|@import", written[name])
