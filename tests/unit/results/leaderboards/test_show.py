"""What ``leaderboard show`` selects and how it orders it; reported rows know their cards."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from vtbench.core.errors import UsageError
from vtbench.results.leaderboards.folder import add_records
from vtbench.results.leaderboards.published import read_published
from vtbench.results.leaderboards.reported import LinkedCard, reported_table
from vtbench.results.leaderboards.selection import Selection
from vtbench.results.leaderboards.show import Shown, shown
from vtbench.results.records.record import RunRecord, write_record
from vtbench.tokenizers.reported import cards_of_reported

SHIPPED = Path(__file__).parents[4] / "leaderboards"
CARDS = {"VQ 10bit": LinkedCard("vq-10", 0.5), "VQ 20bit": LinkedCard("vq-20", 1.5)}
PUBLISHED = """model,metric,value,unit,stratum,protocol,source,table,status
VQ 20bit,psnr,25,dB,all,as stated,Paper,table 1,reported
VQ 10bit,psnr,22.5,dB,all,as stated,Paper,table 1,reported
unknown,psnr,inf,dB,all,as stated,"Paper, table 2",table 2,reported
VQ 10bit,rfid,2,,all,as stated,Paper,,reported
"""


def record(make_record: Callable[..., RunRecord], label: str, rate: float | None, psnr: float, task: str) -> RunRecord:
    results = [{"metric": "psnr", "value": psnr, "n": 64, "unit": "dB", "higher_is_better": True}]
    results += [] if rate is None else [{"metric": "bits_per_pixel", "value": rate, "n": 64}]
    spec = {"kind": "reconstruction", "table": ["psnr"]}
    about = {"name": task, "protocol_id": f"{task}@1+00000000", "spec": spec}
    return make_record(label, results=results, task=about, model={"bits_per_image": None})


@pytest.fixture
def ask(tmp_path: Path, make_record: Callable[..., RunRecord]) -> Callable[..., Shown]:
    rows = [("dear", 2.0, 35.0, "photos"), ("cheap", 0.5, 25.0, "photos"), ("folder", None, 30.0, "photos")]
    for number, row in enumerate([*rows, ("cheap", 0.7, 20.0, "art")]):
        write_record(record(make_record, *row), tmp_path / "runs" / str(number) / "record.json")
    add_records([tmp_path / "runs"], tmp_path)
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "a.csv").write_text(PUBLISHED)

    def run(published: bool = True, **selection: Any) -> Shown:
        return shown(tmp_path, "reconstruction", Selection(**selection), CARDS, published)

    return run


def labels(found: Shown) -> list[tuple[str, str]]:
    return [(one.task.name, one.model.label) for one in found.measured]


def test_measured_rows_go_by_task_and_rate_unless_asked_otherwise(ask: Callable[..., Shown]) -> None:
    photos = [("photos", name) for name in ("cheap", "dear", "folder")]
    assert labels(ask()) == [("art", "cheap"), *photos]
    assert labels(ask(sort="model", task="photos")) == photos
    assert [name for _, name in labels(ask(sort="psnr", task="photos"))] == ["dear", "folder", "cheap"]


def test_rows_are_left_out_by_rate_name_and_metric(ask: Callable[..., Shown]) -> None:
    few = ask(max_bpp=1.0)
    assert labels(few) == [("art", "cheap"), ("photos", "cheap")], "an unknown rate is not known to be small"
    assert [row["model"] for row in few.reported] == ["VQ 10bit", "VQ 10bit"]
    assert labels(ask(model="CHE", published=False)) == [("art", "cheap"), ("photos", "cheap")]
    assert [row["card"] for row in ask(model="vq-20").reported] == ["vq-20"]
    loose = ask(metrics=("fid",))
    assert loose.measured == () and [row["metric"] for row in loose.reported] == ["rfid"]
    both = ask(metrics=("psnr", "rfid"))
    assert both.metrics == ("psnr",) and len(both.measured) == 4 and len(both.reported) == 4


def test_reported_rows_are_linked_and_ordered_by_the_rate_of_their_cards(ask: Callable[..., Shown]) -> None:
    found = ask(metrics=("psnr",))
    told = [(row["model"], row["card"], row["bits_per_pixel"], row["value"], row["origin"]) for row in found.reported]
    assert told == [
        ("VQ 10bit", "vq-10", 0.5, 22.5, "Paper, table 1"),
        ("VQ 20bit", "vq-20", 1.5, 25.0, "Paper, table 1"),
        ("unknown", "", None, "inf", "Paper, table 2"),
    ]
    assert "1 other protocol" in found.warning and ask(published=False).warning == ""


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"task": "photo"}, "did you mean photos"),
        ({"sort": "pnsr"}, "did you mean psnr"),
        ({"metrics": ("ssim",)}, "nothing of that"),
        ({"max_bpp": 0.01}, "nothing of that"),
    ],
)
def test_what_is_not_there_is_refused_with_a_hint(ask: Callable[..., Shown], asked: Any, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(**asked)
    assert told in str(caught.value)


def test_a_leaderboard_without_rows_is_called_that(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the leaderboard compat has no rows yet"):
        shown(tmp_path, "compat", Selection(sort="model"), CARDS)
    with pytest.raises(UsageError, match="has nothing of that"):
        shown(tmp_path, "compat", Selection(model="x"), CARDS)


def test_every_link_is_of_a_card_and_of_a_reported_model() -> None:
    rows = read_published(SHIPPED / "published")
    assert set(cards_of_reported()) <= {row.model for row in rows}
    anchors = {(name, a.value) for name, card in cards_of_reported().items() for a in card.anchors}
    seen = {
        name for name in cards_of_reported() if any((name, row.value) in anchors for row in rows if row.model == name)
    }
    # the rest: cards whose anchors come from another source than the reported rows, or that have none
    assert len(seen) > 0.6 * len(cards_of_reported())
    assert all(math.isfinite(card.geometry.bits_per_pixel) for card in cards_of_reported().values() if card.geometry)


def test_reported_rows_fit_a_terminal_and_name_their_cards(ask: Callable[..., Shown]) -> None:
    console = Console(width=100, file=io.StringIO())
    console.print(reported_table(ask(metrics=("psnr",)).reported, "reported"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "psnr dB" in text and "vq-10" in text and "∞" in text and "bits/pixel" in text
    assert max(map(len, text.splitlines())) <= 100
