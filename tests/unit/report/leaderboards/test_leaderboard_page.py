"""The page of the leaderboards: every number once, measured and reported apart, links that lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections import Counter
from html import unescape
from pathlib import Path

import pytest

from vtbench.cli.cards import shown_cards
from vtbench.core.outside.seals import SEAL, sealed
from vtbench.report.leaderboards.beside import measured_here, nearest_task
from vtbench.report.leaderboards.choices import choices
from vtbench.report.leaderboards.facts import Card, Facts, month_of, side_of
from vtbench.report.leaderboards.page import Contents, contents, html_page
from vtbench.report.leaderboards.rows import Line, number_cell
from vtbench.results.leaderboards.folder import read_rows
from vtbench.results.leaderboards.published import COLUMNS, ReportedRow, read_published
from vtbench.tokenizers.reported import cards_of_reported

ROOT = Path(__file__).parents[4] / "leaderboards"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def shipped() -> Contents:
    return contents(ROOT, shown_cards(), {name: card.name for name, card in cards_of_reported().items()})


@pytest.fixture(scope="module")
def page(shipped: Contents) -> str:
    return html_page(shipped)


def lines(found: Contents, origin: str) -> list[Line]:
    return [line for section in found.sections if section.origin == origin for line in section.lines]


def test_every_record_has_one_row_that_says_what_its_csv_says(shipped: Contents) -> None:
    rows = read_rows(ROOT)
    assert len(rows) == len(lines(shipped, "measured")) > 30
    held = Counter((line.sheet.protocol, line.label, line.facts.date) for line in lines(shipped, "measured"))
    assert held == Counter((row.cells["protocol_id"], row.cells["model"], row.cells["finished"]) for row in rows)
    for section in (section for section in shipped.sections if section.origin == "measured"):
        psnr = next((i for i, head in enumerate(section.headers) if head.startswith("psnr ")), None)
        for line in section.lines:
            row = next(r for r in rows if (r.key[0], r.key[2]) == (line.label, line.sheet.protocol))
            assert row.family in section.families
            if psnr is not None:
                assert float(line.cells[psnr].order) == pytest.approx(float(row.cells["psnr"]), rel=1e-6)


def test_every_published_number_is_shown_once_with_its_source(shipped: Contents) -> None:
    shown: Counter[tuple[str, str]] = Counter()
    for line in lines(shipped, "reported"):
        fields = dict(line.sheet.fields)
        shown.update((line.label, text) for name, text in line.sheet.fields if name not in _SAID)
        assert fields["source"] and fields["protocol, as its source states it"]
    rows = read_published(ROOT / "published")
    assert shown == Counter((row.model, number_cell(row.value).text) for row in rows)


_SAID = ("protocol, as its source states it", "source", "kept in")


def test_measured_and_reported_numbers_share_no_table(shipped: Contents, page: str) -> None:
    reported = {row.protocol for row in read_published(ROOT / "published")}
    for section in shipped.sections:
        ids = {line.sheet.protocol for line in section.lines}
        assert (len(ids) == 1 and "" not in ids) if section.origin == "measured" else ids == {""}
        assert section.origin == "reported" or section.title not in reported
    tables = re.findall(r"<table.*?</table>", page, flags=re.DOTALL)
    assert all(len(set(re.findall(r'data-origin="(\w*)"', table))) == 1 for table in tables) and len(tables) > 20


def test_rows_of_one_table_share_what_the_source_states(shipped: Contents) -> None:
    for section in (section for section in shipped.sections if section.origin == "reported"):
        stated = {dict(line.sheet.fields)["protocol, as its source states it"] for line in section.lines}
        assert stated == {section.title} or "protocol" in section.headers


def test_every_link_leads_to_one_place(page: str) -> None:
    places = Counter(re.findall(r'\bid="([^"]+)"', page))
    assert [place for place, count in places.items() if count > 1] == []
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(places) and len(targets) > 400
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page), "nothing is asked of the network"


def test_a_measured_row_opens_its_protocol_its_card_and_its_command(shipped: Contents) -> None:
    from vtbench.checkpoints.cards import load_generator_cards
    from vtbench.core.naming.reference import parse_reference
    from vtbench.generators import GENERATORS
    from vtbench.tasks.files import task_files
    from vtbench.tokenizers.resolve import tokenizer_names

    known = {"--tokenizer": {*tokenizer_names()}, "--generator": {*GENERATORS.names(), *load_generator_cards()}}
    for line in lines(shipped, "measured"):
        assert line.sheet.protocol in shipped.protocols and line.sheet.card in shipped.cards
        words = shlex.split(line.sheet.command)
        assert words[:2] == ["vtbench", "run"] and words[4] == "--task" and words[5] in task_files()
        assert parse_reference(words[3]).target in known[words[2]]
    spec = shipped.protocols[next(name for name in shipped.protocols if name.startswith("photos-mini@"))]
    assert "preset: native@1" in spec and "lpips_alex" in spec


def test_a_reported_row_names_the_card_and_a_task_that_are_there(shipped: Contents) -> None:
    from vtbench.tasks.files import task_files

    commands = [line.sheet.command for line in lines(shipped, "reported") if line.sheet.command]
    assert len(commands) > 60
    for command in commands:
        words = shlex.split(command)
        assert words[3] in shipped.cards and words[5] in task_files() and words[6:] == ["--data", "DIR"]
    assert all(line.sheet.about for line in lines(shipped, "reported"))
    without = [line for line in lines(shipped, "reported") if not line.sheet.card]
    assert without and all("No card" in line.sheet.about and not line.sheet.command for line in without)


@pytest.mark.parametrize(
    ("file", "protocol", "task"),
    [
        (
            "tokenizers",
            "ImageNet-256 validation, as its authors report it; exact protocol not stated",
            "imagenet256-val",
        ),
        ("tokenizers", "ImageNet-512 validation, as its authors report it", "imagenet512-val"),
        ("tokenizers", "ImageNet-128 validation", ""),
        ("tokenizers", "COCO at 256, SEED-Voken evaluator", ""),
        ("tokbench", "TokBench face task at 512, padded to a square", "tokbench-faces-512"),
        ("tokbench", "TokBench text and face tasks at 1024", "tokbench-text-1024"),
        ("tokbench", "TokBench video at a short side of 256", ""),
        ("generators", "ImageNet-256, 50,000 samples, ADM evaluator", ""),
    ],
)
def test_the_nearest_task_is_named_only_where_there_is_one(file: str, protocol: str, task: str) -> None:
    row = ReportedRow("m", "rfid", 1.0, "", "all", protocol, "a paper", "", file)
    assert nearest_task(row) == task
    about, command = measured_here(row, "titok-l32")
    assert bool(command) == bool(task) and task in about and "No command repeats" in about


def test_months_and_sizes_are_read_where_they_are_stated() -> None:
    assert month_of("Wu et al., TokBench, 2505.18142") == "2025-05"
    assert [month_of(text) for text in ("README, table 1", "2513.18142", "12505.18142", "")] == [""] * 4
    assert side_of("256x256") == "256" and side_of("table 7, 512×512") == "512" and side_of("256x384") == ""


def test_every_choice_is_of_some_row_and_counted(shipped: Contents) -> None:
    found = choices(shipped.sections)
    every = [line.facts for section in shipped.sections for line in section.lines]
    for options, field in ((found.families, "family"), (found.sizes, "size"), (found.licences, "licence")):
        assert dict(options) == Counter(getattr(facts, field) for facts in every)
    numbers = [int(size) for size, _ in found.sizes if size.isdecimal()]
    assert numbers == sorted(numbers) and found.sizes[-1][0] in ("", "native")


def test_the_chart_of_all_published_tokenizers_names_them_without_overlap(page: str) -> None:
    drawing = next(d for d in re.findall(r'<svg class="chart huge".*?</svg>', page, flags=re.DOTALL) if "rfid" in d)
    points = re.findall(r'<g class="point"', drawing)
    names = re.findall(r'<text class="name"', drawing)
    assert len(points) > 50 and len(names) > 0.8 * len(points), "the legend has the others"


@pytest.fixture
def hostile(tmp_path: Path) -> Contents:
    """A folder whose record, published row and card hold markup wherever text may stand."""
    source = next((ROOT / "records" / "photos-mini").glob("jpeg-quality=10-*.json"))
    record = json.loads(source.read_text(encoding="utf-8"))
    record["model"] |= {"label": HOSTILE, "family": HOSTILE, "licence": HOSTILE, "reference": f"jpeg,name='{HOSTILE}'"}
    record["task"]["spec"] |= {"summary": HOSTILE}
    record["warnings"] = [HOSTILE]
    record = sealed({name: value for name, value in record.items() if name != SEAL})
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "one.json").write_text(json.dumps(record), encoding="utf-8")
    (tmp_path / "published").mkdir()
    row = [HOSTILE, "rfid", "1.5", "", "all", HOSTILE, HOSTILE, HOSTILE, "reported"]
    (tmp_path / "published" / "tokenizers.csv").write_text(f"{','.join(COLUMNS)}\n{','.join(row)}\n", encoding="utf-8")
    card = Card(HOSTILE, HOSTILE, Facts(HOSTILE, 0.5, HOSTILE, HOSTILE, "2025-01"), 4, ((HOSTILE, HOSTILE),))
    return contents(tmp_path, {HOSTILE: card}, {HOSTILE: HOSTILE})


def test_nothing_from_records_rows_or_cards_is_markup(hostile: Contents) -> None:
    page = html_page(hostile, title=HOSTILE)
    assert HOSTILE not in page and HOSTILE in unescape(page)
    assert len(re.findall(r"<script", page)) == 1 and "default-src 'none'" in page
    assert "onerror" not in re.sub(
        r"&lt;img src=x onerror=alert\(1\)&gt;", "", page.replace(r"\u003c", "&lt;").replace(r"\u003e", "&gt;")
    )


def test_without_scripts_everything_is_on_the_page(page: str) -> None:
    plain = re.sub(r"<script>.*</script>", "", page, flags=re.DOTALL)
    assert 'class="scripted"' not in plain and re.search(r'<form id="filters"[^>]* hidden>', plain)
    assert not re.search(r"<(?:tr|article|section|table)\b[^>]* hidden", plain)


def test_a_folder_of_published_rows_alone_is_a_page(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "published", tmp_path / "published")
    page = html_page(contents(tmp_path, {}, {}))
    assert 'id="reported"' in page and 'id="measured"' not in page
