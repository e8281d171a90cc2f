"""The report from records: grouping, charts, escaping, Markdown and figures."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtbench.core.errors import UsageError
from vtbench.core.outgoing import markdown_text
from vtbench.report.gather import read_boards
from vtbench.report.labels import Box, placed
from vtbench.report.markdown import markdown_page
from vtbench.report.marks import marks_of
from vtbench.report.overview import main_metric, overview
from vtbench.report.page import html_page
from vtbench.report.pictures import grids, sheets, worst
from vtbench.report.series import distributions, rate_charts, stratum_charts
from vtbench.report.tables import summary
from vtbench.results.records.record import RunRecord, read_record, write_record
from vtbench.results.records.samples import SAMPLES_FILE, Samples, write_samples
from vtbench.results.records.schema import MetricResult
from vtbench.results.tables.captions import caption

HOSTILE = "<img src=x onerror=alert(1)>"
LONG_WORD = "d," + "x" * 120
SIDE = 24


def write_run(
    folder: Path, model: str, psnr: float, rate: float, *, kind: str = "text", protocol: str = "t@1+0"
) -> None:
    glyphs = [{"metric": "cer", "stratum": f"glyph_px={px}", "value": 0.5 / px * rate, "n": 2} for px in (8, 16, 32)]
    content = {
        "status": "complete",
        "created": "2026-01-01T00:00:00Z",
        "finished": "2026-01-01T00:01:00Z",
        "model": {"reference": model, "label": model, "name": model, "kind": "codec"},
        "task": {"name": "t", "version": 1, "protocol_id": protocol, "spec": {"kind": kind, "summary": HOSTILE}},
        "data": {
            "source": LONG_WORD, "fingerprint": "f" * 64, "n_expected": 3, "n_scored": 3, "scored_size": [SIDE, SIDE],
        },
        "environment": {"python": "3.11", "platform": "linux"},
        "code": {"vtbench_version": "0.1.0"},
        "warnings": [f"warned of {HOSTILE}"],
        "results": [
            {"metric": "psnr", "value": psnr, "n": 3, "ci_low": psnr - 1, "ci_high": psnr + 1, "ci_method": "b",
             "unit": "dB", "higher_is_better": True},
            {"metric": "bits_per_pixel", "value": rate, "n": 3},
            *glyphs,
        ],
    }  # fmt: skip
    write_record(RunRecord.model_validate(content), folder / "record.json")
    rows = Samples(
        ids=[HOSTILE, "b", "c"],
        index=np.arange(3),
        status=["scored"] * 3,
        stage=[""] * 3,
        message=[""] * 3,
        height=np.full(3, SIDE, np.int32),
        width=np.full(3, SIDE, np.int32),
        metrics={"psnr": np.array([psnr - 1, psnr, psnr + 1])},
    )
    write_samples(rows, folder / SAMPLES_FILE)
    (folder / "previews").mkdir()
    width = SIDE if kind == "generation" else 3 * SIDE + 8
    for index in (0, 2):
        Image.new("RGB", (width, SIDE), (index * 90, 40, 90)).save(folder / "previews" / f"{index:08d}-x.webp")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_run(tmp_path / "a", "jpeg", 25.0, 0.5)
    write_run(tmp_path / "b", HOSTILE, 22.0, 0.25)
    write_run(tmp_path / "c", "worse", 21.0, 0.6)
    write_run(tmp_path / "d", "elsewhere", 30.0, 0.5, protocol="t@2+1")
    write_run(tmp_path / "g", "sampler", 30.0, 0.5, kind="generation", protocol="g@1+1")
    return tmp_path


def test_only_rows_that_compare_share_a_board(runs: Path) -> None:
    boards = read_boards([runs])
    assert [[run.label for run in board.runs] for board in boards] == [
        [HOSTILE, "jpeg", "worse"],
        ["elsewhere"],
        ["sampler"],
    ]
    with pytest.raises(UsageError, match=r"holds no record\.json|does not exist"):
        read_boards([runs / "nothing"])


def test_the_table_ranks_and_sorts_by_value(runs: Path) -> None:
    table = summary(read_boards([runs])[0])
    column = table.headers.index("psnr dB ↑")
    cells = {label: row[column] for label, row in table.rows}
    assert cells["jpeg"].best and not cells["worse"].best
    assert cells["jpeg"].order == "25.0" and "24" in cells["jpeg"].interval


def test_a_line_through_many_values_is_binned_by_half_octaves(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "jpeg", 25.0, 0.5)
    record = read_record(tmp_path / "a")
    at = [0.01 * 1.1**step for step in range(40)]
    waves = [MetricResult(metric="psnr", stratum=f"frequency={x}", value=100 * x, n=1) for x in at]
    write_record(record.model_copy(update={"results": (*record.results, *waves)}), tmp_path / "a" / "record.json")
    charts = {chart.title: chart for chart in stratum_charts(read_boards([tmp_path])[0])}
    ((_, points),) = charts["psnr by frequency, in half octaves"].series
    assert len(points) < 14 and sum(point.n for point in points) == 40
    for point in points:
        inside = [100 * x for x in at if point.x / 2**0.25 <= x < point.x * 2**0.25]
        assert point.y == pytest.approx(np.mean(inside)) and len(inside) == point.n


def test_the_overview_has_every_model_on_every_board(runs: Path) -> None:
    table = overview(read_boards([runs]))
    assert table.columns == (("t", "psnr dB ↑"),) * 2 + (("t", "psnr dB ↑"),)
    assert [row.label for row in table.rows] == [HOSTILE, "elsewhere", "jpeg", "sampler", "worse"]
    jpeg = next(row for row in table.rows if row.label == "jpeg")
    assert [place.cell.text for place in jpeg.places] == ["25.0", "–", "–"] and jpeg.rates == "0.5"
    assert jpeg.places[0].share == 1.0 and jpeg.places[1].share is None
    assert table.rates == (0.25, 0.5, 0.6)


def test_the_overview_shows_what_is_kept_of_images_before_how_codes_are_used(tmp_path: Path) -> None:
    usage = {"metric": "codebook_usage", "value": 0.5, "n": 2, "higher_is_better": True}
    for name, in_all in (("a", True), ("b", False)):
        write_run(tmp_path / name, name, 25.0, 0.5)
        record = read_record(tmp_path / name)
        spec = {"table": ("codebook_usage", "fid", "psnr"), "code_metrics": ({"name": "codebook_usage", "params": {}},)}
        more = [usage, *([{**usage, "metric": "fid", "higher_is_better": False}] if in_all else [])]
        results = (*record.results, *(MetricResult.model_validate(one) for one in more))
        task = record.task.model_copy(update={"spec": {**record.task.spec, **spec}})
        write_record(record.model_copy(update={"task": task, "results": results}), tmp_path / name / "record.json")
    (board,) = read_boards([tmp_path])
    assert main_metric(board) == "psnr", "both have it"
    assert main_metric(replace(board, runs=board.runs[:1])) == "fid"
    alone = [
        replace(run, record=run.record.model_copy(update={"results": run.record.results[-1:]})) for run in board.runs
    ]
    assert main_metric(replace(board, runs=tuple(alone[1:]))) == "codebook_usage", "better than nothing"


def test_two_runs_of_one_label_have_a_row_each(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "jpeg", 25.0, 0.5)
    write_run(tmp_path / "b", "jpeg", 26.0, 0.5)
    rows = overview(read_boards([tmp_path])).rows
    assert [(row.label, row.model) for row in rows] == [("jpeg", "jpeg"), ("jpeg (2)", "jpeg")]


def test_names_keep_off_points_and_names() -> None:
    random = np.random.default_rng(0)
    spots = [(float(x), float(y)) for x, y in random.uniform((60, 120), (460, 220), (16, 2))]
    names = placed(spots, [80.0] * 16, 15.0, Box(60, 30, 518, 300))
    boxes = [name.box for name in names if name is not None]
    assert len(boxes) >= 14
    assert not any(a.meets(b) for index, a in enumerate(boxes) for b in boxes[:index])
    assert not any(box.holds(spot, 3.0) for box in boxes for spot in spots)


def test_a_name_that_finds_no_room_within_reach_is_left_out() -> None:
    spots = [(100.0 + 3 * step, 100.0 + 2 * step) for step in range(30)]
    room, near = Box(0, 0, 400, 300), 30.0
    everywhere = placed(spots, [70.0] * 30, 15.0, room)
    within = placed(spots, [70.0] * 30, 15.0, room, reach=near)
    ends = [name.leader for name in within if name is not None and name.leader is not None]
    assert ends and sum(name is not None for name in within) < sum(name is not None for name in everywhere)
    far = [
        max(abs(name.box.nearest(spot)[axis] - spot[axis]) for axis in (0, 1))
        for name, spot in zip(within, spots, strict=True)
        if name is not None
    ]
    assert max(far) <= near


def test_a_model_looks_alike_everywhere_and_unlike_others(runs: Path) -> None:
    marks = marks_of(read_boards([runs]))
    assert len(set(marks.values())) == len(marks) == 5
    page = html_page(read_boards([runs]))
    colours = set(re.findall(r'style="--c:var\(--s(\d)\)" data-model="jpeg"', page))
    assert colours == {str(marks["jpeg"].colour)}


def test_charts_follow_the_numbers(runs: Path) -> None:
    board = read_boards([runs])[0]
    (rate,) = rate_charts(board)
    assert rate.title == "Rate and psnr" and rate.better == "up"
    front = {point.label for _, points in rate.series for point in points if point.on_front}
    assert front == {HOSTILE, "jpeg"}
    (strata,) = stratum_charts(board)
    assert (strata.title, strata.x_name) == ("cer by glyph_px", "glyph_px")
    assert [point.x for point in strata.series[0][1]] == [8, 16, 32]
    metric, spreads = distributions(board)
    assert metric == "psnr" and all(sum(found.counts) == 3 for found in spreads)


def test_one_model_at_several_rates_is_on_a_curve(tmp_path: Path) -> None:
    for place, (model, psnr, rate) in enumerate(
        [
            ("nested,tokens=64", 24.0, 0.5),
            ("nested,tokens=9,name=few", 20.0, 0.1),
            ("nested,tokens=256", 26.0, 2.0),
            ("nested,tokens=64,seed=1", 24.5, 0.6),
            ("jpeg,quality=10", 23.0, 0.4),
            ("other", 22.0, 0.4),
        ]
    ):
        write_run(tmp_path / str(place), model, psnr, rate)
    board = read_boards([tmp_path])[0]
    (rate,) = rate_charts(board)
    (curve,) = rate.curves
    assert [(point.x, point.y) for point in curve] == [(0.1, 20.0), (0.5, 24.0), (2.0, 26.0)]
    page = html_page([board])
    (first, second) = re.findall(r'<path class="curve" style="--c:var\(--s\d\)" data-models="([^"]*)"', page)
    assert first == second and "tokens=9" in first and "seed=1" not in first
    assert "one model at several settings" in page


def test_settings_that_move_no_rate_are_no_curve(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(tmp_path / str(seed), f"nested,seed={seed}", 24.0 + seed, 0.5)
    write_run(tmp_path / "other", "jpeg", 25.0, 0.75)
    (rate,) = rate_charts(read_boards([tmp_path])[0])
    assert rate.curves == ()


def test_pictures_are_cut_into_their_parts(runs: Path) -> None:
    boards = read_boards([runs])
    found = grids(boards[0])
    assert [grid.sample for grid in found] == [HOSTILE, "c"]
    assert len(found[0].shots) == 3 and found[0].shots[0].original.startswith("data:image/webp;base64,")
    assert [shot.sample for shot in worst(boards[0])] == [HOSTILE] * 3
    ((label, shots),) = sheets(boards[2])
    assert label == "sampler" and len(shots) == 2 and shots[0].original == ""


def test_nothing_from_data_reaches_the_page_unescaped(runs: Path) -> None:
    page = html_page(read_boards([runs]))
    assert HOSTILE not in page and "&lt;img src=x onerror" in page
    assert len(re.findall(r"<script", page)) == 1
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page), "nothing is asked of the network"
    assert "default-src 'none'" in page


def test_markdown_is_escaped_and_whole(runs: Path) -> None:
    page = markdown_page(read_boards([runs]))
    assert HOSTILE not in page and markdown_text(HOSTILE) in page
    assert "**25.0**" in page or re.search(r"\*\*25\.\d+\*\*", page)
    assert markdown_text("a|b_c*") == r"a\|b\_c\*"


def test_figures_are_written(runs: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from vtbench.report.figures import write_figures

    written = write_figures(read_boards([runs]), tmp_path / "figures")
    assert len(written) >= 2
    with Image.open(written[0]) as picture:
        assert picture.width > 600


def test_damaged_pictures_and_rows_cost_only_themselves(runs: Path) -> None:
    (runs / "a" / "previews" / "00000000-x.webp").write_bytes(b"broken")
    (runs / "a" / SAMPLES_FILE).write_bytes(b"broken")
    with pytest.warns(UserWarning, match="is left out") as told:
        page = html_page(read_boards([runs]))
    assert "jpeg" in page and "worse" in page
    said = " ".join(str(one.message) for one in told)
    assert "00000000-x.webp is left out" in said and "what its rows show is left out" in said


def test_a_board_of_times_names_its_device_and_no_other_does(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "jpeg", 25.0, 0.5)
    assert "threads" not in markdown_page(read_boards([tmp_path]))
    file = tmp_path / "a" / "record.json"
    record = read_record(file)
    spec = {**record.task.spec, "kind": "cost"}
    environment = record.environment.model_copy(update={"cpu": "A processor", "threads": 3, "device_name": ""})
    write_record(
        record.model_copy(update={"task": record.task.model_copy(update={"spec": spec}), "environment": environment}),
        file,
    )
    boards = read_boards([tmp_path])
    assert "A processor, 3 threads" in markdown_page(boards) and "A processor, 3 threads" in html_page(boards)
    assert "A processor, 3 threads" in caption([boards[0].first], ["psnr"])
